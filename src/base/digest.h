#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* 64-bit FNV-1a, for comparing what two sides hold; not against an adversary. */

#include <stddef.h>
#include <stdint.h>

uint64_t digest_text(const char *text);
uint64_t digest_bytes(const void *bytes, size_t n);
void digest_format(uint64_t digest, char ret[17]); /* 16 hex digits */
uint64_t digest_parse(const char *hex);            /* of such text; NULL and other texts: 0 */
