/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual links: what changes them is an operation that can be waited for. */
#include <errno.h>

#include "base/err.h"
#include "base/text.h"
#include "base/uuid.h"
#include "cli/bandwidth.h"
#include "cli/cli.h"

/* The options of one end. */
static const struct end {
        enum option site, gateway, network, port;
} ends[] = {
        { OPT_A_SITE, OPT_A_GATEWAY, OPT_A_NETWORK, OPT_A_PORT },
        { OPT_Z_SITE, OPT_Z_GATEWAY, OPT_Z_NETWORK, OPT_Z_PORT },
};

static int check_end(struct cli *c, const struct end *e)
{
        const char *network = c->args->value[e->network], *port = c->args->value[e->port];

        if (network && port)
                return cli_usage_of(c, option_rows[e->port].flag,
                                    "an end is plugged into a network or a port, not both");
        if (network && !uuid_valid(network))
                return cli_usage_of(
                        c, option_rows[e->network].flag,
                        "networks are another service's: give the id, as `openstack network show` tells it");
        if (port && !uuid_valid(port))
                return cli_usage_of(
                        c, option_rows[e->port].flag,
                        "ports are another service's: give the id, as `openstack port show` tells it");
        return CLI_OK;
}

static int read_bandwidth(struct cli *c, json_t **ret)
{
        int64_t a_to_z, z_to_a;

        if (!bandwidth_read_pair(c->args->value[OPT_BANDWIDTH], &a_to_z, &z_to_a))
                return cli_usage_of(
                        c, "--bandwidth",
                        "must be as 20M or 20M:10M, whole kbit/s from 1k to 2147.483647G each way");
        *ret = json_pack("{sI sI}", "a_to_z_kbps", (json_int_t)a_to_z, "z_to_a_kbps",
                         (json_int_t)z_to_a);
        return *ret ? CLI_OK : err_raise(-ENOMEM);
}

static int make_end(struct cli *c, const struct end *e, json_t *endpoints)
{
        const char *gateway = c->args->value[e->gateway];
        char site_id[ID_SIZE], gateway_id[ID_SIZE];
        json_t *endpoint;
        int r = find_id(c, &noun_site, c->args->value[e->site], NULL, site_id);

        if (r == CLI_OK && gateway)
                r = find_id(c, &noun_gateway, gateway, site_id, gateway_id);
        if (r)
                return r < 0 ? err_pass(r) : r;
        endpoint = json_pack("{ss ss* ss* ss*}", "site_id", site_id, "gateway_id",
                             gateway ? gateway_id : NULL, "network_id", c->args->value[e->network],
                             "port_id", c->args->value[e->port]);
        return endpoint && json_array_append_new(endpoints, endpoint) == 0 ? CLI_OK
                                                                           : err_raise(-ENOMEM);
}

/* Sends; follows what that began; prints the link as it is then, or was when it is no more. */
static int send_link(struct cli *c, const char *method, const char *path, const json_t *body)
{
        OWN(openstack_reply_done) struct openstack_reply reply = { 0 };
        json_auto_t *fresh = NULL;
        json_t *vlink;
        const char *id;
        int followed, r = service_call(c, method, path, body, &reply);

        if (r)
                return r < 0 ? err_pass(r) : r;
        vlink = json_object_get(reply.body, noun_link.one);
        id = json_string_value(json_object_get(vlink, "id"));
        followed =
                id && reply.status == 202 ? follow_answer(c, vlink, id, reply.request_id) : CLI_OK;
        if (followed < 0)
                return err_pass(followed);
        if (text_equal(method, "DELETE") || !id)
                return followed;
        if (id && arguments_has(c->args, OPT_WAIT))
                r = noun_fetch(c, &noun_link, id, &fresh);
        r = r ? r : noun_print(c, &noun_link, fresh ? fresh : vlink);
        if (r < 0)
                return err_pass(r);
        return followed ? followed : r;
}

