/* SPDX-License-Identifier: Apache-2.0 */
/* Listing and showing is the same for all nouns; what differs is in their table and in how they are
 * dressed. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "cli/cell.h"
#include "cli/cli.h"
#include "cli/dress.h"
#include "cli/output.h"

/* clang-format off */
const struct noun noun_site = {
        .word = "site", .path = "/v1/sites", .one = "site", .many = "sites",
        .columns = "id name alive last_seen_at description",
};
const struct noun noun_agent = {
        .word = "agent", .path = "/v1/agents", .one = "agent", .many = "agents", .name = "host",
        .columns = "id host alive heartbeat_timestamp topic",
};
const struct noun noun_gateway = {
        .word = "gateway", .path = "/v1/gateways", .one = "gateway", .many = "gateways",
        .columns = "id name site type domain capacity available status", .dress = dress_gateway,
};
const struct noun noun_vpn = {
        .word = "vpn", .path = "/v1/vpns", .one = "vpn", .many = "vpns",
        .columns = "id name type sites", .hidden = "tenant_id site_ids", .dress = dress_vpn,
};
const struct noun noun_link = {
        .word = "link", .path = "/v1/virtual-links", .one = "virtual_link", .many = "virtual_links",
        .columns = "id name status a_site z_site bandwidth", .hidden = "tenant_id endpoints", .dress = dress_link,
};
const struct noun noun_port = {
        .word = "port", .path = "/v1/virtual-ports", .one = "virtual_port", .many = "virtual_ports",
        .columns = "id virtual_link_id side site gateway status plug_status vif_id", .hidden = "tenant_id",
        .dress = dress_port,
};
const struct noun noun_operation = {
        .word = "operation", .path = "/v1/operations", .one = "operation", .many = "operations",
        .columns = "id type status virtual_link_id started_at duration_ms status_reason", .hidden = "tenant_id steps",
};
const struct noun noun_event = {
        .word = "event", .path = "/v1/events", .one = "event", .many = "events",
        .columns = "at type object_type object_id site what", .dress = dress_event,
};
const struct noun noun_connection = {
        .word = "connection", .path = "/v1/connections", .one = "connection", .many = "connections",
        .columns = "id vpn_id status", .hidden = "id tenant_id",
};
const struct noun noun_quota = {
        .word = "quota", .path = "/v1/quotas", .one = "quota", .many = "quotas",
        .columns = "resource limit used", .hidden = "tenant_id",
};
const struct noun noun_freeze = {
        .word = "freeze", .path = "/v1/freeze", .one = "freeze", .many = "freezes",
        .columns = "frozen reason user_id since",
};
static const struct noun *const nouns[] = {
        &noun_site, &noun_agent, &noun_gateway, &noun_vpn, &noun_link, &noun_port, &noun_operation, &noun_event, &noun_freeze,
        &noun_quota,
};

/* What narrows lists: 'of' is the noun that the option names. */
static const struct filter {
        enum option option;
        const char *key;
        const struct noun *of;
} filters[] = {
        { OPT_NAME,         "name",            NULL },
        { OPT_TYPE,         "type",            NULL },
        { OPT_SITE,         "site_id",         &noun_site },
        { OPT_VPN,          "vpn_id",          &noun_vpn },
        { OPT_LINK,         "virtual_link_id", &noun_link },
        { OPT_STATUS,       "status",          NULL },
        { OPT_TAG,          "tags",            NULL },
        { OPT_LIMIT,        "limit",           NULL },
};
/* clang-format on */

const struct noun *noun_of(const char *word)
{
        for (size_t i = 0; i < sizeof nouns / sizeof *nouns; i++)
                if (text_equal(nouns[i]->word, word))
                        return nouns[i];
        assert(!"a command's noun has a row here");
        return nouns[0];
}

/* ---- fetching ---- */

static int bad_answer(struct cli *c, const char *path)
{
        fprintf(c->outside->err,
                "atlas: The service's answer to GET %s is not what this program understands.\n",
                path);
        return CLI_REFUSED;
}

/* The id after which the next page begins, or NULL. */
static const char *next_marker(const struct noun *n, const json_t *body, const json_t *page)
{
        const json_t *last = json_array_get(page, json_array_size(page) - 1);
        const json_t *item;
        char key[64];
        size_t i;

        snprintf(key, sizeof key, "%s_links", n->many);
        json_array_foreach (json_object_get(body, key), i, item) {
                if (text_equal(json_string_value(json_object_get(item, "rel")), "next"))
                        return json_string_value(json_object_get(last, "id"));
        }
        return NULL;
}

