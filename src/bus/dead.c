/* SPDX-License-Identifier: Apache-2.0 */
/* Takes dead letters one by one without acknowledging them: the broker keeps each until it is told
 * to drop it, and puts the others back when the channel closes. */
#include "bus/dead.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/text.h"
#include "bus/broker_url.h"
#include "bus/session.h"
#include "messages/topics.h"

enum { CONFIRM_MS = 10000 };

struct bus_dead {
        struct broker_url *url;
        struct watchdog *watchdog;
        struct watch watch;
        struct session *session;
        char *exchange;
        uint64_t n_left; /* of those that were there at first */

        amqp_message_t message; /* the last that came */
        bool held;
        uint64_t tag;
        char queue[256], key[256];
        bool confirmed, taken, returned;
};

static void on_confirmed(uint64_t tag, bool multiple, bool taken, void *user)
{
        struct bus_dead *d = user;

        (void)tag, (void)multiple; /* one is under way at a time */
        d->confirmed = true;
        d->taken = taken;
}

static void on_returned(const struct session_message *m, void *user)
{
        (void)m;
        ((struct bus_dead *)user)->returned = true;
}

static int away(struct bus_dead *d, struct fault *why)
{
        fault_set(why, 503, "bus.unavailable", "The message broker %s.", d->session->reason);
        return BUS_DEAD_AWAY;
}

static void let_go(struct bus_dead *d)
{
        if (d->held)
                amqp_destroy_message(&d->message);
        d->held = false;
}

/* ---- open ---- */

static int connect_one(struct bus_dead *d, const struct bus_settings *settings, struct fault *why)
{
        static const struct session_hears hears = { .confirmed = on_confirmed,
                                                    .returned = on_returned };
        int r = SESSION_AWAY;

        for (size_t i = 0; i < d->url->n_hosts && r == SESSION_AWAY; i++) {
                const struct session_how how = {
                        .host = &d->url->hosts[i],
                        .vhost = d->url->vhost,
                        .name = "atlas-manage:dead",
                        .settings = settings,
                        .watchdog = d->watchdog,
                        .watch = &d->watch,
                };

                r = session_open(&how, &hears, d, &d->session, why);
        }
        return r == SESSION_AWAY ? BUS_DEAD_AWAY : r;
}

int bus_dead_open(const struct bus_settings *settings, struct bus_dead **ret, struct fault *why)
{
        OWN(bus_dead_free) struct bus_dead *d = calloc(1, sizeof *d);
        const amqp_queue_declare_ok_t *there;
        int r;

        if (!d || !(d->exchange = strdup(settings->control_exchange)))
                return err_raise(-ENOMEM);
        r = broker_url_parse(settings->transport_url, &d->url, why);
        if (r)
                return r < 0 ? err_pass(r) : BUS_DEAD_AWAY;
        r = watchdog_new(&d->watchdog);
        r = r ? r : connect_one(d, settings, why);
        if (r)
                return r;
        there = amqp_queue_declare(d->session->amqp, SESSION_CHANNEL,
                                   amqp_cstring_bytes(QUEUE_DEAD), 1, 0, 0, 0, amqp_empty_table);
        if (!session_answered(d->session, QUEUE_DEAD))
                return away(d, why);
        d->n_left = there->message_count;
        amqp_confirm_select(d->session->amqp, SESSION_CHANNEL);
        if (!session_answered(d->session, "confirm.select"))
                return away(d, why);
        *ret = TAKE(d);
        return BUS_DEAD_OK;
}

struct bus_dead *bus_dead_free(struct bus_dead *d)
{
        if (!d)
                return NULL;
        let_go(d);
        session_free(d->session);
        watchdog_free(d->watchdog);
        broker_url_free(d->url);
        free(d->exchange);
        free(d);
        return NULL;
}

/* ---- one ---- */

static bool is_key(amqp_bytes_t key, const char *name)
{
        return key.len == strlen(name) && memcmp(key.bytes, name, key.len) == 0;
}

static const amqp_field_value_t *entry(const amqp_table_t *t, const char *name)
{
        for (int i = 0; i < t->num_entries; i++)
                if (is_key(t->entries[i].key, name))
                        return &t->entries[i].value;
        return NULL;
}

static void copy_bytes(amqp_bytes_t from, char *to, size_t size)
{
        snprintf(to, size, "%.*s", (int)(from.len < size ? from.len : size),
                 from.len ? (const char *)from.bytes : "");
}

/* The header's text under the first of 'names' that is there; else 'to' is left alone. */
static void copy_header(const amqp_table_t *headers, const char *const *names, char *to,
                        size_t size)
{
        for (; *names; names++) {
                const amqp_field_value_t *v = entry(headers, *names);

                if (v && (v->kind == AMQP_FIELD_KIND_UTF8 || v->kind == AMQP_FIELD_KIND_BYTES)) {
                        copy_bytes(v->value.bytes, to, size);
                        return;
                }
        }
}

/* Where the broker itself buried it, by a policy, its first death tells the key it was sent with.
 */
static void copy_death(const amqp_table_t *headers, char *key, size_t size)
{
        const amqp_field_value_t *deaths = entry(headers, "x-death"), *keys;

        if (!deaths || deaths->kind != AMQP_FIELD_KIND_ARRAY ||
            deaths->value.array.num_entries < 1 ||
            deaths->value.array.entries[0].kind != AMQP_FIELD_KIND_TABLE)
                return;
        keys = entry(&deaths->value.array.entries[0].value.table, "routing-keys");
        if (keys && keys->kind == AMQP_FIELD_KIND_ARRAY && keys->value.array.num_entries > 0 &&
            keys->value.array.entries[0].kind == AMQP_FIELD_KIND_UTF8)
                copy_bytes(keys->value.array.entries[0].value.bytes, key, size);
}

