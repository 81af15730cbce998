#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Identifiers in their text form, from getrandom(2). */

#include <stdbool.h>

enum { UUID_TEXT = 37, UUID_HEX = 33 }; /* sizes with the final NUL */

/* "0190…-…" lower case with dashes. Version 7: it begins with the time in milliseconds, so that
 * what is made together lies together in an index; 74 bits are random. */
void uuid_new(char ret[UUID_TEXT]);
/* 32 hex digits of version 4, as oslo.messaging writes its ids: nothing but random. */
void uuid_new_hex(char ret[UUID_HEX]);
bool uuid_valid(const char *text); /* exactly the 36-character form, lower-case hex */
