/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/letter.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "bus/limits.h"

struct letter *letter_free(struct letter *l)
{
        if (l)
                text_done(&l->out.body);
        free(l);
        return NULL;
}

static void on_ended(struct outgoing *out, enum bus_sent how)
{
        struct letter *l = (struct letter *)out;

        if (l->on_sent)
                l->on_sent(how, l->user);
        letter_free(l);
}

struct letter *letter_new(const char *routing_key, int64_t waits_ms)
{
        struct letter *l = calloc(1, sizeof *l);

        if (!l)
                return NULL;
        text_copy(l->out.routing_key, sizeof l->out.routing_key, routing_key);
        l->out.accepted_ms = clock_mono_ms();
        l->out.deadline_ms = l->out.accepted_ms + waits_ms;
        l->out.ended = on_ended;
        return l;
}

int letter_put(struct publisher *p, struct letter *l)
{
        if (l->out.body.n > BUS_BODY_BYTES) {
                letter_free(l);
                return err_raise(-EMSGSIZE);
        }
        publisher_put(p, &l->out);
        return 0;
}