int vlink_create(struct cli *c)
{
        json_auto_t *bandwidth = NULL;
        json_auto_t *endpoints = json_array();
        json_auto_t *body = NULL;
        char vpn_id[ID_SIZE];
        int r = read_bandwidth(c, &bandwidth);

        /* All that can be wrong without the service, before it is asked anything. */
        for (int i = 0; i < 2 && r == CLI_OK; i++)
                r = check_end(c, &ends[i]);
        r = r ? r : find_id(c, &noun_vpn, c->args->value[OPT_VPN], NULL, vpn_id);
        for (int i = 0; i < 2 && r == CLI_OK; i++)
                r = make_end(c, &ends[i], endpoints);
        if (r)
                return r < 0 ? err_pass(r) : r;
        body = json_pack("{s{ss ss* ss sO sO}}", noun_link.one, "name", c->args->words[0],
                         "description", c->args->value[OPT_DESCRIPTION], "vpn_id", vpn_id,
                         "endpoints", endpoints, "bandwidth", bandwidth);
        return body ? send_link(c, "POST", noun_link.path, body) : err_raise(-ENOMEM);
}

static int path_of_link(struct cli *c, char ret[128])
{
        char id[ID_SIZE];
        int r = find_id(c, &noun_link, c->args->words[0], NULL, id);

        snprintf(ret, 128, "%s/%s", noun_link.path, r ? "" : id);
        return r < 0 ? err_pass(r) : r;
}

int vlink_set(struct cli *c)
{
        const struct arguments *a = c->args;
        json_auto_t *bandwidth = NULL;
        json_auto_t *body = NULL;
        char path[128];
        int r = CLI_OK;

        if (!arguments_has(a, OPT_BANDWIDTH) && !arguments_has(a, OPT_NAME) &&
            !arguments_has(a, OPT_DESCRIPTION))
                return cli_usage_of(c, "link set",
                                    "nothing to change: give --bandwidth, --name or --description");
        if (arguments_has(a, OPT_BANDWIDTH))
                r = read_bandwidth(c, &bandwidth);
        r = r ? r : path_of_link(c, path);
        if (r)
                return r < 0 ? err_pass(r) : r;
        body = json_pack("{s{ss* ss* sO*}}", noun_link.one, "name", a->value[OPT_NAME],
                         "description", a->value[OPT_DESCRIPTION], "bandwidth", bandwidth);
        return body ? send_link(c, "PUT", path, body) : err_raise(-ENOMEM);
}

static int switch_link(struct cli *c, bool on)
{
        json_auto_t *body = json_pack("{s{sb}}", noun_link.one, "admin_state_up", on);
        char path[128];
        int r = body ? path_of_link(c, path) : err_raise(-ENOMEM);

        return r ? r : send_link(c, "PUT", path, body);
}

int vlink_disable(struct cli *c)
{
        return switch_link(c, false);
}

int vlink_enable(struct cli *c)
{
        return switch_link(c, true);
}

/* What operators do to a link with a request of its own. */
static int operate(struct cli *c, const char *action)
{
        json_auto_t *body = json_object();
        char link[128], path[160];
        int r = body ? path_of_link(c, link) : err_raise(-ENOMEM);

        snprintf(path, sizeof path, "%s/%s", link, action);
        return r ? r : send_link(c, "POST", path, body);
}

int vlink_retry(struct cli *c)
{
        return operate(c, "retry");
}

int vlink_force_delete(struct cli *c)
{
        return operate(c, "force_delete");
}

int vlink_delete(struct cli *c)
{
        char path[128];
        int r = path_of_link(c, path);

        return r ? r : send_link(c, "DELETE", path, NULL);
}

int vlink_history(struct cli *c)
{
        struct noun history = noun_event;
        OWN(text_done) struct text path = { 0 };
        json_auto_t *list = NULL;
        char id[ID_SIZE];
        int r = find_id(c, &noun_link, c->args->words[0], NULL, id);

        if (r)
                return r < 0 ? err_pass(r) : r;
        history.columns = "at type row what request_id"; /* of one object only */
        text_add(&path, noun_event.path);
        service_query(&path, "object_id", id);
        if (arguments_has(c->args, OPT_LIMIT))
                service_query(&path, "limit", c->args->value[OPT_LIMIT]);
        if (path.failed)
                return err_raise(-ENOMEM);
        r = arguments_has(c->args, OPT_LIMIT) ? noun_fetch_page(c, &noun_event, path.bytes, &list)
                                              : noun_fetch_list(c, &noun_event, path.bytes, &list);
        r = r ? r : noun_print_list(c, &history, list);
        return r < 0 ? err_pass(r) : r;
}
