/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an HTTP request, whole and byte by byte in a buffer that moves: both have to be read the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *copy(const void *bytes, size_t n)
{
        char *text = malloc(n + 1);

        if (!text)
                abort();
        memcpy(text, bytes, n);
        return text;
}

static void check_same(const struct http_message *a, const struct http_message *b)
{
        if (a->method != b->method || a->n_fields != b->n_fields || a->n_body != b->n_body ||
            a->keep_alive != b->keep_alive || strcmp(a->path, b->path) != 0 ||
            strcmp(a->query, b->query) != 0 || memcmp(a->body, b->body, a->n_body) != 0)
                abort();
        for (size_t i = 0; i < a->n_fields; i++)
                if (strcmp(a->fields[i].name, b->fields[i].name) != 0 ||
                    strcmp(a->fields[i].value, b->fields[i].value) != 0)
                        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct http_parse whole = { 0 }, pieces = { 0 };
        size_t used = 0, used_pieces = 0;
        const char *why;
        char saved, *a, *b;
        int r, r_pieces = HTTP_MORE;

        if (size == 0 || size > 4096)
                return 0;
        a = copy(data, size);
        b = copy(data, size);
        r = http_parse(&whole, a, size, &used, &saved, &why);
        for (size_t n = 1; n <= size && r_pieces == HTTP_MORE; n++) {
                char *moved = copy(b, size);

                free(b);
                b = moved;
                r_pieces = http_parse(&pieces, b, n, &used_pieces, &saved, &why);
        }
        if (r != r_pieces)
                abort();
        if (r == HTTP_DONE) {
                if (used != used_pieces || used > size)
                        abort();
                check_same(&whole.message, &pieces.message);
                http_percent_decode(whole.message.path, false);
        }
        free(a);
        free(b);
        return 0;
}