static void read_letter(struct bus_dead *d, struct bus_dead_letter *to)
{
        static const char *const queue[] = { "queue", "x-first-death-queue", NULL },
                                 *const reason[] = { "reason", "x-first-death-reason", NULL },
                                 *const key[] = { "key", NULL }, *const time[] = { "time", NULL };
        const amqp_basic_properties_t *p = &d->message.properties;
        amqp_table_t headers = p->_flags & AMQP_BASIC_HEADERS_FLAG ? p->headers : amqp_empty_table;

        copy_header(&headers, queue, to->queue, sizeof to->queue);
        copy_header(&headers, reason, to->reason, sizeof to->reason);
        copy_header(&headers, time, to->time, sizeof to->time);
        copy_death(&headers, to->key, sizeof to->key);
        copy_header(&headers, key, to->key, sizeof to->key);
        to->body = d->message.body.bytes;
        to->n = d->message.body.len;
        if (p->_flags & AMQP_BASIC_MESSAGE_ID_FLAG && p->message_id.len > 0 &&
            p->message_id.len < sizeof to->id)
                copy_bytes(p->message_id, to->id, sizeof to->id);
        if (!to->id[0] || strspn(to->id, "0123456789abcdef-") != strlen(to->id))
                snprintf(to->id, sizeof to->id, "%016" PRIx64,
                         digest_bytes(to->body, to->n) ^ digest_text(to->writer));
        TEXT_SET(d->queue, to->queue);
        TEXT_SET(d->key, to->key);
}

int bus_dead_next(struct bus_dead *d, struct bus_dead_letter *ret, struct fault *why)
{
        const amqp_basic_get_ok_t *got;
        amqp_rpc_reply_t reply;

        let_go(d);
        if (d->n_left == 0)
                return BUS_DEAD_END;
        d->n_left--;
        amqp_maybe_release_buffers(d->session->amqp);
        reply = amqp_basic_get(d->session->amqp, SESSION_CHANNEL, amqp_cstring_bytes(QUEUE_DEAD),
                               0);
        if (reply.reply_type != AMQP_RESPONSE_NORMAL) {
                session_answered(d->session, QUEUE_DEAD);
                return away(d, why);
        }
        if (reply.reply.id != AMQP_BASIC_GET_OK_METHOD)
                return BUS_DEAD_END;
        got = reply.reply.decoded;
        *ret = (struct bus_dead_letter){ 0 };
        d->tag = got->delivery_tag;
        copy_bytes(got->routing_key, ret->writer, sizeof ret->writer);
        reply = amqp_read_message(d->session->amqp, SESSION_CHANNEL, &d->message, 0);
        if (reply.reply_type != AMQP_RESPONSE_NORMAL) {
                session_end(d->session, "did not send a whole dead letter");
                return away(d, why);
        }
        d->held = true;
        read_letter(d, ret);
        return BUS_DEAD_OK;
}

/* ---- the end of one ---- */

/* Writes, and reads until 'over' says so (NULL: until it is written). */
static bool pump(struct bus_dead *d, const bool *over)
{
        struct session *s = d->session;
        int64_t until_ms = clock_mono_ms() + CONFIRM_MS;

        while (!session_over(s) && (session_unwritten(s) > 0 || (over && !*over))) {
                int64_t now_ms = clock_mono_ms();
                struct pollfd p = { .fd = s->fd, .events = POLLIN };

                if (now_ms >= until_ms) {
                        session_end(s, "did not answer within %d ms", CONFIRM_MS);
                        break;
                }
                session_flush(s, now_ms);
                if (session_unwritten(s) > 0)
                        p.events |= POLLOUT;
                else if (!over || *over)
                        break;
                if (!s->unread && poll(&p, 1, (int)(until_ms - now_ms)) < 0 && errno != EINTR)
                        session_end(s, "cannot be waited for: %s", strerror(errno));
                session_read(s);
        }
        return !session_over(s);
}

int bus_dead_drop(struct bus_dead *d, struct fault *why)
{
        session_ack(d->session, d->tag, false);
        return pump(d, NULL) ? BUS_DEAD_OK : away(d, why);
}

/* To the exchange under its own key where that is known (an event's key names its site); else
 * straight to its queue. */
int bus_dead_replay(struct bus_dead *d, struct fault *why)
{
        amqp_basic_properties_t properties = {
                ._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_CONTENT_ENCODING_FLAG |
                          AMQP_BASIC_DELIVERY_MODE_FLAG,
                .content_type = amqp_cstring_bytes("application/json"),
                .content_encoding = amqp_cstring_bytes("utf-8"),
                .delivery_mode = AMQP_DELIVERY_NONPERSISTENT,
        };

        if (!d->key[0] && !d->queue[0]) {
                fault_set(why, 409, "dead.homeless",
                          "It does not say which queue it came from; it can only be dropped.");
                return BUS_DEAD_AWAY;
        }
        d->confirmed = d->returned = false;
        session_publish(d->session, d->key[0] ? d->exchange : "", d->key[0] ? d->key : d->queue,
                        &properties, d->message.body.bytes, d->message.body.len);
        if (!pump(d, &d->confirmed))
                return away(d, why);
        if (d->returned || !d->taken) {
                fault_set(why, 409, "dead.unroutable",
                          "The broker has no queue for %.200s any more, or did not take it.",
                          d->key[0] ? d->key : d->queue);
                return BUS_DEAD_AWAY;
        }
        return bus_dead_drop(d, why);
}
