/* SPDX-License-Identifier: Apache-2.0 */
/* What this service can do beyond the least, by the aliases that OpenStack's clients look for. */
#include <string.h>

#include "api-server/api.h"
#include "api-server/handlers.h"
#include "api-server/problem.h"

/* clang-format off */
static const struct extension {
        const char *alias, *name, *description;
} extensions[] = {
        { "agent",                       "Agents",               "Operators see the agents of each site" },
        { "empty-string-filtering",      "Empty filters",        "A filter without a value matches what is empty" },
        { "filter-validation",           "Filter validation",    "A filter that is no attribute is refused" },
        { "idempotency-key",             "Idempotency keys",     "A POST with the header Idempotency-Key is done once" },
        { "link-bandwidth-asymmetric",   "Asymmetric bandwidth", "A link's two directions have bandwidths of their own" },
        { "pagination",                  "Pagination",           "limit, marker, page_reverse, and links to the next and previous page" },
        { "project-id",                  "Project id",           "project_id is shown and taken beside tenant_id" },
        { "revision-if-match",           "If-Match",             "A change with If-Match: revision_number=N is made to that revision only" },
        { "sort-key-validation",         "Sort validation",      "A sort_key that cannot be sorted by is refused" },
        { "sorting",                     "Sorting",              "sort_key and sort_dir, several of each" },
        { "standard-attr-revisions",     "Revision numbers",     "Objects count their changes" },
        { "standard-attr-tag",           "Tags",                 "VPNs and virtual links have tags, and lists are filtered by them" },
        { "standard-attr-timestamp",     "Timestamps",           "created_at, updated_at, and changed_since for lists" },
};
/* clang-format on */
enum { N_EXTENSIONS = sizeof extensions / sizeof *extensions };

static json_t *extension_to_json(const struct extension *e)
{
        return json_pack("{ss ss ss ss s[]}", "alias", e->alias, "name", e->name, "description",
                         e->description, "updated", "2026-01-01T00:00:00Z", "links");
}

void list_extensions(struct call *c)
{
        json_t *list = json_array();

        for (size_t i = 0; i < N_EXTENSIONS; i++)
                json_array_append_new(list, extension_to_json(&extensions[i]));
        call_answer(c, 200, json_pack("{so}", "extensions", list), NULL);
}

void show_extension(struct call *c)
{
        struct fault why;

        for (size_t i = 0; i < N_EXTENSIONS; i++) {
                if (strcmp(extensions[i].alias, c->id) != 0)
                        continue;
                call_answer(c, 200,
                            json_pack("{so}", "extension", extension_to_json(&extensions[i])),
                            NULL);
                return;
        }
        problem_unknown(&why, "Extension", c->id);
        call_refuse(c, &why);
}
