#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Random identifiers (version 4) in their text form, from getrandom(2). */

#include <stdbool.h>

enum { UUID_TEXT = 37, UUID_HEX = 33 }; /* sizes with the final NUL */

void uuid_new(char ret[UUID_TEXT]);    /* "0e8f…-…" lower case with dashes */
void uuid_new_hex(char ret[UUID_HEX]); /* 32 hex digits, as oslo.messaging writes its ids */
bool uuid_valid(const char *text);     /* exactly the 36-character form, lower-case hex */
