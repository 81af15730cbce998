/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway-helper/plug.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "gateway-helper/process.h"
#include "model/json.h"
#include "model/limits.h"
#include "model/want.h"

enum { DEVICE_NAME = 16, MAC_TEXT = 18, VSCTL_ARGS = 40, TIMEOUT_MS = 10000 };
enum { PLUG_DONE, PLUG_FAULT };

struct plug {
        char verb[16];
        char interface[DEVICE_NAME], bridge[DEVICE_NAME];
        char iface_id[ID_SIZE], attachment[ID_SIZE];
        char mac[MAC_TEXT];
        int64_t deadline_mono_ms;
};

/* An interface as Open vSwitch has it. */
struct found {
        char name[DEVICE_NAME * 4];
        char attachment[ID_SIZE], iface_id[ID_SIZE], mac[MAC_TEXT];
        bool ours;      /* it names an attachment */
        int64_t ofport; /* 0: none yet; -1: Open vSwitch cannot open it */
        char error[256];
};

/* ---- the request ---- */

/* What Linux and Open vSwitch accept and no tool takes for an option. */
static bool device_name_valid(const char *name)
{
        if (!isalnum((unsigned char)name[0]))
                return false;
        for (; *name; name++)
                if (!isalnum((unsigned char)*name) && !strchr("-_.", *name))
                        return false;
        return true;
}

static bool mac_valid(const char *mac)
{
        for (size_t i = 0; i < MAC_TEXT - 1; i++)
                if (i % 3 == 2 ? mac[i] != ':' : !isxdigit((unsigned char)mac[i]))
                        return false;
        return mac[MAC_TEXT - 1] == '\0';
}

static bool refuse(struct fault *why, const char *key)
{
        fault_set(why, 400, "message.invalid", "%s has a bad form.", key);
        return false;
}

static bool plug_read(const json_t *request, struct plug *ret, struct fault *why)
{
        int64_t timeout_ms = TIMEOUT_MS;
        bool one, plug;

        if (!json_read_text(request, "verb", JSON_REQUIRED, ret->verb, sizeof ret->verb, why))
                return false;
        one = !text_equal(ret->verb, "plugged");
        plug = text_equal(ret->verb, "plug");
        if (!json_read_int(request, "timeout_ms", JSON_OPTIONAL, 1, 600000, &timeout_ms, why) ||
            (one &&
             (!json_read_text(request, "bridge", JSON_REQUIRED, ret->bridge, DEVICE_NAME, why) ||
              !json_read_text(request, "interface", JSON_REQUIRED, ret->interface, DEVICE_NAME,
                              why) ||
              !json_read_id(request, "attachment", JSON_REQUIRED, ret->attachment, why))) ||
            (plug && (!json_read_id(request, "iface_id", JSON_REQUIRED, ret->iface_id, why) ||
                      !json_read_text(request, "mac", JSON_REQUIRED, ret->mac, MAC_TEXT, why))))
                return false;
        if (one && !device_name_valid(ret->bridge))
                return refuse(why, "bridge");
        if (one && !device_name_valid(ret->interface))
                return refuse(why, "interface");
        if (plug && !mac_valid(ret->mac))
                return refuse(why, "mac");
        ret->deadline_mono_ms = clock_mono_ms() + timeout_ms;
        return true;
}

/* ---- reading Open vSwitch ---- */

/* Runs ovs-vsctl with 'args' (NULL-terminated); what it prints is added to 'out' if that is given.
 */
static int vsctl(const struct plug *p, const char *const *args, struct text *out, struct fault *why)
{
        const char *argv[VSCTL_ARGS] = { "ovs-vsctl" };
        char timeout[32];
        int64_t left_ms = p->deadline_mono_ms - clock_mono_ms();
        size_t n = 2;
        int r;

        snprintf(timeout, sizeof timeout, "--timeout=%lld",
                 left_ms < 1000 ? 1LL : (long long)(left_ms / 1000));
        argv[1] = timeout;
        while (*args && n < VSCTL_ARGS - 1)
                argv[n++] = *args++;
        if (*args)
                return err_raise(-E2BIG);
        r = process_run(argv, NULL, 0, p->deadline_mono_ms, out, NULL, NULL, why);
        if (r < 0)
                return err_pass(r);
        return r == PROCESS_OK ? PLUG_DONE : PLUG_FAULT;
}

