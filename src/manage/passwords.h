#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords of the broker's users, in a file of lines "user = password" that only its owner reads. */

#include <stdbool.h>
#include <stddef.h>

#include "base/fault.h"
#include "base/own.h"

struct password {
        char *user, *password;
};
struct passwords {
        struct password *list;
        size_t n, room;
};

/* PASSWORDS_BAD: 'why' names file and line, never what stands there. */
enum { PASSWORDS_OK, PASSWORDS_BAD };
/* Adds what 'path' holds; a user's later line wins. With 'or_none' a file that is not there is an empty one. */
int passwords_read(struct passwords *p, const char *path, bool or_none, struct fault *why);
int passwords_set(struct passwords *p, const char *user, const char *password);
/* NULL: none is known. Lent. */
const char *passwords_get(const struct passwords *p, const char *user);
/* A user that is none of 'known' (NULL-terminated), or NULL. Lent. */
const char *passwords_stranger(const struct passwords *p, const char *const *known);
/* All of them, replacing 'path' in one step, mode 0600. */
int passwords_write(const struct passwords *p, const char *path, struct fault *why);
void passwords_done(struct passwords *p);
static inline void own_passwords_done(struct passwords *p)
{
        passwords_done(p);
}
