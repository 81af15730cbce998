/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_tail(char byte)
{
        return ((unsigned char)byte & 0xc0) == 0x80;
}

bool text_copy(char *to, size_t size, const char *from)
{
        size_t n = from ? strlen(from) : 0;
        bool fits = n < size;

        if (size == 0)
                return false;
        if (!fits)
                for (n = size - 1; n > 0 && is_tail(from[n]); n--)
                        ;
        if (n > 0)
                memcpy(to, from, n);
        to[n] = '\0';
        return fits;
}

/* Bytes of the code point at 'p', of which 'n' may be read; 0 if it is not one. */
static size_t utf8_sequence(const unsigned char *p, size_t n)
{
        static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
        size_t length = *p < 0x80       ? 1
                        : *p >> 5 == 6  ? 2
                        : *p >> 4 == 14 ? 3
                        : *p >> 3 == 30 ? 4
                                        : 0;
        uint32_t point;

        if (length < 2)
                return *p == 0 ? 0 : length;
        if (length > n)
                return 0;
        point = *p & (0x7fu >> length);
        for (size_t i = 1; i < length; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                point = point << 6 | (p[i] & 0x3f);
        }
        if (point < smallest[length] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
                return 0;
        return length;
}

bool text_utf8_valid(const char *bytes, size_t n)
{
        const unsigned char *p = (const unsigned char *)bytes;

        for (size_t at = 0, length; at < n; at += length) {
                length = utf8_sequence(p + at, n - at);
                if (length == 0)
                        return false;
        }
        return true;
}

size_t text_utf8_length(const char *text)
{
        size_t n = 0;

        for (; *text; text++)
                n += !is_tail(*text);
        return n;
}

bool text_equal(const char *a, const char *b)
{
        return a && b ? strcmp(a, b) == 0 : a == b;
}

bool text_starts(const char *text, const char *prefix)
{
        return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_to_int(const char *text, long long min, long long max, long long *ret)
{
        const char *digits = text && (*text == '-' || *text == '+') ? text + 1 : text;
        long long value;
        char *end;

        if (!digits || *digits < '0' || *digits > '9') /* strtoll would skip blanks */
                return false;
        errno = 0;
        value = strtoll(text, &end, 10);
        if (errno != 0 || *end != '\0' || value < min || value > max)
                return false;
        *ret = value;
        return true;
}

enum { NEAR_LIMIT = 3, NEAR_WORD = 64 };

static int min3(int a, int b, int c)
{
        return a < b ? (a < c ? a : c) : (b < c ? b : c);
}

/* Levenshtein's distance; words longer than NEAR_WORD are far from everything. */
static int distance(const char *a, const char *b)
{
        size_t n_a = strlen(a), n_b = strlen(b);
        int row[NEAR_WORD + 1];

        if (n_a > NEAR_WORD || n_b > NEAR_WORD)
                return NEAR_LIMIT + 1;
        for (size_t j = 0; j <= n_b; j++)
                row[j] = (int)j;
        for (size_t i = 1; i <= n_a; i++) {
                int diagonal = row[0];

                row[0] = (int)i;
                for (size_t j = 1; j <= n_b; j++) {
                        int above = row[j];

                        row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
                        diagonal = above;
                }
        }
        return row[n_b];
}

const char *text_nearest(const char *word, const char *const *words)
{
        const char *nearest = NULL;
        int best = NEAR_LIMIT + 1;

        for (; *words; words++) {
                int d = distance(word, *words);

                /* A word of which nothing is left after the changes is no likeness. */
                if (d < best && (size_t)d < strlen(*words)) {
                        best = d;
                        nearest = *words;
                }
        }
        return nearest;
}

/* Room for 'more' bytes and the final NUL. */
static bool text_room(struct text *t, size_t more)
{
        size_t need, room = t->room ? t->room : 64;
        char *bytes;

        if (t->failed || more > SIZE_MAX / 2 - t->n - 1) {
                t->failed = true;
                return false;
        }
        need = t->n + more + 1;
        if (need <= t->room)
                return true;
        while (room < need)
                room *= 2;
        bytes = realloc(t->bytes, room);
        if (!bytes) {
                t->failed = true;
                return false;
        }
        t->bytes = bytes;
        t->room = room;
        return true;
}

void text_reserve(struct text *t, size_t more)
{
        text_room(t, more);
}

void text_add_n(struct text *t, const char *bytes, size_t n)
{
        if (!text_room(t, n))
                return;
        if (n > 0)
                memcpy(t->bytes + t->n, bytes, n);
        t->n += n;
        t->bytes[t->n] = '\0';
}

void text_add(struct text *t, const char *s)
{
        text_add_n(t, s, strlen(s));
}

/* Most fits into the room that is there. */
void text_addf(struct text *t, const char *format, ...)
{
        size_t left = t->failed ? 0 : t->room - t->n;
        va_list args;
        int n;

        va_start(args, format);
        n = vsnprintf(left ? t->bytes + t->n : NULL, left, format, args);
        va_end(args);
        if (n < 0) {
                t->failed = true;
                return;
        }
        if (!text_room(t, (size_t)n))
                return;
        if ((size_t)n >= left) {
                va_start(args, format);
                vsnprintf(t->bytes + t->n, (size_t)n + 1, format, args);
                va_end(args);
        }
        t->n += (size_t)n;
}

void text_reset(struct text *t)
{
        t->n = 0;
        t->failed = false;
        if (t->bytes)
                t->bytes[0] = '\0';
}

char *text_take(struct text *t)
{
        char *bytes;

        text_add_n(t, "", 0);
        if (t->failed) {
                text_done(t);
                return NULL;
        }
        bytes = t->bytes;
        *t = (struct text){ 0 };
        return bytes;
}

void text_done(struct text *t)
{
        free(t->bytes);
        *t = (struct text){ 0 };
}
