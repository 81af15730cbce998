#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Text in fixed arrays, text that grows, and the checks for text from outside. */

#include <stdbool.h>
#include <stddef.h>

#include "base/own.h"

/* Copies 'from' (NULL counts as "") into 'to' of 'size' bytes; false, and cut at a UTF-8 boundary,
 * when it does not fit. */
bool text_copy(char *to, size_t size, const char *from);
#define TEXT_SET(array, from) text_copy((array), sizeof(array), (from))

/* Valid UTF-8 of 'n' bytes without U+0000, overlong forms or surrogates. */
bool text_utf8_valid(const char *bytes, size_t n);
/* Number of code points in valid UTF-8. */
size_t text_utf8_length(const char *text);
bool text_equal(const char *a, const char *b); /* NULL equals only NULL */
bool text_starts(const char *text, const char *prefix);
/* Base-10 integer, whole text, within [min, max]; false and '*ret' untouched otherwise. */
bool text_to_int(const char *text, long long min, long long max, long long *ret);
/* The entry of the NULL-terminated 'words' nearest to 'word' by edit distance, or NULL if none is
 * near (distance <= 3). Lent. For "did you mean". */
const char *text_nearest(const char *word, const char *const *words);

/* A buffer that grows. Start with { 0 }; text_done() frees it. After a failed allocation 'failed'
 * is set, further additions do nothing, and text_take() gives NULL: check once, at the end. */
struct text {
        char *bytes; /* NUL-terminated once anything was added */
        size_t n, room;
        bool failed;
};
void text_reserve(struct text *t, size_t more); /* so many bytes will be added */
void text_add(struct text *t, const char *s);
void text_add_n(struct text *t, const char *bytes, size_t n);
void text_addf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_reset(struct text *t); /* empties, keeps the room */
char *text_take(struct text *t); /* gives the bytes ("" if none); caller frees */
void text_done(struct text *t);
static inline void own_text_done(struct text *t)
{
        text_done(t);
}
