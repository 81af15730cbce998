/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway-helper/found.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

enum { LABEL_BYTES = 4, ETHERNET_BYTES = 14, VLAN_BYTES = 4, LINK_MTU_MAX = 9000 };

/* clang-format off */
static const struct { enum role role; enum record_kind kind; enum role partner; } pairs[] = {
        [ROLE_BRIDGE]     = { ROLE_BRIDGE,     RECORD_VPN,        ROLE_NONE },
        [ROLE_PORT]       = { ROLE_PORT,       RECORD_PORT,       ROLE_WAN },
        [ROLE_WAN]        = { ROLE_WAN,        RECORD_NONE,       ROLE_PORT },
        [ROLE_ATTACHMENT] = { ROLE_ATTACHMENT, RECORD_ATTACHMENT, ROLE_ACCESS },
        [ROLE_ACCESS]     = { ROLE_ACCESS,     RECORD_NONE,       ROLE_ATTACHMENT },
};
/* clang-format on */

void found_done(struct found *f)
{
        for (size_t i = 0; i < f->n; i++)
                free(f->devices[i]);
        free(f->devices);
        free(f->flows);
        map_done(&f->by_name);
        *f = (struct found){ 0 };
}

static int bad_text(const char *tool, struct fault *why)
{
        fault_set(why, 500, "gateway.device_error",
                  "The gateway's %s answered something that cannot be read.", tool);
        return FOUND_BAD;
}

/* The device of that name, new when it is not known yet; '*ret' is NULL when the name is not ours.
 */
static int take_device(struct found *f, const char *name, struct device **ret)
{
        int64_t number;
        enum role role = role_of(name, &number);
        struct device **devices, *d = map_get(&f->by_name, name);

        *ret = d;
        if (d || role == ROLE_NONE)
                return 0;
        devices = (f->n & (f->n - 1)) == 0
                          ? realloc(f->devices, (f->n ? 2 * f->n : 1) * sizeof(struct device *))
                          : f->devices;
        if (!devices)
                return err_raise(-ENOMEM);
        f->devices = devices;
        d = calloc(1, sizeof *d);
        if (!d)
                return err_raise(-ENOMEM);
        TEXT_SET(d->name, name);
        d->role = role;
        d->number = number;
        d->ofport = -1;
        f->devices[f->n++] = d;
        *ret = d;
        return map_set(&f->by_name, d->name, d);
}

static bool has_flag(const json_t *link, const char *flag)
{
        size_t i;
        json_t *item;

        json_array_foreach (json_object_get(link, "flags"), i, item)
                if (text_equal(json_string_value(item), flag))
                        return true;
        return false;
}

static bool is_kind(const json_t *info, enum role role)
{
        return text_equal(json_string_value(json_object_get(info, "info_kind")),
                          role == ROLE_BRIDGE ? "bridge" : "veth");
}

static void read_alias(struct device *d, const char *alias)
{
        if (!alias || !*alias)
                return;
        d->foreign = !record_parse(alias, &d->record) || d->record.kind != pairs[d->role].kind;
        if (d->foreign)
                d->record = (struct record){ 0 };
}

static int read_link(struct found *f, const json_t *link)
{
        const char *name = json_string_value(json_object_get(link, "ifname"));
        const json_t *info = json_object_get(link, "linkinfo");
        const json_t *bridge = json_object_get(info, "info_data");
        const json_t *slave = json_object_get(info, "info_slave_data");
        struct device *d;
        int r = name ? take_device(f, name, &d) : 0;

        if (r != 0 || !name || !d)
                return r;
        d->exists = true;
        d->up = has_flag(link, "UP");
        d->mtu = json_integer_value(json_object_get(link, "mtu"));
        d->quiet =
                text_equal(json_string_value(json_object_get(link, "inet6_addr_gen_mode")), "none");
        d->isolated = json_is_true(json_object_get(slave, "isolated"));
        d->tuned = d->role != ROLE_BRIDGE ||
                   (json_integer_value(json_object_get(bridge, "stp_state")) == 0 &&
                    json_integer_value(json_object_get(bridge, "mcast_snooping")) == 0);
        TEXT_SET(d->master, json_string_value(json_object_get(link, "master")));
        read_alias(d, json_string_value(json_object_get(link, "ifalias")));
        d->foreign = d->foreign || !is_kind(info, d->role);
        return 0;
}

