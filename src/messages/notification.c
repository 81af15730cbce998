/* SPDX-License-Identifier: Apache-2.0 */
/* Notifications, as oslo.messaging's driver messagingv2 writes and its listeners read them. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/err.h"
#include "base/uuid.h"
#include "messages/ascii_json.h"
#include "messages/envelope.h"
#include "messages/outer.h"

/* UTC with microseconds and a space, without zone: as oslo.messaging writes it. */
static void add_time(struct text *t, int64_t wall_ms)
{
        time_t seconds = (time_t)(wall_ms / 1000);
        struct tm tm = { 0 };
        char text[32];

        gmtime_r(&seconds, &tm);
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
        text_addf(t, "\"%s.%03d000\"", text, (int)(wall_ms % 1000));
}

static void add_upper(struct text *t, const char *word)
{
        text_add_n(t, "\"", 1);
        for (; *word; word++) {
                char c = *word >= 'a' && *word <= 'z' ? (char)(*word - 'a' + 'A') : *word;

                text_add_n(t, &c, 1);
        }
        text_add_n(t, "\"", 1);
}

int notification_encode(const char *publisher_id, const char *event_type, const char *priority,
                        const json_t *payload, const json_t *context, int64_t now_wall_ms,
                        struct text *ret)
{
        char message_id[UUID_TEXT], unique_id[UUID_HEX];
        OWN(text_done) struct text inner = { 0 };

        uuid_new(message_id);
        uuid_new_hex(unique_id);
        text_reserve(&inner, INNER_BYTES);
        text_addf(&inner, "{\"message_id\": \"%s\", \"publisher_id\": ", message_id);
        ascii_json_add_string(&inner, publisher_id);
        text_add(&inner, ", \"event_type\": ");
        ascii_json_add_string(&inner, event_type);
        text_add(&inner, ", \"priority\": ");
        add_upper(&inner, priority);
        text_add(&inner, ", \"payload\": ");
        ascii_json_add(&inner, payload);
        text_add(&inner, ", \"timestamp\": ");
        add_time(&inner, now_wall_ms);
        text_addf(&inner, ", \"_unique_id\": \"%s\"", unique_id);
        outer_add_context(&inner, context);
        text_add(&inner, "}");
        return outer_write(&inner, ret);
}

struct notification *notification_free(struct notification *n)
{
        if (!n)
                return NULL;
        json_decref(n->document);
        json_decref(n->context);
        free(n);
        return NULL;
}

static int take_texts(const json_t *from, struct notification *to, struct fault *why)
{
        const struct {
                const char *key;
                const char **to;
        } texts[] = {
                { "event_type", &to->event_type }, { "publisher_id", &to->publisher_id },
                { "priority", &to->priority },     { "message_id", &to->message_id },
                { "timestamp", &to->timestamp },   { "_unique_id", &to->unique_id },
        };
        int answer = 0;

        for (size_t i = 0; i < sizeof texts / sizeof *texts && answer == 0; i++)
                answer = outer_text(from, texts[i].key, texts[i].to, why);
        if (answer == 0 && !to->event_type) {
                fault_set(why, 400, "bus.malformed", "The notification has no 'event_type'.");
                answer = ENVELOPE_MALFORMED;
        }
        return answer;
}

int notification_decode(const void *body, size_t n, struct notification **ret, struct fault *why)
{
        OWN(notification_free) struct notification *it = calloc(1, sizeof *it);
        int answer = it ? outer_open(body, n, &it->document, why) : err_raise(-ENOMEM);

        answer = answer ? answer : take_texts(it->document, it, why);
        answer = answer ? answer : outer_context(it->document, &it->context);
        if (answer != 0)
                return answer;
        it->payload = json_object_get(it->document, "payload");
        if (!it->payload)
                it->payload = json_null();
        *ret = TAKE(it);
        return ENVELOPE_OK;
}
