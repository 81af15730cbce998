/* SPDX-License-Identifier: Apache-2.0 */
/* Sites connected in one go: a VPN, its members, links and plugs, all or nothing. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "base/uuid.h"
#include "cli/bandwidth.h"
#include "cli/cli.h"

/* "SITE", "SITE:NETWORK" or "SITE:port=PORT". */
static int add_end(struct cli *c, const char *word, json_t *ends)
{
        const char *colon = strchr(word, ':'), *plug = colon ? colon + 1 : NULL;
        bool port = plug && text_starts(plug, "port=");
        char site[SITE_SIZE], site_id[ID_SIZE];
        json_t *end;
        int r;

        if (plug && !uuid_valid(plug + (port ? strlen("port=") : 0)))
                return cli_usage_of(
                        c, word,
                        "networks and ports are another service's: give SITE, SITE:NETWORK-ID or SITE:port=PORT-ID");
        snprintf(site, sizeof site, "%.*s", (int)strcspn(word, ":"), word);
        r = find_id(c, &noun_site, site, NULL, site_id);
        if (r)
                return r < 0 ? err_pass(r) : r;
        end = json_pack("{ss ss* ss*}", "site_id", site_id, "network_id", port ? NULL : plug,
                        "port_id", port ? plug + strlen("port=") : NULL);
        return end && json_array_append_new(ends, end) == 0 ? CLI_OK : err_raise(-ENOMEM);
}

static int make_body(struct cli *c, json_t **ret)
{
        const struct arguments *a = c->args;
        json_auto_t *ends = json_array();
        int64_t a_to_z, z_to_a;
        char vpn_id[ID_SIZE];
        int r = CLI_OK;

        if (!bandwidth_read_pair(a->value[OPT_BANDWIDTH], &a_to_z, &z_to_a))
                return cli_usage_of(
                        c, "--bandwidth",
                        "must be as 20M or 20M:10M, whole kbit/s from 1k to 2147.483647G each way");
        for (size_t i = 0; i < a->n_words && r == CLI_OK; i++)
                r = add_end(c, a->words[i], ends);
        if (r == CLI_OK && a->value[OPT_VPN])
                r = find_id(c, &noun_vpn, a->value[OPT_VPN], NULL, vpn_id);
        if (r)
                return r < 0 ? err_pass(r) : r;
        *ret = json_pack("{s{ss* ss* ss* ss* sO s{sI sI}}}", noun_connection.one, "name",
                         a->value[OPT_NAME], "description", a->value[OPT_DESCRIPTION], "type",
                         a->value[OPT_TYPE], "vpn_id", a->value[OPT_VPN] ? vpn_id : NULL,
                         "endpoints", ends, "bandwidth", "a_to_z_kbps", (json_int_t)a_to_z,
                         "z_to_a_kbps", (json_int_t)z_to_a);
        return *ret ? CLI_OK : err_raise(-ENOMEM);
}

/* What became of it; its operation knows. */
static int show(struct cli *c, json_t *connection)
{
        const char *id = json_string_value(json_object_get(connection, "operation_id"));
        json_auto_t *operation = NULL;
        int r = CLI_OK;

        if (id && arguments_has(c->args, OPT_WAIT)) {
                r = noun_fetch(c, &noun_operation, id, &operation);
                if (r == CLI_OK &&
                    (json_object_set(connection, "status", json_object_get(operation, "status")) ||
                     json_object_set(connection, "status_reason",
                                     json_object_get(operation, "status_reason"))))
                        r = err_raise(-ENOMEM);
        }
        return r ? r : noun_print(c, &noun_connection, connection);
}

int connect_sites(struct cli *c)
{
        OWN(openstack_reply_done) struct openstack_reply reply = { 0 };
        json_auto_t *body = NULL;
        json_t *connection;
        int followed, r = make_body(c, &body);

        r = r ? r : service_call(c, "POST", noun_connection.path, body, &reply);
        if (r)
                return r < 0 ? err_pass(r) : r;
        connection = json_object_get(reply.body, noun_connection.one);
        followed = follow_answer(c, connection, NULL, reply.request_id);
        if (followed < 0)
                return err_pass(followed);
        r = show(c, connection);
        return r < 0 ? err_pass(r) : followed ? followed : r;
}
