/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bandwidth.h"

#include <inttypes.h>
#include <string.h>

#include "model/vlink.h"

enum { DECIMALS_MAX = 6, DIGITS_MAX = 10 };

static const struct unit {
        char letter;
        int64_t kbps;
} units[] = { { 'G', 1000000 }, { 'M', 1000 }, { 'k', 1 } };

static int64_t unit_of(const char *suffix)
{
        if (!*suffix)
                return 1;
        for (size_t i = 0; i < sizeof units / sizeof *units; i++)
                if ((*suffix | 0x20) == (units[i].letter | 0x20) && !suffix[1])
                        return units[i].kbps;
        return 0;
}

bool bandwidth_read(const char *text, int64_t *ret_kbps)
{
        static const char digits[] = "0123456789";
        size_t n_whole = strspn(text, digits), n_decimals = 0;
        const char *suffix = text + n_whole;
        int64_t value = 0, unit, scale = 1;

        if (*suffix == '.') {
                n_decimals = strspn(suffix + 1, digits);
                suffix += 1 + n_decimals;
                if (n_decimals == 0)
                        return false;
        }
        unit = unit_of(suffix);
        if (n_whole == 0 || n_whole > DIGITS_MAX || n_decimals > DECIMALS_MAX || unit == 0)
                return false;
        for (const char *c = text; c < suffix; c++) {
                if (*c == '.')
                        continue;
                value = value * 10 + (*c - '0');
                scale *= c > text + n_whole ? 10 : 1;
        }
        if (value > INT64_MAX / unit ||
            value * unit % scale != 0) /* no rounding in what is paid for */
                return false;
        value = value * unit / scale;
        if (value < 1 || value > KBPS_MAX)
                return false;
        *ret_kbps = value;
        return true;
}

bool bandwidth_read_pair(const char *text, int64_t *ret_a_to_z_kbps, int64_t *ret_z_to_a_kbps)
{
        const char *colon = strchr(text, ':');
        int64_t a_to_z, z_to_a;
        char first[32];

        if (!colon) {
                if (!bandwidth_read(text, &a_to_z))
                        return false;
                *ret_a_to_z_kbps = *ret_z_to_a_kbps = a_to_z;
                return true;
        }
        if ((size_t)(colon - text) >= sizeof first)
                return false;
        memcpy(first, text, (size_t)(colon - text));
        first[colon - text] = '\0';
        if (!bandwidth_read(first, &a_to_z) || !bandwidth_read(colon + 1, &z_to_a))
                return false;
        *ret_a_to_z_kbps = a_to_z;
        *ret_z_to_a_kbps = z_to_a;
        return true;
}

void bandwidth_add(struct text *to, int64_t kbps)
{
        const struct unit *u = units;

        while (u->kbps > 1 && (kbps < u->kbps || kbps * 1000 % u->kbps != 0))
                u++;
        text_addf(to, "%" PRId64, kbps / u->kbps);
        if (kbps % u->kbps) {
                int64_t thousandths = kbps % u->kbps * 1000 / u->kbps;
                int width = 3;

                for (; thousandths % 10 == 0; thousandths /= 10)
                        width--;
                text_addf(to, ".%0*" PRId64, width, thousandths);
        }
        text_add_n(to, kbps ? &u->letter : "", kbps ? 1 : 0);
}

void bandwidth_add_pair(struct text *to, int64_t a_to_z_kbps, int64_t z_to_a_kbps)
{
        bandwidth_add(to, a_to_z_kbps);
        if (a_to_z_kbps == z_to_a_kbps)
                return;
        text_add(to, ":");
        bandwidth_add(to, z_to_a_kbps);
}