static int fetch_pages(struct cli *c, const struct noun *n, const char *path, bool one,
                       json_t **ret)
{
        OWN(openstack_reply_done) struct openstack_reply reply = { 0 };
        json_auto_t *all = json_array();
        const char *marker = NULL;

        do {
                OWN(text_done) struct text page_path = { 0 };
                json_t *page;
                int r;

                text_add(&page_path, path);
                if (marker)
                        service_query(&page_path, "marker", marker);
                if (page_path.failed || !all)
                        return err_raise(-ENOMEM);
                r = service_call(c, "GET", page_path.bytes, NULL, &reply);
                if (r)
                        return r < 0 ? err_pass(r) : r;
                page = json_object_get(reply.body, n->many);
                if (!json_is_array(page))
                        return bad_answer(c, path);
                if (json_array_extend(all, page) != 0)
                        return err_raise(-ENOMEM);
                marker = one ? NULL : next_marker(n, reply.body, page);
        } while (marker);
        *ret = TAKE(all);
        return CLI_OK;
}

int noun_fetch_list(struct cli *c, const struct noun *n, const char *path, json_t **ret)
{
        int r = fetch_pages(c, n, path, false, ret);

        return r < 0 ? err_pass(r) : r;
}

int noun_fetch_page(struct cli *c, const struct noun *n, const char *path, json_t **ret)
{
        int r = fetch_pages(c, n, path, true, ret);

        return r < 0 ? err_pass(r) : r;
}

int noun_fetch(struct cli *c, const struct noun *n, const char *id, json_t **ret)
{
        OWN(openstack_reply_done) struct openstack_reply reply = { 0 };
        char path[128];
        json_t *object;
        int r;

        snprintf(path, sizeof path, "%s/%.80s", n->path, id);
        r = service_call(c, "GET", path, NULL, &reply);
        if (r)
                return r < 0 ? err_pass(r) : r;
        object = json_object_get(reply.body, n->one);
        if (!json_is_object(object))
                return bad_answer(c, path);
        *ret = json_incref(object);
        return CLI_OK;
}

/* ---- printing ---- */

static int told(struct cli *c, int r, const struct fault *why)
{
        if (r < 0)
                return err_pass(r);
        return r == OUTPUT_OK ? CLI_OK : cli_usage(c->outside, c->args, why);
}

static struct output output_of(const struct cli *c, const struct noun *n)
{
        return (struct output){
                .to = c->outside->out,
                .format = c->args->format,
                .columns = c->args->columns,
                .n_columns = c->args->n_columns,
                .usual = n->columns,
                .hidden = n->hidden,
                .sort = c->args->value[OPT_SORT],
        };
}

int noun_print_list(struct cli *c, const struct noun *n, json_t *list)
{
        struct output o = output_of(c, n);
        struct fault why = { 0 };
        json_t *object;
        size_t i;

        json_array_foreach (list, i, object) {
                int r = n->dress ? n->dress(c, object) : CLI_OK;

                if (r)
                        return r < 0 ? err_pass(r) : r;
        }
        return told(c, output_list(&o, list, &why), &why);
}

int noun_print(struct cli *c, const struct noun *n, json_t *object)
{
        struct output o = output_of(c, n);
        struct fault why = { 0 };
        int r = n->dress ? n->dress(c, object) : CLI_OK;

        if (r)
                return r < 0 ? err_pass(r) : r;
        return told(c, output_one(&o, object, &why), &why);
}

/* ---- the commands ---- */

int noun_add_filters(struct cli *c, struct text *path)
{
        for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
                const char *value = c->args->value[filters[i].option];
                char id[ID_SIZE];

                if (!value)
                        continue;
                if (filters[i].of) {
                        int r = find_id(c, filters[i].of, value, NULL, id);

                        if (r)
                                return r < 0 ? err_pass(r) : r;
                }
                service_query(path, filters[i].key, filters[i].of ? id : value);
        }
        if (arguments_has(c->args, OPT_ALL_PROJECTS))
                service_query(path, "all_projects", "true");
        return CLI_OK;
}

int command_list(struct cli *c)
{
        const struct noun *n = noun_of(c->args->command->noun);
        OWN(text_done) struct text path = { 0 };
        json_auto_t *list = NULL;
        int r;

        text_add(&path, n->path);
        r = noun_add_filters(c, &path);
        if (r == CLI_OK && path.failed)
                return err_raise(-ENOMEM);
        if (r == CLI_OK)
                r = fetch_pages(c, n, path.bytes, arguments_has(c->args, OPT_LIMIT), &list);
        r = r ? r : noun_print_list(c, n, list);
        return r < 0 ? err_pass(r) : r;
}

int command_show(struct cli *c)
{
        const struct noun *n = noun_of(c->args->command->noun);
        json_auto_t *object = NULL;
        char id[ID_SIZE];
        int r = find_id(c, n, c->args->words[0], NULL, id);

        r = r ? r : noun_fetch(c, n, id, &object);
        r = r ? r : noun_print(c, n, object);
        return r < 0 ? err_pass(r) : r;
}
