/* SPDX-License-Identifier: Apache-2.0 */
/* Tags, of all nouns that have them. */
#include <errno.h>

#include "base/err.h"
#include "base/text.h"
#include "cli/cli.h"

static int act(struct cli *c, const char *method)
{
        OWN(openstack_reply_done) struct openstack_reply reply = { 0 };
        OWN(text_done) struct text path = { 0 };
        const struct noun *n = noun_of(c->args->command->noun);
        char id[ID_SIZE];
        int r = find_id(c, n, c->args->words[0], NULL, id);

        if (r)
                return r < 0 ? err_pass(r) : r;
        text_addf(&path, "%s/%s/tags/", n->path, id);
        service_escape(&path, c->args->words[1]);
        if (path.failed)
                return err_raise(-ENOMEM);
        r = service_call(c, method, path.bytes, NULL, &reply);
        return r < 0 ? err_pass(r) : r;
}

int tag_add(struct cli *c)
{
        return act(c, "PUT");
}

int tag_remove(struct cli *c)
{
        return act(c, "DELETE");
}
