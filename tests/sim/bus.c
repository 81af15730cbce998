/* SPDX-License-Identifier: Apache-2.0 */
/* The bus: queues whose messages may be late, doubled, lost, reordered or too old. Bodies are the real envelope's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "messages/envelope.h"
#include "messages/topics.h"
#include "sim/sim.h"

static void *grown(void *array, size_t n, size_t *room, size_t size)
{
        if (n < *room)
                return array;
        *room = *room ? 2 * *room : 32;
        array = reallocarray(array, *room, size);
        if (!array)
                abort();
        return array;
}

static bool is_fault(struct sim *s)
{
        return random_chance(&s->random, s->fault_percent);
}

static void push(struct sim *s, const struct message *m)
{
        s->queue = grown(s->queue, s->n_queue, &s->queue_room, sizeof *s->queue);
        s->queue[s->n_queue++] = *m;
}

static void push_copy(struct sim *s, const struct message *m)
{
        struct message copy = *m;

        copy.bytes = malloc(m->n + 1);
        if (!copy.bytes)
                abort();
        memcpy(copy.bytes, m->bytes, m->n + 1);
        push(s, &copy);
}

void sim_lose(struct sim *s, const struct timer *t)
{
        s->lost = grown(s->lost, s->n_lost, &s->lost_room, sizeof *s->lost);
        s->lost[s->n_lost++] = *t;
}

/* What the bus does to a message on its way in. */
static void publish(struct sim *s, struct message *m)
{
        m->at_ms = s->now_ms + 1 + (int64_t)random_below(&s->random, 20);
        if (is_fault(s) && random_chance(&s->random, 30)) {
                sim_trace(s, "bus: #%lld %s lost", (long long)m->number, m->method);
                if (m->timer.ref_id[0] && random_chance(&s->random, 50))
                        sim_lose(s, &m->timer); /* the broker said so */
                if (m->call >= 0)
                        s->calls[m->call].lost = true;
                free(m->bytes);
                return;
        }
        if (is_fault(s) && random_chance(&s->random, 50)) {
                m->at_ms += (int64_t)random_below(&s->random, 15000);
                sim_trace(s, "bus: #%lld %s is late", (long long)m->number, m->method);
        }
        /* Plugging has no fence: two at work on one attachment at once are beyond what is promised. */
        if (is_fault(s) && random_chance(&s->random, 50) && port_work_lane(m->method) != LANE_CLOUD) {
                struct message twin = *m;

                if (random_chance(&s->random, 50)) /* else both are taken at once */
                        twin.at_ms += (int64_t)random_below(&s->random, 4000);
                sim_trace(s, "bus: #%lld %s doubled", (long long)m->number, m->method);
                push_copy(s, &twin);
        }
        push(s, m);
}

static bool encode(struct sim *s, struct message *m, const char *method, const json_t *args, const json_t *context)
{
        struct text bytes = { 0 };
        json_auto_t *none = json_object();
        int r = request_encode(method, "1.0", args, context ? context : none, NULL, NULL, &bytes);

        if (!sim_must(s, r, "request_encode"))
                return false;
        m->n = bytes.n;
        m->bytes = text_take(&bytes);
        m->number = ++s->n_messages;
        TEXT_SET(m->method, method);
        return m->bytes != NULL;
}

void sim_send(struct sim *s, enum queue queue, int site, const char *method, const json_t *args,
              const json_t *context, int64_t expiration_ms, int call)
{
        struct message m = { .queue = queue, .site = site, .gateway = -1, .call = call };

        if (!encode(s, &m, method, args, context))
                return;
        if (expiration_ms)
                m.expires_ms = s->now_ms + expiration_ms;
        publish(s, &m);
}

static int site_find(const struct sim *s, const char *name)
{
        for (int i = 0; i < SITES; i++)
                if (text_equal(s->sites[i].name, name))
                        return i;
        return -1;
}

void sim_cast(struct sim *s, const struct out *o)
{
        bool wan = text_equal(o->topic, TOPIC_WAN);
        struct message m = { .queue = wan ? QUEUE_WAN : QUEUE_SITE, .site = wan ? 0 : site_find(s, o->site), .timer = o->timer, .call = -1 };
        json_auto_t *context = json_pack("{ss}", "request_id", o->request_id);

        if (m.site < 0 || (wan && !text_equal(o->site, s->wan.name))) {
                sim_broken(s, "a cast to site \"%s\"", o->site);
                return;
        }
        if (!encode(s, &m, o->method, o->body, context))
                return;
        m.gateway = wan ? -1 : sim_gateway_find(s, m.site, port_work_gateway(o->body));
        m.seq = json_integer_value(json_object_get(o->body, "seq"));
        m.expires_ms = s->now_ms + o->expiration_ms;
        if (o->expiration_ms <= 0)
                sim_broken(s, "a cast %s without expiration", o->method);
        sim_trace(s, "    cast #%lld %s %s gw-%d seq %lld", (long long)m.number, o->site, o->method, m.gateway,
                  (long long)m.seq);
        publish(s, &m);
}

struct message sim_take(struct sim *s, size_t i)
{
        struct message m = s->queue[i];

        memmove(&s->queue[i], &s->queue[i + 1], (s->n_queue - i - 1) * sizeof m);
        s->n_queue--;
        return m;
}

void sim_requeue(struct sim *s, const struct message *m)
{
        struct message back = *m;

        if (back.at_ms > s->now_ms)
                back.at_ms = s->now_ms + 1; /* else back to its old place */
        push(s, &back);
}

bool sim_pick(struct sim *s, enum queue queue, int site, size_t *ret)
{
        bool reorder = is_fault(s);
        size_t n = 0;
        bool found = false;

        for (size_t i = 0; i < s->n_queue; i++) {
                const struct message *m = &s->queue[i];

                if (m->queue != queue || (queue == QUEUE_SITE && m->site != site) || m->at_ms > s->now_ms)
                        continue;
                /* In order; or any of those that are there, each as likely. */
                if (!found || (reorder ? random_below(&s->random, ++n + 1) == 0 :
                                         m->at_ms < s->queue[*ret].at_ms))
                        *ret = i;
                found = true;
        }
        return found;
}