/* The value of 'key' in ["map", [[key, value], …]], or "". */
static const char *map_text(const json_t *map, const char *key)
{
        size_t i;
        json_t *pair;

        json_array_foreach (json_array_get(map, 1), i, pair) {
                const char *name = json_string_value(json_array_get(pair, 0));
                const char *value = json_string_value(json_array_get(pair, 1));

                if (name && value && text_equal(name, key))
                        return value;
        }
        return "";
}

/* One row of the columns name, external_ids, ofport, error. */
static void found_read(const json_t *row, struct found *ret)
{
        const json_t *ids = json_array_get(row, 1);

        *ret = (struct found){ 0 };
        TEXT_SET(ret->name, json_string_value(json_array_get(row, 0)));
        TEXT_SET(ret->attachment, map_text(ids, "atlas-attachment"));
        TEXT_SET(ret->iface_id, map_text(ids, "iface-id"));
        TEXT_SET(ret->mac, map_text(ids, "attached-mac"));
        ret->ours = ret->attachment[0] != '\0';
        ret->ofport = json_integer_value(json_array_get(row, 2)); /* an empty set counts as 0 */
        TEXT_SET(ret->error, json_string_value(json_array_get(row, 3)));
}

/* All rows, or those of one interface. '*ret' is a new list. */
static int list(const struct plug *p, const char *interface, json_t **ret, struct fault *why)
{
        const char *const args[] = { "--format=json",
                                     "--columns=name,external_ids,ofport,error",
                                     "--if-exists",
                                     "list",
                                     "Interface",
                                     interface,
                                     NULL };
        OWN(text_done) struct text out = { 0 };
        json_auto_t *table = NULL;
        int r = vsctl(p, args, &out, why);

        if (r)
                return r < 0 ? err_pass(r) : r;
        table = json_loadb(out.bytes ? out.bytes : "", out.n, 0, NULL);
        if (!json_is_array(json_object_get(table, "data"))) {
                fault_set(why, 500, "gateway.device_error", "ovs-vsctl printed no table.");
                return PLUG_FAULT;
        }
        *ret = json_incref(json_object_get(table, "data"));
        return PLUG_DONE;
}

/* 'ret->name' is "" when there is no such interface. */
static int look(const struct plug *p, struct found *ret, struct fault *why)
{
        json_auto_t *rows = NULL;
        int r = list(p, p->interface, &rows, why);

        *ret = (struct found){ 0 };
        if (r == PLUG_DONE && json_array_size(rows) > 0)
                found_read(json_array_get(rows, 0), ret);
        return r < 0 ? err_pass(r) : r;
}

static json_t *found_to_json(const struct found *f)
{
        return json_pack("{s:s, s:b, s:s, s:s, s:s}", "interface", f->name, "present", 1,
                         "attachment", f->attachment, "iface_id", f->iface_id, "mac", f->mac);
}

/* ---- changing it ---- */

static int port_remove(const struct plug *p, struct fault *why)
{
        const char *const args[] = { "--if-exists", "del-port", p->bridge, p->interface, NULL };

        return vsctl(p, args, NULL, why);
}

/* In one transaction, and on the dead VLAN as Neutron's own agent adds ports: until the agent knows
 * the network, no frame passes. An interface with other ids is removed first, for it still carries
 * its old network's tag. */
static int port_add(const struct plug *p, struct fault *why)
{
        char iface_id[ID_SIZE + 32], mac[MAC_TEXT * 2 + 32], attachment[ID_SIZE + 32];
        const char *const args[] = {
                "--if-exists",
                "del-port",
                p->bridge,
                p->interface,
                "--",
                "add-port",
                p->bridge,
                p->interface,
                "--",
                "set",
                "Port",
                p->interface,
                "tag=4095",
                "vlan_mode=trunk",
                "trunks=4095",
                "--",
                "set",
                "Interface",
                p->interface,
                attachment,
                iface_id,
                mac,
                "external_ids:iface-status=active",
                "external_ids:skip_cleanup=true",
                NULL,
        };

        snprintf(attachment, sizeof attachment, "external_ids:atlas-attachment=%s", p->attachment);
        snprintf(iface_id, sizeof iface_id, "external_ids:iface-id=%s", p->iface_id);
        /* A map's value with colons has to be quoted. */
        snprintf(mac, sizeof mac, "external_ids:attached-mac=\"%s\"", p->mac);
        return vsctl(p, args, NULL, why);
}

