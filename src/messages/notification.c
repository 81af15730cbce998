/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

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

static void add_context(struct text *t, const json_t *context)
{
        const char *key;
        json_t *value;

        json_object_foreach ((json_t *)(uintptr_t)context, key, value) {
                text_addf(t, ", \"_context_%s\": ", key);
                ascii_json_add(t, value);
        }
}

int notification_encode(const char *publisher_id, const char *event_type, const char *priority,
                        const json_t *payload, const json_t *context, int64_t now_wall_ms,
                        struct text *ret)
{
        char message_id[UUID_TEXT], unique_id[UUID_HEX];
        size_t begin = outer_begin(ret);

        uuid_new(message_id);
        uuid_new_hex(unique_id);
        text_addf(ret, "{\"message_id\": \"%s\", \"publisher_id\": ", message_id);
        ascii_json_add_string(ret, publisher_id);
        text_add(ret, ", \"event_type\": ");
        ascii_json_add_string(ret, event_type);
        text_add(ret, ", \"priority\": ");
        add_upper(ret, priority);
        text_add(ret, ", \"payload\": ");
        ascii_json_add(ret, payload);
        text_add(ret, ", \"timestamp\": ");
        add_time(ret, now_wall_ms);
        text_addf(ret, ", \"_unique_id\": \"%s\"", unique_id);
        add_context(ret, context);
        text_add(ret, "}");
        return outer_end(ret, begin);
}
