/* SPDX-License-Identifier: Apache-2.0 */
#include "base/uuid.h"

#include <stddef.h>
#include <string.h>

#include "base/backoff.h"

static const char digits[] = "0123456789abcdef";

static void hex_of_random(char ret[UUID_HEX])
{
        unsigned char bytes[16];

        random_bytes(bytes, sizeof bytes);
        bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40); /* version 4 */
        bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80); /* variant of RFC 4122 */
        for (size_t i = 0; i < sizeof bytes; i++) {
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
        char hex[UUID_HEX];
        const char *from = hex;

        hex_of_random(hex);
        for (size_t i = 0; i < UUID_TEXT - 1; i++)
                ret[i] = is_dash(i) ? '-' : *from++;
        ret[UUID_TEXT - 1] = '\0';
}

void uuid_new_hex(char ret[UUID_HEX])
{
        hex_of_random(ret);
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
