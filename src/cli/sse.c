/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sse.h"

#include <string.h>

/* The value when 'line' is that field: "id: 7" or "id:7". */
static const char *field(const char *line, const char *name)
{
        size_t n = strlen(name);

        if (strncmp(line, name, n) != 0 || (line[n] && line[n] != ':'))
                return NULL;
        line += n + (line[n] == ':');
        return line + (*line == ' ');
}

static void end_event(struct sse *s, void (*on_event)(void *user, const char *data), void *user)
{
        TEXT_SET(s->last_id, s->id);
        if (s->data.n > 0 && !s->too_long && !s->data.failed)
                on_event(user, s->data.bytes);
        text_done(&s->data);
        s->too_long = false;
}

static void end_line(struct sse *s, void (*on_event)(void *user, const char *data), void *user)
{
        const char *line = s->line.bytes ? s->line.bytes : "", *value;

        if (!*line) {
                end_event(s, on_event, user);
        } else if ((value = field(line, "data"))) {
                if (s->data.n > 0)
                        text_add(&s->data, "\n");
                if (s->data.n < SSE_EVENT_MAX)
                        text_add(&s->data, value);
                else
                        s->too_long = true;
        } else if ((value = field(line, "id")) && strlen(value) < sizeof s->id) {
                TEXT_SET(s->id, value);
        }
        text_reset(&s->line);
}

void sse_feed(struct sse *s, const char *bytes, size_t n,
              void (*on_event)(void *user, const char *data), void *user)
{
        for (size_t i = 0; i < n; i++) {
                bool second = s->after_cr && bytes[i] == '\n';

                s->after_cr = bytes[i] == '\r';
                if (second)
                        continue;
                if (bytes[i] == '\n' || bytes[i] == '\r')
                        end_line(s, on_event, user);
                else if (s->line.n < SSE_EVENT_MAX)
                        text_add_n(&s->line, bytes + i, 1);
                else
                        s->too_long = true;
        }
}

void sse_cut(struct sse *s)
{
        text_done(&s->line);
        text_done(&s->data);
        TEXT_SET(s->id, s->last_id);
        s->after_cr = s->too_long = false;
}

void sse_done(struct sse *s)
{
        text_done(&s->line);
        text_done(&s->data);
}
