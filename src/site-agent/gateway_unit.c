/* SPDX-License-Identifier: Apache-2.0 */
/* Opens a gateway from its section, looks at it, and tells what was seen. */
#include "site-agent/gateway_unit.h"

#include <string.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/text.h"
#include "model/site.h"

/* clang-format off */
const struct setting gateway_unit_settings[] = {
        { "gateway:", "driver", SETTING_TEXT, offsetof(struct gateway_settings, driver), NULL, 0, 0,
          "How this gateway is worked; the options of the drivers follow" },
        { "gateway:", "type", SETTING_TEXT, offsetof(struct gateway_settings, type), "mpls", 0, 0,
          "Type of links it makes; links join gateways of one type" },
        { "gateway:", "domain", SETTING_TEXT, offsetof(struct gateway_settings, domain), "default", 0, 0,
          "WAN it stands at; links join gateways of one domain" },
        { "gateway:", "capacity_to_wan_kbps", SETTING_INT, offsetof(struct gateway_settings, capacity_to_wan_kbps), NULL, 0, 2147483647,
          "Bandwidth that links may reserve from the site to the WAN, in kbit/s" },
        { "gateway:", "capacity_from_wan_kbps", SETTING_INT, offsetof(struct gateway_settings, capacity_from_wan_kbps), NULL, 0, 2147483647,
          "Bandwidth that links may reserve from the WAN to the site, in kbit/s" },
        { "gateway:", "mtu", SETTING_INT, offsetof(struct gateway_settings, mtu), "0", 0, 65535,
          "Bytes of IP that a link carries; 0: as the driver finds" },
        { "gateway:", "probe_interval", SETTING_INT, offsetof(struct gateway_settings, probe_interval_s), "5", 1, 3600,
          "Seconds after which an idle gateway is looked at again" },
        { "gateway:", "observe_only", SETTING_BOOL, offsetof(struct gateway_settings, observe_only), "false", 0, 0,
          "Look at the gateway, change nothing" },
        { "gateway:", "agent_host", SETTING_TEXT, offsetof(struct gateway_settings, agent_host), "", 0, 0,
          "Neutron's name of the gateway host, for port binding; empty: the gateway's name" },
        { 0 },
};
static const char *const fence_name[] = {
        [GATEWAY_FENCE_NONE] = "none", [GATEWAY_FENCE_SESSION] = "session", [GATEWAY_FENCE_DEVICE] = "device",
};
/* clang-format on */

static int pick_driver(struct gateway_unit *u, struct fault *why)
{
        u->driver = gateway_driver_find(u->settings.driver);
        if (u->driver)
                return 0;
        fault_set(why, 400, "config.value", "[gateway:%s] driver: there is no driver \"%s\".",
                  u->name, u->settings.driver);
        return CONFIG_BAD;
}

static void from_settings(struct gateway_unit *u)
{
        struct gateway *g = &u->seen.gateway;

        TEXT_SET(g->name, u->name);
        TEXT_SET(g->type, u->settings.type);
        TEXT_SET(g->domain, u->settings.domain);
        TEXT_SET(g->fence, fence_name[u->driver->fence]);
        TEXT_SET(g->capabilities, u->driver->capabilities);
        g->capacity_to_wan_kbps = u->settings.capacity_to_wan_kbps;
        g->capacity_from_wan_kbps = u->settings.capacity_from_wan_kbps;
        g->observe_only = u->settings.observe_only;
        digest_format(0, u->seen.digest);
}

int gateway_unit_open(const struct config_file *file, const char *name, struct gateway_unit *ret,
                      struct fault *why)
{
        struct gateway_unit u = { .quarantine_after = QUARANTINE_AFTER };
        int r;

        if (!site_name_valid(name) || !TEXT_SET(u.name, name)) {
                fault_set(why, 400, "config.value",
                          "[gateway:%s]: a gateway's name is made of a-z, 0-9 and '-'.", name);
                return CONFIG_BAD;
        }
        r = config_apply(file, gateway_unit_settings, name, &u.settings, why);
        if (r != 0)
                return r;
        r = pick_driver(&u, why);
        r = r ? r : u.driver->open(file, name, &u.handle, why);
        if (r != 0) {
                config_done(gateway_unit_settings, &u.settings);
                return r;
        }
        from_settings(&u);
        *ret = u;
        return 0;
}

