/* SPDX-License-Identifier: Apache-2.0 */
/* What operators hold in hand: the freeze of everything, and gateways whose repair was halted. */
#include <errno.h>

#include "base/err.h"
#include "base/text.h"
#include "cli/cli.h"

static int ask(struct cli *c, const struct noun *n, const char *method, const char *path,
               const json_t *body)
{
        OWN(openstack_reply_done) struct openstack_reply reply = { 0 };
        int r = service_call(c, method, path, body, &reply);

        r = r ? r : noun_print(c, n, json_object_get(reply.body, n->one));
        return r < 0 ? err_pass(r) : r;
}

static int set_freeze(struct cli *c, bool frozen)
{
        json_auto_t *body = json_pack("{s{sb ss*}}", noun_freeze.one, "frozen", frozen, "reason",
                                      c->args->value[OPT_REASON]);

        return body ? ask(c, &noun_freeze, "PUT", noun_freeze.path, body) : err_raise(-ENOMEM);
}

int freeze_show(struct cli *c)
{
        return ask(c, &noun_freeze, "GET", noun_freeze.path, NULL);
}

int freeze_start(struct cli *c)
{
        return set_freeze(c, true);
}

int freeze_end(struct cli *c)
{
        return set_freeze(c, false);
}

int gateway_release(struct cli *c)
{
        json_auto_t *body = json_object();
        char id[ID_SIZE], path[128];
        int r = body ? find_id(c, &noun_gateway, c->args->words[0], NULL, id) : err_raise(-ENOMEM);

        if (r)
                return r < 0 ? err_pass(r) : r;
        snprintf(path, sizeof path, "%s/%s/release", noun_gateway.path, id);
        return ask(c, &noun_gateway, "POST", path, body);
}
