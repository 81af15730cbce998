/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/dress.h"

#include <errno.h>

#include "base/err.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/steps.h"

static int fetch_once(struct cli *c, const struct noun *n, json_t **list)
{
        return *list ? CLI_OK : noun_fetch_list(c, n, n->path, list);
}

/* The name of the one with 'id' in 'list'; the id itself where there is none. Borrowed. */
static json_t *name_of(const json_t *list, json_t *id)
{
        const json_t *item;
        size_t i;

        json_array_foreach (list, i, item) {
                if (json_equal(json_object_get(item, "id"), id) && json_object_get(item, "name"))
                        return json_object_get(item, "name");
        }
        return id;
}

static int set(json_t *object, const char *key, json_t *value)
{
        int r = value ? json_object_set(object, key, value)
                      : json_object_set_new(object, key, json_null());

        return r == 0 ? CLI_OK : err_raise(-ENOMEM);
}

int dress_gateway(struct cli *c, json_t *gateway)
{
        int r = fetch_once(c, &noun_site, &c->sites);

        return r ? r : set(gateway, "site", name_of(c->sites, json_object_get(gateway, "site_id")));
}

int dress_vpn(struct cli *c, json_t *vpn)
{
        json_auto_t *names = json_array();
        int r = fetch_once(c, &noun_site, &c->sites);
        json_t *id;
        size_t i;

        if (r)
                return r;
        json_array_foreach (json_object_get(vpn, "site_ids"), i, id)
                json_array_append(names, name_of(c->sites, id));
        return set(vpn, "sites", names);
}

int dress_port(struct cli *c, json_t *vport)
{
        int r = dress_gateway(c, vport);

        r = r ? r : fetch_once(c, &noun_gateway, &c->gateways);
        return r ? r
                 : set(vport, "gateway",
                       name_of(c->gateways, json_object_get(vport, "gateway_id")));
}

int dress_link(struct cli *c, json_t *vlink)
{
        static const struct {
                const char *key, *names[2];
        } rows[] = {
                { "site_id", { "a_site", "z_site" } },
                { "gateway_id", { "a_gateway", "z_gateway" } },
                { "virtual_port_id", { "a_port", "z_port" } },
                { "network_id", { "a_network", "z_network" } },
        };
        const json_t *endpoints = json_object_get(vlink, "endpoints");
        int r = fetch_once(c, &noun_site, &c->sites);

        r = r ? r : fetch_once(c, &noun_gateway, &c->gateways);
        for (size_t i = 0; i < sizeof rows / sizeof *rows * 2 && r == CLI_OK; i++) {
                json_t *value = json_object_get(json_array_get(endpoints, i % 2), rows[i / 2].key);
                const json_t *list = i / 2 == 0 ? c->sites : i / 2 == 1 ? c->gateways : NULL;

                r = set(vlink, rows[i / 2].names[i % 2], name_of(list, value));
        }
        return r;
}

int dress_event(struct cli *c, json_t *event)
{
        OWN(text_done) struct text what = { 0 };
        json_auto_t *text = NULL;
        char kind[32];

        (void)c;
        step_kind(json_string_value(json_object_get(event, "type")), kind, sizeof kind);
        if (json_is_string(json_object_get(event, "to")))
                step_add(&what, kind, event, false);
        else if (json_is_string(json_object_get(event, "reason")))
                text_add(&what, json_string_value(json_object_get(event, "reason")));
        text = json_string(what.bytes ? what.bytes : "");
        return text ? set(event, "what", text) : err_raise(-ENOMEM);
}