static void read_wan(struct found *f, const json_t *link)
{
        TEXT_SET(f->wan_address, json_string_value(json_object_get(link, "address")));
        f->wan_mtu = json_integer_value(json_object_get(link, "mtu"));
}

int found_links(struct found *f, const char *json, const char *wan_port, struct fault *why)
{
        json_auto_t *links = json_loads(json ? json : "", 0, NULL);
        struct device *bridge;
        json_t *link;
        size_t i;
        int r = 0;

        if (!json_is_array(links))
                return bad_text("ip", why);
        json_array_foreach (links, i, link) {
                if (text_equal(json_string_value(json_object_get(link, "ifname")), wan_port))
                        read_wan(f, link);
                r = r ? r : read_link(f, link);
        }
        if (r != 0)
                return err_pass(r);
        json_array_foreach (links, i, link) {
                const char *master = json_string_value(json_object_get(link, "master"));

                bridge = master ? map_get(&f->by_name, master) : NULL;
                if (bridge)
                        bridge->n_slaves++;
        }
        if (mac_valid(f->wan_address))
                return FOUND_OK;
        fault_set(why, 500, "gateway.device_error",
                  "The gateway has no WAN port %s with an Ethernet address.", wan_port);
        return FOUND_BAD;
}

int found_qdiscs(struct found *f, const char *json, struct fault *why)
{
        json_auto_t *qdiscs = json_loads(json && *json ? json : "[]", 0, NULL);
        json_t *qdisc;
        size_t i;

        if (!json_is_array(qdiscs))
                return bad_text("tc", why);
        json_array_foreach (qdiscs, i, qdisc) {
                const char *name = json_string_value(json_object_get(qdisc, "dev"));
                struct device *d = name ? map_get(&f->by_name, name) : NULL;
                const json_t *options = json_object_get(qdisc, "options");

                if (d && json_is_true(json_object_get(qdisc, "root")) &&
                    text_equal(json_string_value(json_object_get(qdisc, "kind")), "tbf"))
                        d->rate = (uint64_t)json_integer_value(json_object_get(options, "rate"));
        }
        return FOUND_OK;
}

/* Rows of [name, ofport, error]; what is not set is ["set", []]. */
static int read_interface(struct found *f, const json_t *row, const char *wan_port)
{
        const char *name = json_string_value(json_array_get(row, 0));
        const json_t *ofport = json_array_get(row, 1);
        const char *error = json_string_value(json_array_get(row, 2));
        struct device *d = NULL;
        int r = name ? take_device(f, name, &d) : 0;

        if (name && !strcmp(name, wan_port))
                f->wan_ofport = json_integer_value(ofport);
        if (r != 0 || !d)
                return r;
        d->in_ovs = true;
        d->ofport = json_is_integer(ofport) ? json_integer_value(ofport) : -1;
        TEXT_SET(d->ovs_error, error);
        return 0;
}

/* "secure", then the names of the bridge's ports, one a line. */
static int read_bridge(struct found *f, char *lines, const char *bridge, const char *wan_port,
                       struct fault *why)
{
        const char *mode = strsep(&lines, "\n"), *name;
        bool has_wan = false;

        if (!text_equal(mode, "secure")) {
                fault_set(
                        why, 500, "gateway.device_error",
                        "The gateway's bridge %s is not fail_mode=secure: what Cloud Atlas does not forward would leak.",
                        bridge);
                return FOUND_BAD;
        }
        while ((name = strsep(&lines, "\n"))) {
                struct device *d = map_get(&f->by_name, name);

                has_wan = has_wan || !strcmp(name, wan_port);
                if (d)
                        d->in_bridge = true;
        }
        if (has_wan && f->wan_ofport > 0)
                return FOUND_OK;
        fault_set(why, 500, "gateway.device_error",
                  "The WAN port %s is not in the gateway's bridge %s.", wan_port, bridge);
        return FOUND_BAD;
}

