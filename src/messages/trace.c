/* SPDX-License-Identifier: Apache-2.0 */
#include "messages/trace.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/uuid.h"

enum { TRACE_HEX = 32, SPAN_HEX = 16 };

/* 'n' lower-case hex digits, not all 0, then 'end'. */
static bool is_id(const char *text, size_t n, char end)
{
        return strspn(text, "0123456789abcdef") == n && strspn(text, "0") < n && text[n] == end;
}

bool traceparent_valid(const char *text)
{
        const char *trace = text ? text + 3 : NULL;

        return text && strncmp(text, "00-", 3) == 0 && is_id(trace, TRACE_HEX, '-') &&
               is_id(trace + TRACE_HEX + 1, SPAN_HEX, '-') &&
               strspn(trace + TRACE_HEX + SPAN_HEX + 2, "0123456789abcdef") == 2 &&
               strlen(text) == TRACEPARENT - 1;
}

/* The uuid's digits of "req-<uuid>" without its dashes; false: it is none. */
static bool trace_of_request(const char *request_id, char ret[UUID_HEX])
{
        size_t n = 0;

        if (!request_id || !text_starts(request_id, "req-") || !uuid_valid(request_id + 4))
                return false;
        for (const char *at = request_id + 4; *at; at++)
                if (*at != '-')
                        ret[n++] = *at;
        ret[n] = '\0';
        return is_id(ret, TRACE_HEX, '\0');
}

void traceparent_new(const char *parent, const char *request_id, char ret[TRACEPARENT])
{
        char trace[UUID_HEX], span[UUID_HEX];

        uuid_new_hex(span); /* its fixed bits keep it from being all 0 */
        if (traceparent_valid(parent))
                snprintf(trace, sizeof trace, "%.32s", parent + 3);
        else if (!trace_of_request(request_id, trace))
                uuid_new_hex(trace);
        snprintf(ret, TRACEPARENT, "00-%s-%.16s-01", trace, span);
}

static int set_request_id(json_t *context)
{
        char uuid[UUID_TEXT], id[UUID_TEXT + 4];

        uuid_new(uuid);
        snprintf(id, sizeof id, "req-%s", uuid);
        return json_object_set_new(context, "request_id", json_string(id));
}

static int set_traceparent(json_t *context)
{
        char parent[TRACEPARENT];

        traceparent_new(NULL, json_string_value(json_object_get(context, "request_id")), parent);
        return json_object_set_new(context, "traceparent", json_string(parent));
}

json_t *trace_context(const json_t *from)
{
        bool has_id = json_is_string(json_object_get(from, "request_id"));
        bool has_trace = json_is_string(json_object_get(from, "traceparent"));
        json_t *context;

        if (has_id && has_trace)
                return json_incref((json_t *)(uintptr_t)from);
        context = from ? json_copy((json_t *)(uintptr_t)from) : json_object();
        if (!context || (!has_id && set_request_id(context) != 0) ||
            (!has_trace && set_traceparent(context) != 0)) {
                json_decref(context);
                return NULL;
        }
        return context;
}
