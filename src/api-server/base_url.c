/* SPDX-License-Identifier: Apache-2.0 */
/* Where the client sees us: links in answers begin with it. */
#include <stdio.h>
#include <string.h>

#include "api-server/api.h"

/* A field's first element (each proxy adds one behind it), if it is made of 'allowed' only. */
static bool first_of(const struct http_message *m, const char *name, const char *allowed, char *ret,
                     size_t size)
{
        const char *value = http_message_field(m, name);
        size_t n = value ? strcspn(value, ",") : 0;

        while (n > 0 && value[n - 1] == ' ')
                n--;
        if (n == 0 || n >= size || strspn(value, allowed) < n)
                return false;
        snprintf(ret, size, "%.*s", (int)n, value);
        return true;
}

void call_base(const struct call *c, char *ret, size_t size)
{
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
        static const char in_host[] = LETTERS ".:-[]_", in_path[] = LETTERS ".-_~/";
        const struct http_message *m = &c->q->message;
        char host[256] = "", scheme[8] = "http", prefix[128] = "";

        first_of(m, "host", in_host, host, sizeof host);
        if (api_config(c->loop)->proxy_headers) {
                first_of(m, "x-forwarded-host", in_host, host, sizeof host);
                first_of(m, "x-forwarded-prefix", in_path, prefix, sizeof prefix);
                if (!first_of(m, "x-forwarded-proto", "htps", scheme, sizeof scheme) ||
                    (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0))
                        snprintf(scheme, sizeof scheme, "http");
        }
        while (*prefix && prefix[strlen(prefix) - 1] == '/')
                prefix[strlen(prefix) - 1] = '\0';
        if (*host)
                snprintf(ret, size, "%s://%s%s%s", scheme, host,
                         *prefix && *prefix != '/' ? "/" : "", prefix);
        else
                snprintf(ret, size, "%s", prefix);
}
