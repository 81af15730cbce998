/* SPDX-License-Identifier: Apache-2.0 */
#include "base/uuid.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/backoff.h"
#include "base/clock.h"

enum { POOL = 256 };

static const char digits[] = "0123456789abcdef";

/* Random bytes for the next ids of this thread: a system call for each id costs more than all the
 * rest. What was taken is erased; a forked child starts anew. */
static _Thread_local unsigned char pool[POOL];
static _Thread_local size_t n_pool;

static void forget_pool(void)
{
        n_pool = 0;
}

static void watch_forks(void)
{
        pthread_atfork(NULL, NULL, forget_pool);
}

static void take_random(unsigned char ret[16])
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;

        if (n_pool < 16) {
                pthread_once(&once, watch_forks);
                random_bytes(pool, sizeof pool);
                n_pool = sizeof pool;
        }
        n_pool -= 16;
        memcpy(ret, pool + n_pool, 16);
        memset(pool + n_pool, 0, 16);
}

static void set_version(unsigned char bytes[16], unsigned version)
{
        bytes[6] = (unsigned char)((bytes[6] & 0x0f) | version << 4);
        bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80); /* variant of RFC 9562 */
}

static void hex_of(const unsigned char bytes[16], char ret[UUID_HEX])
{
        for (size_t i = 0; i < 16; i++) {
                ret[2 * i] = digits[bytes[i] >> 4];
                ret[2 * i + 1] = digits[bytes[i] & 15];
        }
        ret[UUID_HEX - 1] = '\0';
}

static bool is_dash(size_t at)
{
        return at == 8 || at == 13 || at == 18 || at == 23;
}

void uuid_new(char ret[UUID_TEXT])
{
        unsigned char bytes[16];
        char hex[UUID_HEX];
        const char *from = hex;
        uint64_t now_ms = (uint64_t)clock_wall_ms();

        take_random(bytes);
        for (int i = 5; i >= 0; i--, now_ms >>= 8)
                bytes[i] = (unsigned char)now_ms;
        set_version(bytes, 7);
        hex_of(bytes, hex);
        for (size_t i = 0; i < UUID_TEXT - 1; i++)
                ret[i] = is_dash(i) ? '-' : *from++;
        ret[UUID_TEXT - 1] = '\0';
}

void uuid_new_hex(char ret[UUID_HEX])
{
        unsigned char bytes[16];

        take_random(bytes);
        set_version(bytes, 4);
        hex_of(bytes, ret);
}

bool uuid_valid(const char *text)
{
        if (!text)
                return false;
        for (size_t i = 0; i < UUID_TEXT - 1; i++) {
                if (text[i] == '\0')
                        return false;
                if (is_dash(i) ? text[i] != '-' : !strchr(digits, text[i]))
                        return false;
        }
        return text[UUID_TEXT - 1] == '\0';
}