int found_switch(struct found *f, const char *text, const char *bridge, const char *wan_port,
                 struct fault *why)
{
        json_error_t at;
        json_auto_t *table = json_loads(text ? text : "", JSON_DISABLE_EOF_CHECK, &at);
        const json_t *rows = json_object_get(table, "data");
        OWN(mem_free) char *lines = NULL;
        json_t *row;
        size_t i;
        int r = 0;

        if (!json_is_array(rows))
                return bad_text("ovs-vsctl", why);
        json_array_foreach (rows, i, row)
                r = r ? r : read_interface(f, row, wan_port);
        if (r != 0)
                return err_pass(r);
        text += at.position;
        lines = strdup(*text == '\n' ? text + 1 : text);
        return lines ? read_bridge(f, lines, bridge, wan_port, why) : err_raise(-ENOMEM);
}

int found_flows(struct found *f, const char *diff)
{
        OWN(mem_free) char *copy = strdup(diff ? diff : "");
        char *rest = copy, *line;
        size_t n_lines = 1;

        if (!copy)
                return err_raise(-ENOMEM);
        for (const char *c = copy; *c; c++)
                n_lines += *c == '\n';
        f->flows = calloc(n_lines, sizeof *f->flows);
        if (!f->flows)
                return err_raise(-ENOMEM);
        while ((line = strsep(&rest, "\n")))
                if (flow_difference_parse(line, &f->flows[f->n_flows]))
                        f->n_flows++;
        return FOUND_OK;
}

const struct device *found_device(const struct found *f, const char *name)
{
        static const struct device nothing = { .ofport = -1 };
        const struct device *d = map_get(&f->by_name, name);

        return d ? d : &nothing;
}

const struct device *found_partner(const struct found *f, const struct device *d)
{
        char name[INTERFACE_SIZE];

        role_name(pairs[d->role].partner, d->number, name);
        return found_device(f, name);
}

bool found_flow_place(const struct found *f, const struct device *d, struct flow_place *ret)
{
        const struct device *wan_side = found_partner(f, d);

        *ret = (struct flow_place){ .ofport = wan_side->ofport,
                                    .wan_ofport = f->wan_ofport,
                                    .local_label = d->number,
                                    .wan_address = f->wan_address };
        return wan_side->in_bridge && wan_side->ofport > 0;
}

void found_flows_wanted(const struct found *f, struct text *ret)
{
        struct flow_place at;

        for (size_t i = 0; i < f->n; i++)
                if (f->devices[i]->record.kind == RECORD_PORT &&
                    found_flow_place(f, f->devices[i], &at))
                        flow_lines(&f->devices[i]->record, &at, "", ret);
}

int64_t found_link_mtu(const struct found *f)
{
        int64_t mtu = f->wan_mtu - LABEL_BYTES - ETHERNET_BYTES - VLAN_BYTES;

        return mtu < LINK_MTU_MAX ? mtu : LINK_MTU_MAX;
}

static bool flow_is_orphan(const struct found *f, const struct flow_difference *d)
{
        if (d->missing || !flow_cookie_is_ours(d->cookie))
                return false;
        for (size_t i = 0; i < f->n; i++)
                if (f->devices[i]->record.kind == RECORD_PORT &&
                    flow_cookie(f->devices[i]->record.id) == d->cookie)
                        return false;
        return true;
}

size_t found_n_unknown(const struct found *f)
{
        size_t n = 0;

        for (size_t i = 0; i < f->n; i++) {
                const struct device *d = f->devices[i], *partner = found_partner(f, d);

                if (d->role == ROLE_WAN || d->role == ROLE_ACCESS)
                        n += d->role == ROLE_WAN && d->in_bridge && !partner->exists;
                else
                        n += d->foreign || (d->exists && d->record.kind == RECORD_NONE);
        }
        for (size_t i = 0; i < f->n_flows; i++)
                n += flow_is_orphan(f, &f->flows[i]);
        return n;
}
