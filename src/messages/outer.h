#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The envelope itself: {"oslo.version": "2.0", "oslo.message": "<inner document as a string>"}. */

#include <jansson.h>
#include <stddef.h>

#include "base/fault.h"
#include "base/text.h"

enum { INNER_BYTES = 1000 }; /* most inner documents fit into so many */

/* Adds the envelope around an inner document, ASCII JSON. 0 or -ENOMEM. */
int outer_write(const struct text *inner, struct text *ret);

/* Adds the entries of a context, each with a comma before it, as members `_context_<key>`. */
void outer_add_context(struct text *t, const json_t *context);
/* Those members as {"<key>": …}; a reference for the caller. 0 or -ENOMEM. */
int outer_context(const json_t *from, json_t **ret);

/* The inner document of a body: ENVELOPE_… answers of envelope.h. A bare object without an envelope
 * (version 1.0) is its own inner document. Always an object. */
int outer_open(const void *body, size_t n, json_t **ret, struct fault *why);

/* Optional text of an object: ENVELOPE_MALFORMED if there but no string; '*ret', lent, NULL if
 * absent or null. */
int outer_text(const json_t *from, const char *key, const char **ret, struct fault *why);
