/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/delivery.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "bus/counters.h"
#include "bus/declare.h"
#include "bus/limits.h"

static struct vigil *vigil_free(struct vigil *v)
{
        if (!v)
                return NULL;
        free(v->reply_q);
        free(v->msg_id);
        free(v);
        return NULL;
}
OWN_DEFINE(struct vigil *, vigil_free)

struct delivery *delivery_free(struct delivery *d)
{
        if (!d)
                return NULL;
        request_free(d->public.request);
        notification_free(d->public.notification);
        vigil_free(d->vigil);
        free(d->reason);
        free(d);
        return NULL;
}

static bool bytes_to(char *to, size_t size, amqp_bytes_t from)
{
        size_t n = from.len < size ? from.len : size - 1;

        if (n > 0)
                memcpy(to, from.bytes, n);
        to[n] = '\0';
        return n == from.len;
}

static bool is_key(const amqp_table_entry_t *e, const char *key)
{
        return e->key.len == strlen(key) && memcmp(e->key.bytes, key, e->key.len) == 0;
}

/* Numbers come in several widths. */
static int64_t number_of(const amqp_field_value_t *v)
{
        switch (v->kind) {
        case AMQP_FIELD_KIND_I64:
                return v->value.i64;
        case AMQP_FIELD_KIND_I32:
                return v->value.i32;
        case AMQP_FIELD_KIND_I16:
                return v->value.i16;
        case AMQP_FIELD_KIND_I8:
                return v->value.i8;
        case AMQP_FIELD_KIND_U8:
                return v->value.u8;
        default:
                return 0;
        }
}

static void read_headers(const amqp_table_t *headers, struct bus_delivery *to)
{
        for (int i = 0; i < headers->num_entries; i++) {
                const amqp_table_entry_t *e = &headers->entries[i];
                int64_t number = number_of(&e->value);

                if (is_key(e, "x-delivery-count") && number > 0)
                        to->delivery_count = number;
                if (is_key(e, SENT_HEADER) && number > 0) {
                        int64_t waited_ms = clock_wall_ms() - number;

                        /* Clocks of two machines need not agree. */
                        metric_observe_ms(&bus_queue_ms, waited_ms > 0 ? waited_ms : 0);
                }
        }
}

static void read_properties(const amqp_basic_properties_t *p, struct bus_delivery *to)
{
        char digits[24];
        long long ms;

        if (p->_flags & AMQP_BASIC_USER_ID_FLAG)
                bytes_to(to->user_id, sizeof to->user_id, p->user_id);
        if (p->_flags & AMQP_BASIC_EXPIRATION_FLAG &&
            bytes_to(digits, sizeof digits, p->expiration) &&
            text_to_int(digits, 0, INT64_MAX, &ms))
                to->expiration_ms = ms;
        if (p->_flags & AMQP_BASIC_HEADERS_FLAG)
                read_headers(&p->headers, to);
}

struct delivery *delivery_new(const struct session_message *m, const char *queue)
{
        struct delivery *d = malloc(sizeof *d + m->n);

        if (!d)
                return NULL;
        memset(d, 0, sizeof *d);
        d->tag = m->tag;
        d->n = m->n;
        d->announced = m->announced;
        memcpy(d->body, m->body, m->n);
        d->public.queue = queue;
        bytes_to(d->public.routing_key, sizeof d->public.routing_key, m->routing_key);
        d->public.redelivered = m->redelivered;
        d->public.received_mono_ms = clock_mono_ms();
        read_properties(m->properties, &d->public);
        return d;
}

/* oslo.messaging's rule: from two whole seconds on, at every half of it. */
static int note_vigil(struct delivery *d, const struct request *r)
{
        OWN(vigil_free) struct vigil *v = NULL;
        double most_s = 86400;

        if (!request_is_call(r) || !(r->monitor_timeout_s >= 2))
                return 0;
        v = calloc(1, sizeof *v);
        if (!v || !(v->reply_q = strdup(r->reply_q)) || !(v->msg_id = strdup(r->msg_id)))
                return err_raise(-ENOMEM);
        if (r->monitor_timeout_s < most_s)
                most_s = r->monitor_timeout_s;
        v->every_ms = (int64_t)most_s * 500;
        v->due_ms = d->public.received_mono_ms + v->every_ms;
        d->vigil = TAKE(v);
        return 0;
}

/* A sender may name further keys in a header, which the broker routes by but does not hold against
 * his rights: what comes under another queue's key did not come by right. */
static bool key_fits(const struct delivery *d)
{
        const char *bound = declare_key(d->public.queue);
        size_t n = strcspn(bound, "*#");

        return bound[n] ? strncmp(d->public.routing_key, bound, n) == 0
                        : strcmp(d->public.routing_key, bound) == 0;
}

static int read_request(struct delivery *d, const char **ret_id, struct fault *why)
{
        int r = request_decode(d->body, d->n, &d->public.request, why);

        if (r != 0)
                return r;
        *ret_id = d->public.request->unique_id;
        return note_vigil(d, d->public.request);
}

static int read_notification(struct delivery *d, const char **ret_id, struct fault *why)
{
        int r = notification_decode(d->body, d->n, &d->public.notification, why);

        if (r == 0)
                *ret_id = d->public.notification->unique_id;
        return r;
}

bool delivery_decode(struct delivery *d, bool is_notification)
{
        const char *id = NULL;
        struct fault why = { 0 };
        int r = 0;

        if (d->by_exchange && !key_fits(d))
                fault_set(&why, 403, "bus.wrong_key",
                          "The key it was sent with is not this queue's.");
        else if (d->announced > d->n)
                fault_set(&why, 413, "bus.message_too_large",
                          "The message has %" PRIu64 " bytes; the first %zu are here.",
                          d->announced, d->n);
        else if (d->n > BUS_BODY_BYTES)
                fault_set(&why, 413, "bus.message_too_large", "The message has %zu bytes.", d->n);
        else
                r = is_notification ? read_notification(d, &id, &why) : read_request(d, &id, &why);
        if (r < 0)
                fault_set(&why, 500, "bus.internal", "%s", err_trace());
        if (fault_is_set(&why)) {
                d->reason = strdup(why.message);
                return false;
        }
        if (!text_copy(d->unique_id, sizeof d->unique_id, id))
                d->unique_id[0] = '\0';
        return true;
}
