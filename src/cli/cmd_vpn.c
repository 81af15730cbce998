/* SPDX-License-Identifier: Apache-2.0 */
/* VPNs: made, changed and taken away at once, so nothing is waited for. */
#include <errno.h>

#include "base/err.h"
#include "cli/cli.h"

/* Sends {"vpn": 'take_attributes'}, prints the VPN that comes back. */
static int send_vpn(struct cli *c, const char *method, const char *path, json_t *take_attributes)
{
        OWN(openstack_reply_done) struct openstack_reply reply = { 0 };
        json_auto_t *body = json_pack("{so}", noun_vpn.one, take_attributes);
        int r = body ? service_call(c, method, path, body, &reply) : err_raise(-ENOMEM);

        r = r ? r : noun_print(c, &noun_vpn, json_object_get(reply.body, noun_vpn.one));
        return r < 0 ? err_pass(r) : r;
}

int vpn_create(struct cli *c)
{
        return send_vpn(c, "POST", noun_vpn.path,
                        json_pack("{ss ss ss*}", "name", c->args->words[0], "type",
                                  c->args->value[OPT_TYPE], "description",
                                  c->args->value[OPT_DESCRIPTION]));
}

int vpn_set(struct cli *c)
{
        const struct arguments *a = c->args;
        char id[ID_SIZE], path[128];
        int r;

        if (!arguments_has(a, OPT_NAME) && !arguments_has(a, OPT_DESCRIPTION))
                return cli_usage_of(c, "vpn set",
                                    "nothing to change: give --name or --description");
        r = find_id(c, &noun_vpn, a->words[0], NULL, id);
        if (r)
                return r < 0 ? err_pass(r) : r;
        snprintf(path, sizeof path, "%s/%s", noun_vpn.path, id);
        return send_vpn(c, "PUT", path,
                        json_pack("{ss* ss*}", "name", a->value[OPT_NAME], "description",
                                  a->value[OPT_DESCRIPTION]));
}

int vpn_delete(struct cli *c)
{
        OWN(openstack_reply_done) struct openstack_reply reply = { 0 };
        char id[ID_SIZE], path[128];
        int r = find_id(c, &noun_vpn, c->args->words[0], NULL, id);

        if (r)
                return r < 0 ? err_pass(r) : r;
        snprintf(path, sizeof path, "%s/%s", noun_vpn.path, id);
        r = service_call(c, "DELETE", path, NULL, &reply);
        return r < 0 ? err_pass(r) : r;
}

static int change_site(struct cli *c, const char *action)
{
        OWN(openstack_reply_done) struct openstack_reply reply = { 0 };
        json_auto_t *body = NULL;
        char vpn_id[ID_SIZE], site_id[ID_SIZE], path[128];
        int r = find_id(c, &noun_vpn, c->args->words[0], NULL, vpn_id);

        r = r ? r : find_id(c, &noun_site, c->args->words[1], NULL, site_id);
        if (r)
                return r < 0 ? err_pass(r) : r;
        body = json_pack("{ss}", "site_id", site_id);
        if (!body)
                return err_raise(-ENOMEM);
        snprintf(path, sizeof path, "%s/%s/%s", noun_vpn.path, vpn_id, action);
        r = service_call(c, "PUT", path, body, &reply);
        r = r ? r : noun_print(c, &noun_vpn, json_object_get(reply.body, noun_vpn.one));
        return r < 0 ? err_pass(r) : r;
}

int vpn_add_site(struct cli *c)
{
        return change_site(c, "add_site");
}

int vpn_remove_site(struct cli *c)
{
        return change_site(c, "remove_site");
}
