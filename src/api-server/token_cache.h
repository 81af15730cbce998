#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* What Keystone said of tokens, kept for a short time, by the tokens' digests: no token is kept.
 * Bounded: the one that was longest not used goes first. A loop has one of its own. */

#include <stdbool.h>
#include <stddef.h>

#include "base/map.h"
#include "openstack/identity.h"

enum { TOKEN_KEY_SIZE = 65 }; /* SHA-256 in hexadecimal */

struct call;
struct token_entry {
        char key[TOKEN_KEY_SIZE];
        bool asking; /* Keystone is being asked; */
        bool kept;   /* it was, and said that the token is */
        bool valid;  /* of 'who', or no token at all */
        struct identity who;
        int64_t checked_ms;   /* monotonic */
        struct call *waiting; /* who waits for the answer, the last first */
        struct token_entry *newer, *older;
};
struct token_cache {
        struct map by_key;
        struct token_entry *newest, *oldest;
        size_t n, room; /* 'room' is the most it keeps */
};

/* The entry of 'key', moved to the front; a new, empty one where there is none. NULL: no memory, or
 * all that are kept are being asked about. */
struct token_entry *token_cache_get(struct token_cache *c, const char *key);
void token_cache_forget(struct token_cache *c, struct token_entry *e);
void token_cache_done(struct token_cache *c);

/* Whether what is kept may still be used: an answer is good for 'keep_ms', a refusal for no more
 * than TOKEN_REFUSED_MS of them, and no token beyond its own end. */
enum { TOKEN_REFUSED_MS = 5000 };
bool token_entry_fresh(const struct token_entry *e, int64_t keep_ms, int64_t now_mono_ms,
                       int64_t now_wall_ms);

/* False when 'token' cannot be one: empty, too long, or not printable ASCII. */
bool token_key(const char *token, char ret[TOKEN_KEY_SIZE]);
