/* SPDX-License-Identifier: Apache-2.0 */
#include "api-server/token_cache.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_MAX = 8192 };

static void unlink_entry(struct token_cache *c, struct token_entry *e)
{
        *(e->newer ? &e->newer->older : &c->newest) = e->older;
        *(e->older ? &e->older->newer : &c->oldest) = e->newer;
        e->newer = e->older = NULL;
}

static void link_first(struct token_cache *c, struct token_entry *e)
{
        e->older = c->newest;
        *(e->older ? &e->older->newer : &c->oldest) = e;
        c->newest = e;
}

void token_cache_forget(struct token_cache *c, struct token_entry *e)
{
        unlink_entry(c, e);
        map_remove(&c->by_key, e->key);
        c->n--;
        free(e);
}

/* Makes room for one more. */
static bool evict(struct token_cache *c)
{
        struct token_entry *e = c->oldest;

        if (c->n < c->room)
                return true;
        while (e && e->asking)
                e = e->newer;
        if (e)
                token_cache_forget(c, e);
        return e != NULL;
}

struct token_entry *token_cache_get(struct token_cache *c, const char *key)
{
        struct token_entry *e = map_get(&c->by_key, key);

        if (e) {
                unlink_entry(c, e);
                link_first(c, e);
                return e;
        }
        e = evict(c) ? calloc(1, sizeof *e) : NULL;
        if (!e)
                return NULL;
        memcpy(e->key, key, TOKEN_KEY_SIZE);
        if (map_set(&c->by_key, e->key, e) != 0) {
                free(e);
                return NULL;
        }
        link_first(c, e);
        c->n++;
        return e;
}

void token_cache_done(struct token_cache *c)
{
        while (c->oldest)
                token_cache_forget(c, c->oldest);
        map_done(&c->by_key);
}

bool token_entry_fresh(const struct token_entry *e, int64_t keep_ms, int64_t now_mono_ms,
                       int64_t now_wall_ms)
{
        int64_t for_ms = e->valid || keep_ms < TOKEN_REFUSED_MS ? keep_ms : TOKEN_REFUSED_MS;

        return e->kept && now_mono_ms - e->checked_ms < for_ms &&
               (!e->valid || now_wall_ms < e->who.expires_ms);
}

bool token_key(const char *token, char ret[TOKEN_KEY_SIZE])
{
        unsigned char digest[EVP_MAX_MD_SIZE];
        static const char hex[] = "0123456789abcdef";
        size_t n = strlen(token);
        unsigned size = 0;

        for (size_t i = 0; i < n; i++)
                if (token[i] <= ' ' || token[i] > '~')
                        return false;
        if (n == 0 || n > TOKEN_MAX ||
            EVP_Digest(token, n, digest, &size, EVP_sha256(), NULL) != 1 ||
            size * 2 + 1 != TOKEN_KEY_SIZE)
                return false;
        for (unsigned i = 0; i < size; i++) {
                ret[2 * i] = hex[digest[i] >> 4];
                ret[2 * i + 1] = hex[digest[i] & 15];
        }
        ret[2 * size] = '\0';
        return true;
}
