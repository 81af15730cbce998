/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t digest_bytes(const void *bytes, size_t n)
{
        const unsigned char *p = bytes;
        uint64_t digest = 0xcbf29ce484222325;

        for (size_t i = 0; i < n; i++)
                digest = (digest ^ p[i]) * 0x100000001b3;
        return digest;
}

uint64_t digest_text(const char *text)
{
        return digest_bytes(text, strlen(text));
}

void digest_format(uint64_t digest, char ret[17])
{
        snprintf(ret, 17, "%016" PRIx64, digest);
}

uint64_t digest_parse(const char *hex)
{
        char *end = NULL;
        uint64_t digest = hex ? strtoull(hex, &end, 16) : 0;

        return end && end - hex == 16 && !*end ? digest : 0;
}
