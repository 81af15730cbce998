/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/ssh/host_key.h"

#include <stdint.h>
#include <string.h>

#include "base/text.h"

static const char *const accepted_types[] = { "ssh-ed25519", "ecdsa-sha2-nistp256", NULL };

static int base64_value(char c)
{
        static const char alphabet[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const char *at = c ? strchr(alphabet, c) : NULL;

        return at ? (int)(at - alphabet) : -1;
}

/* Decodes one padded base64 word of 'n' characters. */
static bool base64_decode(const char *word, size_t n, unsigned char *ret, size_t size,
                          size_t *ret_n)
{
        size_t at = 0, n_pad = 0;
        uint32_t bits = 0;

        while (n_pad < 2 && n_pad < n && word[n - 1 - n_pad] == '=')
                n_pad++;
        if (n % 4 != 0 || n / 4 * 3 > size)
                return false;
        for (size_t i = 0; i < n; i++) {
                int value = i < n - n_pad ? base64_value(word[i]) : 0;

                if (value < 0)
                        return false;
                bits = bits << 6 | (uint32_t)value;
                if (i % 4 != 3)
                        continue;
                for (int shift = 16; shift >= 0; shift -= 8)
                        ret[at++] = (unsigned char)(bits >> shift);
                bits = 0;
        }
        *ret_n = at - n_pad;
        return true;
}

bool host_key_parse(const char *text, struct host_key *ret)
{
        for (const char *const *type = accepted_types; *type; type++) {
                size_t n_type = strlen(*type);
                const char *word = text + n_type + 1;
                struct host_key k = { 0 };

                if (!text_starts(text, *type) || text[n_type] != ' ')
                        continue;
                if (!base64_decode(word, strcspn(word, " "), k.raw, sizeof k.raw, &k.n))
                        return false;
                /* RFC 4253: the blob begins with its own type, a string with a 32-bit length. */
                if (k.n < 4 + n_type + 4 || k.raw[0] || k.raw[1] || k.raw[2] ||
                    k.raw[3] != n_type || memcmp(k.raw + 4, *type, n_type) != 0)
                        return false;
                TEXT_SET(k.type, *type);
                *ret = k;
                return true;
        }
        return false;
}

bool host_key_equal(const struct host_key *k, const char *raw, size_t n)
{
        return k->n == n && memcmp(k->raw, raw, n) == 0;
}
