#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The envelope itself: {"oslo.version": "2.0", "oslo.message": "<inner document as a string>"}. */

#include <jansson.h>
#include <stddef.h>

#include "base/fault.h"
#include "base/text.h"

/* Writes the opening; what is added next, ASCII JSON, is the inner document. The answer goes to
 * outer_end(). */
size_t outer_begin(struct text *t);
/* Escapes the inner document where it stands and closes. 0 or -ENOMEM. */
int outer_end(struct text *t, size_t begin);

/* The inner document of a body: ENVELOPE_… answers of envelope.h. A bare object without an envelope
 * (version 1.0) is its own inner document. Always an object. */
int outer_open(const void *body, size_t n, json_t **ret, struct fault *why);

/* Optional text of an object: ENVELOPE_MALFORMED if there but no string; '*ret' NULL if absent or
 * null. */
int outer_text(const json_t *from, const char *key, char **ret, struct fault *why);
