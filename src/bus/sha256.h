#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* FIPS 180-4, for the broker's password hashes. */

#include <stddef.h>

enum { SHA256_BYTES = 32 };
void sha256(const void *bytes, size_t n, unsigned char ret[SHA256_BYTES]);