static int plug(const struct plug *p, json_t **ret, struct fault *why)
{
        struct found f;
        int r = look(p, &f, why);

        if (r == PLUG_DONE &&
            (!text_equal(f.attachment, p->attachment) || !text_equal(f.iface_id, p->iface_id) ||
             !text_equal(f.mac, p->mac) || f.ofport <= 0)) {
                r = port_add(p, why);
                if (r == PLUG_DONE)
                        r = look(p, &f, why);
        }
        if (r == PLUG_DONE && f.ofport <= 0) {
                struct fault unused;

                fault_set(why, 500, "gateway.device_error", "Open vSwitch cannot use %s: %s",
                          p->interface, f.error[0] ? f.error : "it got no port number");
                r = port_remove(p, &unused);
                r = r < 0 ? r : PLUG_FAULT;
        }
        if (r)
                return r < 0 ? err_pass(r) : r;
        *ret = found_to_json(&f);
        return *ret ? PLUG_DONE : err_raise(-ENOMEM);
}

static int unplug(const struct plug *p, json_t **ret, struct fault *why)
{
        struct found f;
        int r = look(p, &f, why);

        if (r == PLUG_DONE && text_equal(f.attachment, p->attachment)) {
                r = port_remove(p, why);
                if (r == PLUG_DONE)
                        r = look(p, &f, why);
                if (r == PLUG_DONE && text_equal(f.attachment, p->attachment)) {
                        fault_set(why, 500, "gateway.device_error", "Open vSwitch still has %s.",
                                  p->interface);
                        r = PLUG_FAULT;
                }
        }
        if (r)
                return r < 0 ? err_pass(r) : r;
        *ret = json_pack("{s:s, s:b}", "interface", p->interface, "present", 0);
        return *ret ? PLUG_DONE : err_raise(-ENOMEM);
}

static int plugged(const struct plug *p, json_t **ret, struct fault *why)
{
        json_auto_t *rows = NULL, *found = json_array();
        json_t *row;
        size_t i;
        int r = found ? list(p, NULL, &rows, why) : err_raise(-ENOMEM);

        if (r)
                return r < 0 ? err_pass(r) : r;
        json_array_foreach (rows, i, row) {
                struct found f;

                found_read(row, &f);
                if (f.ours && json_array_append_new(found, found_to_json(&f)) != 0)
                        return err_raise(-ENOMEM);
        }
        *ret = json_pack("{s:O}", "plugged", found);
        return *ret ? PLUG_DONE : err_raise(-ENOMEM);
}

static const struct verb {
        const char *name;
        int (*act)(const struct plug *p, json_t **ret, struct fault *why);
} verbs[] = {
        /* clang-format off */
        { "plug",    plug },
        { "unplug",  unplug },
        { "plugged", plugged },
        { 0 },
        /* clang-format on */
};

static int dispatch(const json_t *request, json_t **ret, struct fault *why)
{
        struct plug p = { 0 };

        if (!plug_read(request, &p, why))
                return PLUG_FAULT;
        for (const struct verb *v = verbs; v->name; v++)
                if (text_equal(v->name, p.verb))
                        return v->act(&p, ret, why);
        refuse(why, "verb");
        return PLUG_FAULT;
}

json_t *helper_plug(const json_t *request)
{
        struct fault why = { 0 };
        json_t *answer = NULL;
        int r = dispatch(request, &answer, &why);

        if (r < 0)
                fault_set(&why, 500, "gateway.helper", "The helper failed: %s", err_trace());
        return r ? json_pack("{s:o}", "fault", fault_to_json(&why)) : answer;
}
