/* SPDX-License-Identifier: Apache-2.0 */
/* Names and ids are both good everywhere; a name that several have is not. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "base/uuid.h"
#include "cli/cli.h"

static const char *text_of(const json_t *object, const char *key)
{
        const char *text = json_string_value(json_object_get(object, key));

        return text ? text : "";
}

/* The id of the only one in 'list'. */
static int only_one(struct cli *c, const struct noun *n, const char *word, const json_t *list,
                    char ret[ID_SIZE])
{
        FILE *err = c->outside->err;
        const json_t *item;
        size_t i;

        if (json_array_size(list) == 1 &&
            TEXT_SET(*(char(*)[ID_SIZE])ret, text_of(json_array_get(list, 0), "id")))
                return CLI_OK;
        if (json_array_size(list) == 0) {
                fprintf(err,
                        "atlas: There is no %s named %s.\n  next: `atlas %s list` shows what there is\n",
                        n->word, word, n->word);
                return CLI_REFUSED;
        }
        fprintf(err, "atlas: Several have the name %s; give the id of one:\n", word);
        json_array_foreach (list, i, item)
                fprintf(err, "  %s\n", text_of(item, "id"));
        return CLI_USAGE;
}

int find_id(struct cli *c, const struct noun *n, const char *word, const char *site_id,
            char ret[ID_SIZE])
{
        OWN(text_done) struct text path = { 0 };
        json_auto_t *list = NULL;
        int r;

        if (uuid_valid(word)) {
                text_copy(ret, ID_SIZE, word);
                return CLI_OK;
        }
        if (n == &noun_operation || n == &noun_event) { /* they have no names */
                if (n == &noun_event && text_copy(ret, ID_SIZE, word) && *word &&
                    !word[strspn(word, "0123456789")])
                        return CLI_OK;
                return cli_usage_of(c, word, "is not an id");
        }
        text_add(&path, n->path);
        service_query(&path, n->name ? n->name : "name", word);
        if (site_id)
                service_query(&path, "site_id", site_id);
        if (path.failed)
                return err_raise(-ENOMEM);
        r = noun_fetch_list(c, n, path.bytes, &list);
        r = r ? r : only_one(c, n, word, list, ret);
        return r < 0 ? err_pass(r) : r;
}

/* Whether 'port' is the end that 'end' names. */
static bool is_end(const json_t *port, const char *end, const char *site_id)
{
        return text_equal(text_of(port, "side"), end) ||
               (*site_id && text_equal(text_of(port, "site_id"), site_id));
}

int find_port(struct cli *c, const char *word, char ret[ID_SIZE])
{
        const char *end = strrchr(word, '/');
        OWN(mem_free) char *vlink = NULL;
        OWN(text_done) struct text path = { 0 };
        json_auto_t *list = NULL;
        char link_id[ID_SIZE], site_id[ID_SIZE] = "";
        const json_t *port;
        size_t i;
        int r;

        if (uuid_valid(word)) {
                text_copy(ret, ID_SIZE, word);
                return CLI_OK;
        }
        if (!end || end == word || !end[1])
                return cli_usage_of(
                        c, word,
                        "is neither a port's id nor LINK/END, where END is a, z or a site");
        vlink = strndup(word, (size_t)(end++ - word));
        if (!vlink)
                return err_raise(-ENOMEM);
        r = find_id(c, &noun_link, vlink, NULL, link_id);
        if (r == CLI_OK && !text_equal(end, "a") && !text_equal(end, "z"))
                r = find_id(c, &noun_site, end, NULL, site_id);
        if (r)
                return r < 0 ? err_pass(r) : r;
        text_add(&path, noun_port.path);
        service_query(&path, "virtual_link_id", link_id);
        if (path.failed)
                return err_raise(-ENOMEM);
        r = noun_fetch_list(c, &noun_port, path.bytes, &list);
        if (r)
                return r < 0 ? err_pass(r) : r;
        json_array_foreach (list, i, port) {
                if (is_end(port, end, site_id) && text_copy(ret, ID_SIZE, text_of(port, "id")))
                        return CLI_OK;
        }
        fprintf(c->outside->err,
                "atlas: Link %s has no end %s.\n  next: `atlas port list --link %s` shows its ends\n",
                vlink, end, vlink);
        return CLI_REFUSED;
}
