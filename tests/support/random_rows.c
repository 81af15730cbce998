/* SPDX-License-Identifier: Apache-2.0 */
#include "support/random_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/rows.h"

uint64_t random_next(uint64_t *seed)
{
        uint64_t z = *seed += 0x9e3779b97f4a7c15;

        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return z ^ z >> 31;
}

uint64_t random_below(uint64_t *seed, uint64_t n)
{
        return random_next(seed) % n;
}

static const char *const texts[] = {
        "",
        "NULL",
        "null",
        "a",
        " ",
        "  two  ",
        "it's",
        "\"quoted\"",
        "back\\slash",
        "{brace,s}",
        "{}",
        "a,b,c",
        "tab\tline\nreturn\r",
        "%s %d %n",
        "$1",
        "'; DROP TABLE vlink; --",
        "\\\\",
        "\\\"",
        "\"",
        "{\"json\": [1, \"x\"]}",
        "\u00fcml\u00e4ut \u4e2d\u6587 \U0001f310",
        "\x01\x7f",
        "end\\",
};

/* Numbers that stand for words: the largest that is one. */
static const struct {
        const char *table, *column;
        int64_t max;
} words[] = {
        { "attachment", "plug", 3 },     { "vlink", "provisioning", 4 },
        { "gateway", "brake", 2 },       { "operation", "kind", 6 },
        { "vlink", "operating", 3 },     { "vport", "side", 1 },
        { "operation", "result", 3 },
        { "work", "kind", 2 },           { "timer", "kind", 4 },
        { "integer_in_use", "kind", 1 }, { "reservation", "direction", 1 },
        { "found", "kind", 1 },
        { "gateway", "brake", 2 },
};

/* Ids that may be missing. */
static const char *const options[] = {
        "idempotency_key.object_id", "attachment.operation_id", "vlink.operation_id",
        "vport.attachment_id",   "operation.link_id",       "operation.attachment_id",
        "work.link_id",          "integer_in_use.owner_id", "event.object_id",
        "event.operation_id",    "leftover.attachment_id",
};

static bool may_be_missing(const struct store_table *t, const struct store_column *c)
{
        char name[128];

        snprintf(name, sizeof name, "%s.%s", t->name, c->name);
        for (size_t i = 0; i < sizeof options / sizeof *options; i++)
                if (strcmp(options[i], name) == 0)
                        return true;
        return false;
}

static int64_t random_int(uint64_t *seed, const struct store_table *t, const struct store_column *c)
{
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
                if (strcmp(words[i].table, t->name) == 0 && strcmp(words[i].column, c->name) == 0)
                        return (int64_t)random_below(seed, (uint64_t)words[i].max + 1);
        if ((size_t)(c - t->columns) < t->n_key)
                return (int64_t)random_next(seed);
        switch (random_below(seed, 4)) {
        case 0:
                return (int64_t)random_below(seed, 3);
        case 1:
                return -(int64_t)random_below(seed, 100000);
        case 2:
                return (int64_t)random_next(seed);
        default:
                return (int64_t)random_below(seed, 1u << 31);
        }
}

static void random_uuid(uint64_t *seed, char *ret)
{
        uint64_t a = random_next(seed), b = random_next(seed);

        snprintf(ret, 37, "%08x-%04x-4%03x-8%03x-%012llx", (unsigned)(a >> 32),
                 (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff), (unsigned)(b >> 52),
                 (unsigned long long)(b & 0xffffffffffff));
}

static void random_text(uint64_t *seed, const struct store_column *c, bool distinct, char *ret)
{
        const char *text = texts[random_below(seed, sizeof texts / sizeof *texts)];

        if (distinct)
                snprintf(ret, c->size, "%llx%s", (unsigned long long)random_next(seed),
                         c->size > 60 ? text : "");
        else if (random_below(seed, 20) == 0) /* as long as it may be */
                memset(ret, 'x', c->size - 1);
        else if (strlen(text) < c->size)
                strcpy(ret, text);
}

void random_column(uint64_t *seed, const struct store_table *t, const struct store_column *c,
                   void *row)
{
        char *field = (char *)row + c->offset;
        bool key = (size_t)(c - t->columns) < t->n_key;
        int64_t value;

        memset(field, 0, c->size);
        switch (c->kind) {
        case STORE_INT:
                value = random_int(seed, t, c);
                memcpy(field, &value, sizeof value);
                break;
        case STORE_BOOL:
                *(bool *)field = random_below(seed, 2);
                break;
        case STORE_UUID:
                if (!may_be_missing(t, c) || random_below(seed, 3))
                        random_uuid(seed, field);
                break;
        case STORE_NULL_TEXT:
                if (random_below(seed, 3))
                        random_text(seed, c, true, field);
                break;
        case STORE_TEXT: /* a gateway's name is unique at its site */
                random_text(seed, c, key || c->unique || strcmp(c->name, "name") == 0, field);
                break;
        }
}

void random_row(uint64_t *seed, const struct store_table *t, void *row)
{
        memset(row, 0, t->row_size);
        for (const struct store_column *c = t->columns; c->name; c++)
                random_column(seed, t, c, row);
}

void *random_rows(uint64_t *seed, const struct store_table *t, size_t n)
{
        char *rows = calloc(n, t->row_size);

        if (!rows)
                abort();
        for (size_t i = 0; i < n; i++)
                random_row(seed, t, rows + i * t->row_size);
        return rows;
}

void row_text(const struct store_column *c, const void *row, char *ret, size_t size)
{
        const char *field = (const char *)row + c->offset;
        int64_t value;

        if (c->kind == STORE_INT) {
                memcpy(&value, field, sizeof value);
                snprintf(ret, size, "%lld", (long long)value);
        } else if (c->kind == STORE_BOOL) {
                snprintf(ret, size, "%s", *(const bool *)field ? "true" : "false");
        } else {
                snprintf(ret, size, "%s", field);
        }
}

static int compare(const struct store_column *c, const void *a, const void *b)
{
        const char *x = (const char *)a + c->offset, *y = (const char *)b + c->offset;
        int64_t i, j;

        if (c->kind == STORE_BOOL)
                return *(const bool *)x - *(const bool *)y;
        if (c->kind != STORE_INT)
                return strcmp(x, y);
        memcpy(&i, x, sizeof i);
        memcpy(&j, y, sizeof j);
        return (i > j) - (i < j);
}

bool rows_equal(const struct store_table *t, const void *a, const void *b)
{
        for (const struct store_column *c = t->columns; c->name; c++)
                if (compare(c, a, b) != 0)
                        return false;
        return true;
}

int rows_compare_keys(const struct store_table *t, const void *a, const void *b)
{
        int order = 0;

        for (size_t i = 0; i < t->n_key && order == 0; i++)
                order = compare(&t->columns[i], a, b);
        return order;
}
