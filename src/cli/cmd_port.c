/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual ports: a link's ends, and what they are plugged into. */
#include <errno.h>

#include "base/err.h"
#include "base/uuid.h"
#include "cli/cli.h"

int vport_show(struct cli *c)
{
        json_auto_t *port = NULL;
        char id[ID_SIZE];
        int r = find_port(c, c->args->words[0], id);

        r = r ? r : noun_fetch(c, &noun_port, id, &port);
        r = r ? r : noun_print(c, &noun_port, port);
        return r < 0 ? err_pass(r) : r;
}

static int act(struct cli *c, const char *action, const json_t *body)
{
        OWN(openstack_reply_done) struct openstack_reply reply = { 0 };
        json_auto_t *fresh = NULL;
        char id[ID_SIZE], path[128];
        json_t *port;
        const char *link_id;
        int followed, r = find_port(c, c->args->words[0], id);

        if (r)
                return r < 0 ? err_pass(r) : r;
        snprintf(path, sizeof path, "%s/%s/%s", noun_port.path, id, action);
        r = service_call(c, "POST", path, body, &reply);
        if (r)
                return r < 0 ? err_pass(r) : r;
        port = json_object_get(reply.body, noun_port.one);
        link_id = json_string_value(json_object_get(port, "virtual_link_id"));
        followed = link_id ? follow_answer(c, port, link_id, reply.request_id) : CLI_OK;
        if (followed < 0)
                return err_pass(followed);
        if (arguments_has(c->args, OPT_WAIT))
                r = noun_fetch(c, &noun_port, id, &fresh);
        r = r ? r : noun_print(c, &noun_port, fresh ? fresh : port);
        if (r < 0)
                return err_pass(r);
        return followed ? followed : r;
}

int vport_attach(struct cli *c)
{
        const char *network = c->args->value[OPT_NETWORK], *port = c->args->value[OPT_PORT];
        json_auto_t *body = NULL;

        if (!network == !port)
                return cli_usage_of(c, "port attach", "give either --network or --port");
        if (!uuid_valid(network ? network : port))
                return cli_usage_of(
                        c, network ? "--network" : "--port",
                        "it is another service's: give its id, as `openstack network show` or `port show` tells it");
        body = json_pack("{ss}", network ? "network_id" : "port_id", network ? network : port);
        return body ? act(c, "attach", body) : err_raise(-ENOMEM);
}

int vport_detach(struct cli *c)
{
        json_auto_t *body = json_object();

        return body ? act(c, "detach", body) : err_raise(-ENOMEM);
}
