#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The two clocks. Only programs' outer loops read them; cores and engines take `now` as an
 * argument. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int64_t clock_mono_ms(void); /* for deadlines; never jumps */
int64_t clock_mono_us(void);
int64_t clock_wall_ms(void); /* milliseconds since 1970 UTC; kept in rows and shown to people */

/* "2026-01-31T23:59:59Z" of a wall time; 'ret' of at least 21 bytes. "" for 0. */
void clock_format(int64_t wall_ms, char *ret, size_t size);
/* The other way round; instead of 'Z' there may be "+hh:mm" or "-hh:mm". False when 'text' is no
 * such time. */
bool clock_parse(const char *text, int64_t *ret_wall_ms);