void gateway_unit_close(struct gateway_unit *u)
{
        if (u->handle)
                u->driver->close(u->handle);
        config_done(gateway_unit_settings, &u->settings);
        *u = (struct gateway_unit){ 0 };
}

void gateway_unit_answered(struct gateway_unit *u, const struct fault *fault)
{
        u->n_unanswered = fault_is_set(fault) && fault->code == 503 ? u->n_unanswered + 1 : 0;
        u->seen.gateway.reachable = u->seen.described && u->n_unanswered == 0;
}

void gateway_unit_saw(struct gateway_unit *u, const struct gateway_state *state)
{
        struct gateway *g = &u->seen.gateway;

        TEXT_SET(g->boot_id, state->boot_id);
        g->epoch = state->epoch;
        g->seq = state->seq;
        digest_format(gateway_state_digest(state), u->seen.digest);
}

/* Describes the device once per boot: what it is does not change while it runs. */
static int describe(struct gateway_unit *u, const char *boot_id, int64_t deadline_mono_ms,
                    struct fault *why)
{
        int r;

        if (u->seen.described && strcmp(u->seen.gateway.boot_id, boot_id) == 0)
                return 0;
        r = u->driver->describe(u->handle, deadline_mono_ms, &u->seen.gateway, why);
        if (r != 0)
                return r;
        if (u->settings.mtu)
                u->seen.gateway.mtu = u->settings.mtu;
        u->seen.described = true;
        return 0;
}

void gateway_unit_look(struct gateway_unit *u, int64_t deadline_mono_ms)
{
        struct gateway_state state = { 0 };
        struct fault why = { 0 };
        int r = u->driver->read(u->handle, deadline_mono_ms, &state, &why);

        r = r ? r : describe(u, state.boot_id, deadline_mono_ms, &why);
        if (r == 0)
                gateway_unit_saw(u, &state);
        else if (r < 0)
                fault_set(&why, 503, "gateway.error", "The driver failed: %s.", err_trace());
        u->seen.looked = true;
        gateway_unit_answered(u, &why);
        if (r != 0)
                u->seen.gateway.reachable = false;
        gateway_state_done(&state);
}

static json_t *parsed(const char *text)
{
        json_t *value = json_loads(text, 0, NULL);

        return value ? value : json_null();
}

json_t *gateway_seen_to_report(const struct gateway_seen *seen)
{
        const struct gateway *g = &seen->gateway;
        json_auto_t *report =
                json_pack("{ss ss ss sI sI ss sb sb}", "name", g->name, "type", g->type, "domain",
                          g->domain, "capacity_to_wan_kbps", (json_int_t)g->capacity_to_wan_kbps,
                          "capacity_from_wan_kbps", (json_int_t)g->capacity_from_wan_kbps, "fence",
                          g->fence, "reachable", g->reachable, "observe_only", g->observe_only);
        json_auto_t *device = NULL;

        if (!report || !seen->described)
                return TAKE(report);
        device = json_pack("{ss sI so so ss ss sI sI}", "address", g->address, "mtu",
                           (json_int_t)g->mtu, "ranges", parsed(g->ranges), "capabilities",
                           parsed(g->capabilities), "boot_id", g->boot_id, "digest", seen->digest,
                           "epoch", (json_int_t)g->epoch, "seq", (json_int_t)g->seq);
        if (!device || json_object_update(report, device) != 0)
                return NULL;
        return TAKE(report);
}

json_t *gateway_seen_to_heartbeat(const struct gateway_seen *seen)
{
        const struct gateway *g = &seen->gateway;

        return json_pack("{ss ss ss sI sI sb}", "name", g->name, "boot_id", g->boot_id, "digest",
                         seen->digest, "epoch", (json_int_t)g->epoch, "seq", (json_int_t)g->seq,
                         "reachable", g->reachable);
}
