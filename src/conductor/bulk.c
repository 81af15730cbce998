/* SPDX-License-Identifier: Apache-2.0 */
/* Several links at once, all or none: each is created as if it had been asked for alone, in the one
 * transaction. A refusal of one is the answer to all; the batch is then done again without them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/text.h"
#include "conductor/request.h"

enum { BULK_MAX = 100 };

/* One of the links as a request of its own. */
struct part {
        struct request request;
        struct input input;
};

static json_t *links_of(const struct input *in)
{
        return json_object_get(in->request->args, "virtual_links");
}

static int part_init(struct part *p, const struct input *in, json_t *link)
{
        p->request = *in->request;
        p->request.args = json_pack("{sO}", "virtual_link", link);
        p->input = *in;
        p->input.request = &p->request;
        return p->request.args ? 0 : err_raise(-ENOMEM);
}

static int each(struct turn *t, const struct input *in,
                int (*plan)(struct turn *t, const struct input *in))
{
        json_t *link;
        size_t i;
        int r = 0;

        json_array_foreach (links_of(in), i, link) {
                struct part p;

                if (i == BULK_MAX) /* the handler says it */
                        break;
                r = part_init(&p, in, link);
                r = r ? r : plan(t, &p.input);
                json_decref(p.request.args);
                if (r)
                        break;
        }
        return r;
}

int links_create_plan(struct turn *t, const struct input *in)
{
        return each(t, in, link_create_plan);
}

int links_create_refine(struct turn *t, const struct input *in)
{
        return each(t, in, link_create_refine);
}

/* The reply that creating one has just left becomes an element of 'made'. */
static int take_reply(struct turn *t, json_t *made)
{
        struct out *reply = &t->outs->outs[t->outs->n - 1];
        int r = json_array_append(made, json_object_get(reply->body, "virtual_link"));

        json_decref(reply->body);
        t->outs->n--;
        return r == 0 ? 0 : err_raise(-ENOMEM);
}

static int refuse_part(struct fault *why, size_t i)
{
        struct fault told = *why;

        fault_set(why, told.code, told.type, "virtual_links[%zu]: %s", i, told.message);
        TEXT_SET(why->details, told.details);
        why->retry_after_ms = told.retry_after_ms;
        return why->code;
}

/* What is stored under a key has to fit there. */
static bool fits(const struct input *in, const json_t *made)
{
        size_t room = ANSWER_SIZE - sizeof "{\"virtual_links\":}";

        return !*input_text(in, "idempotency_key") ||
               json_dumpb(made, NULL, 0, JSON_COMPACT) < room;
}

int links_create(struct turn *t, const struct input *in, struct fault *why)
{
        json_t *links = links_of(in), *link;
        json_auto_t *made = json_array();
        size_t i;

        if (json_array_size(links) == 0 || json_array_size(links) > BULK_MAX)
                return fault_set(why, 400, "request.invalid",
                                 "virtual_links has to be a list of 1 to %d links.", BULK_MAX);
        json_array_foreach (links, i, link) {
                struct part p;
                int r = part_init(&p, in, link);

                r = r ? r : link_create(t, &p.input, why);
                json_decref(p.request.args);
                r = r ? r : take_reply(t, made);
                if (r)
                        return r < 0 ? r : refuse_part(why, i);
        }
        if (!fits(in, made))
                return fault_set(why, 400, "request.too_long_for_key",
                                 "These are more links than one Idempotency-Key can hold; send "
                                 "fewer at once, or without it.");
        return out_reply(t, "virtual_links", json_incref(made));
}
