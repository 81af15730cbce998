/* SPDX-License-Identifier: Apache-2.0 */
/* The forms are those of PostgreSQL's array_recv(), uuid_recv(), int8recv(), textrecv(),
 * boolrecv(). */
#include "store/pg_codec.h"

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/err.h"
#include "base/uuid.h"

enum { UUID_BYTES = 16, UUID_CHARS = UUID_TEXT - 1 };

static const struct {
        Oid type, array;
} types[] = {
        [STORE_UUID] = { 2950, 2951 },    [STORE_TEXT] = { 25, 1009 },
        [STORE_NULL_TEXT] = { 25, 1009 }, [STORE_INT] = { PG_INT8, 1016 },
        [STORE_BOOL] = { 16, 1000 },
};

Oid pg_type(enum store_kind kind)
{
        return types[kind].type;
}

Oid pg_array_type(enum store_kind kind)
{
        return types[kind].array;
}

static void put_u32(struct text *to, uint32_t value)
{
        uint32_t big = htobe32(value);

        text_add_n(to, (const char *)&big, sizeof big);
}

static void put_bytes(struct text *to, const char *bytes, size_t n)
{
        put_u32(to, (uint32_t)n);
        text_add_n(to, bytes, n);
}

static void put_null(struct text *to)
{
        put_u32(to, UINT32_MAX);
}

void pg_put_int(struct text *to, int64_t value)
{
        uint64_t big = htobe64((uint64_t)value);

        text_add_n(to, (const char *)&big, sizeof big);
}

static void put_int(struct text *to, int64_t value)
{
        put_u32(to, sizeof value);
        pg_put_int(to, value);
}

static unsigned nibble(char c)
{
        return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static bool put_uuid(struct text *to, const char *value)
{
        char bytes[UUID_BYTES];

        if (!uuid_valid(value))
                return false;
        for (size_t i = 0; i < UUID_BYTES; i++) {
                value += *value == '-';
                bytes[i] = (char)(nibble(value[0]) << 4 | nibble(value[1]));
                value += 2;
        }
        put_bytes(to, bytes, sizeof bytes);
        return true;
}

/* dimensions, has nulls, element type, length, lower bound */
static size_t put_array_head(struct text *to, enum store_kind kind, size_t n)
{
        bool nulls = kind == STORE_UUID || kind == STORE_NULL_TEXT;

        put_u32(to, 1);
        put_u32(to, nulls);
        put_u32(to, types[kind].type);
        put_u32(to, (uint32_t)n);
        put_u32(to, 1);
        return to->n - 2 * sizeof(uint32_t); /* where the length stands */
}

static bool put_field(struct text *to, const struct store_column *c, const void *row)
{
        const char *field = (const char *)row + c->offset;
        int64_t value;

        switch (c->kind) {
        case STORE_INT:
                memcpy(&value, field, sizeof value);
                put_int(to, value);
                return true;
        case STORE_BOOL:
                put_bytes(to, *(const bool *)field ? "\1" : "\0", 1);
                return true;
        case STORE_UUID:
                if (*field)
                        return put_uuid(to, field);
                put_null(to);
                return true;
        case STORE_NULL_TEXT:
        case STORE_TEXT:
                if (c->kind == STORE_NULL_TEXT && !*field)
                        put_null(to);
                else
                        put_bytes(to, field, strnlen(field, c->size));
                return strnlen(field, c->size) < c->size;
        }
        return false;
}

bool pg_put_column(struct text *to, const struct store_column *c, const void *const *rows, size_t n)
{
        put_array_head(to, c->kind, n);
        for (size_t i = 0; i < n; i++)
                if (!put_field(to, c, rows[i]))
                        return false;
        return true;
}

/* One value with its length before it, as an array's element. */
static bool put_element(struct text *to, enum store_kind kind, const char *value)
{
        long long number;

        switch (kind) {
        case STORE_UUID:
                return put_uuid(to, value);
        case STORE_INT:
                if (!text_to_int(value, LLONG_MIN, LLONG_MAX, &number))
                        return false;
                put_int(to, number);
                return true;
        case STORE_BOOL:
                if (!text_equal(value, "true") && !text_equal(value, "false"))
                        return false;
                put_bytes(to, *value == 't' ? "\1" : "\0", 1);
                return true;
        case STORE_TEXT:
        case STORE_NULL_TEXT:
                if (!text_utf8_valid(value, strlen(value)))
                        return false;
                put_bytes(to, value, strlen(value));
                return true;
        }
        return false;
}

size_t pg_put_values(struct text *to, enum store_kind kind, const char *const *values, size_t n)
{
        size_t length_at = put_array_head(to, kind, 0), count = 0;
        uint32_t big;

        for (size_t i = 0; i < n; i++)
                count += put_element(to, kind, values[i]);
        big = htobe32((uint32_t)count);
        if (!to->failed)
                memcpy(to->bytes + length_at, &big, sizeof big);
        return count;
}

bool pg_put_value(struct text *to, enum store_kind kind, const char *value)
{
        size_t start = to->n;

        if (!put_element(to, kind, value))
                return false;
        if (!to->failed) { /* a parameter's length is given apart */
                to->n -= sizeof(uint32_t);
                memmove(to->bytes + start, to->bytes + start + sizeof(uint32_t), to->n - start);
        }
        return true;
}

static void read_uuid(const unsigned char *bytes, char *ret)
{
        static const char digits[] = "0123456789abcdef";

        for (size_t i = 0; i < UUID_BYTES; i++) {
                if (i == 4 || i == 6 || i == 8 || i == 10)
                        *ret++ = '-';
                *ret++ = digits[bytes[i] >> 4];
                *ret++ = digits[bytes[i] & 15];
        }
        *ret = '\0';
}

static int64_t read_int(const char *bytes)
{
        uint64_t big;

        memcpy(&big, bytes, sizeof big);
        return (int64_t)be64toh(big);
}

int64_t pg_read_int(const PGresult *result, int i, int column)
{
        return PQgetlength(result, i, column) == sizeof(int64_t)
                       ? read_int(PQgetvalue(result, i, column))
                       : 0;
}

static bool read_field(const char *bytes, size_t n, const struct store_column *c, char *field)
{
        int64_t value;

        switch (c->kind) {
        case STORE_INT:
                if (n != sizeof value)
                        return false;
                value = read_int(bytes);
                memcpy(field, &value, sizeof value);
                return true;
        case STORE_BOOL:
                *(bool *)field = n == 1 && *bytes;
                return n == 1;
        case STORE_UUID:
                if (n != UUID_BYTES || c->size <= UUID_CHARS)
                        return false;
                read_uuid((const unsigned char *)bytes, field);
                return true;
        case STORE_TEXT:
        case STORE_NULL_TEXT:
                if (n >= c->size)
                        return false;
                memcpy(field, bytes, n);
                field[n] = '\0';
                return true;
        }
        return false;
}

int pg_read_row(const PGresult *result, int i, const struct store_table *t, void *row)
{
        int column = 0;

        for (const struct store_column *c = t->columns; c->name; c++, column++) {
                if (column >= PQnfields(result))
                        return err_raise(-EPROTO);
                if (PQgetisnull(result, i, column))
                        continue; /* rows start zeroed: "" is NULL */
                if (!read_field(PQgetvalue(result, i, column),
                                (size_t)PQgetlength(result, i, column), c, (char *)row + c->offset))
                        return err_raise(-EPROTO);
        }
        return 0;
}
