#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A pinned host key: "ssh-ed25519 AAAA…", compared with what a server shows by type and raw bytes. */

#include <stdbool.h>
#include <stddef.h>

enum { HOST_KEY_MAX = 1024 };

struct host_key {
        char type[32];
        unsigned char raw[HOST_KEY_MAX];
        size_t n;
};
/* False unless 'text' is a type this engine accepts (ssh-ed25519, ecdsa-sha2-nistp256) and well-formed base64 whose
 * own first field says the same type. A comment may follow. */
bool host_key_parse(const char *text, struct host_key *ret);
bool host_key_equal(const struct host_key *k, const char *raw, size_t n);
