/* SPDX-License-Identifier: Apache-2.0 */
#include "api-server/trace.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/uuid.h"

/* 'n' lower-case hex digits that are not all zero. */
static bool is_id(const char *text, size_t n)
{
        return strspn(text, "0123456789abcdef") >= n && strspn(text, "0") < n;
}

/* Version 00, or a later one that begins like it. */
static bool is_parent(const char *text)
{
        return strlen(text) >= TRACE_SIZE - 1 && strspn(text, "0123456789abcdef") == 2 &&
               strncmp(text, "ff", 2) != 0 && text[2] == '-' && text[35] == '-' &&
               text[52] == '-' && is_id(text + 3, TRACE_ID_LENGTH) && is_id(text + 36, 16) &&
               strspn(text + 53, "0123456789abcdef") >= 2 &&
               (text[55] == '\0' || (text[55] == '-' && strncmp(text, "00", 2) != 0));
}

void trace_begin(const char *parent, char ret[TRACE_SIZE])
{
        char trace[UUID_HEX], span[UUID_HEX];
        bool follows = parent && is_parent(parent);

        uuid_new_hex(span);
        if (!follows)
                uuid_new_hex(trace);
        snprintf(ret, TRACE_SIZE, "00-%.32s-%.16s-%.2s", follows ? parent + 3 : trace, span,
                 follows ? parent + 53 : "00");
}
