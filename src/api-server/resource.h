#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* What reading needs to know of a kind of object: where its rows are, which other rows belong to
 * it, what it can be filtered by, and how a row becomes JSON. One file per resource fills one of
 * these. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "api-server/caller.h"
#include "api-server/site_cache.h"
#include "base/text.h"
#include "store/tables.h"

enum { RELATED_MAX = 2, SETS_MAX = RELATED_MAX + 1 };

/* Rows of another table whose 'column' holds what the rows of set 'from' (0: the resource's own)
 * have at 'offset'. Sorted by 'column'. */
struct related {
        enum store_table_id table;
        const char *column;
        int from;
        size_t offset;
        bool one_only;     /* not for lists */
        const char *value; /* the same for all rows: instead of what they have */
};

enum filter_kind { FILTER_TEXT, FILTER_ID, FILTER_INT, FILTER_BOOL, FILTER_WORD, FILTER_TIME };
/* An attribute that lists can be filtered by. Without a column it is compared as it is shown.
 * FILTER_TIME: the column holds milliseconds, the attribute shows seconds. */
struct filter {
        const char *name, *column;
        enum filter_kind kind;
        const char *const *words; /* FILTER_WORD: the column holds an index of these */
        int n_words;
};
/* The column that lists are sorted by when 'sort_key' names this attribute, or NULL. */
const char *filter_sort_column(const struct filter *f);

#define FILTER(name_, column_, kind_)                                                              \
        {                                                                                          \
                .name = name_, .column = column_, .kind = kind_                                    \
        }
#define FILTER_WORDS(name_, column_, words_, n_words_)                                             \
        {                                                                                          \
                .name = name_, .column = column_, .kind = FILTER_WORD, .words = words_,            \
                .n_words = n_words_                                                                \
        }

/* An attribute as it is shown. */
enum shown_kind {
        SHOWN_ID,
        SHOWN_TEXT,
        SHOWN_WORD, /* one of 'words' */
        SHOWN_INT,
        SHOWN_BOOL,
        SHOWN_TIME,
        SHOWN_TEXTS, /* a list */
        SHOWN_IDS,
        SHOWN_OBJECT, /* of 'inner' */
        SHOWN_OBJECTS,
        SHOWN_MAP, /* an object whose keys are data */
};
enum { MAY_BE_NULL = 1, TO_OPERATORS = 2, SHOWN_ALONE = 4 /* not in lists */ };
struct shown {
        const char *name;
        enum shown_kind kind;
        unsigned flags;
        const char *const *words; /* NULL-terminated */
        const struct shown *inner;
};

/* What nouns have in common. */
#define FILTERS_OF_A_PROJECT                                                                       \
        FILTER("id", "id", FILTER_ID), FILTER("project_id", "project_id", FILTER_TEXT),            \
                FILTER("tenant_id", "project_id", FILTER_TEXT)
#define FILTERS_OF_A_NAME                                                                          \
        FILTER("name", "name", FILTER_TEXT), FILTER("description", "description", FILTER_TEXT)
#define FILTERS_OF_CHANGE                                                                          \
        FILTER("revision_number", "revision_number", FILTER_INT),                                  \
                FILTER("created_at", "created_ms", FILTER_TIME),                                   \
                FILTER("updated_at", "updated_ms", FILTER_TIME)

/* clang-format off */
#define SHOWN_OF_A_PROJECT                              \
        { "id",          SHOWN_ID,   0, NULL, NULL },   \
        { "project_id",  SHOWN_TEXT, 0, NULL, NULL },   \
        { "tenant_id",   SHOWN_TEXT, 0, NULL, NULL }
#define SHOWN_OF_A_NAME                                 \
        { "name",        SHOWN_TEXT, 0, NULL, NULL },   \
        { "description", SHOWN_TEXT, 0, NULL, NULL }
#define SHOWN_OF_CHANGE                                 \
        { "revision_number", SHOWN_INT,  0, NULL, NULL }, \
        { "created_at",      SHOWN_TIME, 0, NULL, NULL }, \
        { "updated_at",      SHOWN_TIME, 0, NULL, NULL }
/* clang-format on */

/* The rows that were read, sets[0] the resource's own. */
struct view {
        struct store_rows sets[SETS_MAX];
        int64_t *serials; /* of append-only rows */
        const struct caller *who;
        const struct site_cache *sites;
        int64_t now_ms; /* wall clock */
        bool one;       /* a single object was asked for */
};
/* Rows of set 'set' whose text at 'offset' (which the set is sorted by) is 'key': the first and how
 * many. */
const void *view_find(const struct view *v, int set, size_t row_size, size_t offset,
                      const char *key, size_t *ret_n);

struct resource {
        const char *name, *collection; /* "virtual_link", "virtual_links": keys in bodies */
        const char *path;              /* "/v1/virtual-links" */
        const char *noun;              /* "Virtual link": in messages */
        enum store_table_id table;
        bool shared;  /* every project sees all rows */
        bool by_name; /* may be named by its "name" instead of its id */
        bool serial;  /* ids are serial numbers */
        bool single;  /* there is one, of the service or of a project, and it has no id */
        bool needs_sites;
        bool tagged;           /* rows have a column "tags" */
        size_t project_offset; /* of its project_id, unless shared */
        const char *updating;  /* the conductor's method that changes one */
        const struct filter *filters;
        const struct shown *shown; /* what 'render' gives, as the API's description has it */
        struct related related[RELATED_MAX];
        /* All that belongs to the row was read, too; false for one that went meanwhile. NULL: nothing
         * has to. */
        bool (*whole)(const struct view *v, size_t i);
        json_t *(*render)(const struct view *v, size_t i);
        /* The same, straight into text; NULL: there is only the other. */
        void (*write)(const struct view *v, size_t i, struct text *ret);
};
extern const struct resource agent_resource, site_resource, gateway_resource, vpn_resource,
        virtual_link_resource, virtual_port_resource, operation_resource, event_resource,
        connection_resource, quota_resource, freeze_resource;
/* The links of an operation: its own, or those of 'parts', the operations whose parent it is. */
json_t *operation_links(const struct operation *o, const struct store_rows *parts);
