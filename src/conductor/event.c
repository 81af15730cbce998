/* SPDX-License-Identifier: Apache-2.0 */
/* The casts of a site's agents, and how their gateways are found. */
#include "conductor/event.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"

/* clang-format off */
const struct method event_methods[] = {
        /* name             kind         plan           refine           handle, needs_sites */
        { "ports_applied",  INPUT_EVENT, applied_plan,  names_refine,    applied_handle, false },
        { "plugged",        INPUT_EVENT, plugged_plan,  plugged_refine,  plugged_handle, false },
        { "unplugged",      INPUT_EVENT, plugged_plan,  plugged_refine,  unplugged_handle, false },
        { "heartbeat",      INPUT_EVENT, gateways_plan, gateways_refine, heartbeat_handle, false },
        { "discovered",     INPUT_EVENT, gateways_plan, gateways_refine, discovered_handle, false },
        { "audited",        INPUT_EVENT, audited_plan,  names_refine,    audited_handle, false },
        { 0 },
};
/* clang-format on */

static void gateway_key(const char *site, const char *name, char ret[SITE_SIZE + GATEWAY_NAME_SIZE])
{
        snprintf(ret, SITE_SIZE + GATEWAY_NAME_SIZE, "%.63s/%.63s", site, name);
}

/* Names never change, so what was once read needs no reading again. */
static int gateway_remember(struct conductor *c, const struct gateway *g)
{
        char key[SITE_SIZE + GATEWAY_NAME_SIZE];
        char *memory;
        int r;

        gateway_key(g->site_name, g->name, key);
        if (map_get(&c->gateway_ids, key))
                return 0;
        memory = calloc(1, sizeof key + ID_SIZE);
        if (!memory)
                return err_raise(-ENOMEM);
        memcpy(memory, key, sizeof key);
        memcpy(memory + sizeof key, g->id, ID_SIZE);
        r = map_set(&c->gateway_ids, memory, memory + sizeof key);
        if (r < 0)
                free(memory);
        return r;
}

static const char *gateway_id_known(struct turn *t, const char *site, const char *name)
{
        char key[SITE_SIZE + GATEWAY_NAME_SIZE];

        gateway_key(site, name, key);
        return map_get(&t->c->gateway_ids, key);
}

const char *event_gateway_known(struct turn *t, const struct input *in)
{
        return gateway_id_known(t, in->site, input_text(in, "gateway"));
}

int event_plan_gateway(struct turn *t, const struct input *in, const char *name)
{
        const char *id = name ? gateway_id_known(t, in->site, name) : NULL;

        return id ? idset_add(&t->plan.gateways, id)
                  : idset_add(&t->plan.gateways_of_site, in->site);
}

static const char *gateway_id_find(struct turn *t, const char *site, const char *name)
{
        const char *id = gateway_id_known(t, site, name);
        const struct gateway *g;
        size_t at = 0;

        while (!id && (g = view_next(&t->view, T_GATEWAY, &at)))
                if (text_equal(g->site_name, site) && text_equal(g->name, name))
                        return g->id;
        return id;
}

/* What was read is committed; a gateway that this batch makes is not, and may yet get another id.
 */
static int gateways_remember(struct turn *t, const char *site)
{
        const struct gateway *g;
        size_t at = 0;
        int r = 0;

        while (r == 0 && (g = view_next(&t->view, T_GATEWAY, &at)))
                if (text_equal(g->site_name, site))
                        r = gateway_remember(t->c, g);
        return r;
}

int names_refine(struct turn *t, const struct input *in)
{
        return event_gateway_known(t, in) ? 0 : gateways_remember(t, in->site);
}

int event_gateway(struct turn *t, const struct input *in, struct gateway **ret)
{
        static struct log_limit limit;
        const char *name = input_text(in, "gateway");
        const char *id = gateway_id_find(t, in->site, name);

        *ret = NULL;
        if (id)
                return lock_gateway(t, id, ret);
        if (log_allowed(&limit, 1000))
                log_warn("gateway_unknown", "site=%s gateway=%s method=%s", in->site, name,
                         in->request->method);
        return 0;
}

void held_change(struct gateway *g, const char *id, bool was, int64_t was_generation, bool is,
                 int64_t is_generation)
{
        char text[ID_SIZE + 24];
        uint64_t digest = (uint64_t)g->held_digest;

        if (was == is && was_generation == is_generation)
                return;
        if (was) {
                snprintf(text, sizeof text, "%s %" PRId64, id, was_generation);
                digest ^= digest_text(text);
        }
        if (is) {
                snprintf(text, sizeof text, "%s %" PRId64, id, is_generation);
                digest ^= digest_text(text);
        }
        g->held_digest = (int64_t)digest;
        view_dirty(g);
}

/* ---- discovered, heartbeat ---- */

int gateways_plan(struct turn *t, const struct input *in)
{
        const json_t *list = json_object_get(in->request->args, "gateways"), *j;
        size_t i;
        int r = idset_add(&t->plan.sites, in->site);

        json_array_foreach (list, i, j) {
                const char *name = json_string_value(json_object_get(j, "name"));

                r = r ? r : event_plan_gateway(t, in, name);
        }
        return r;
}

int gateways_refine(struct turn *t, const struct input *in)
{
        const json_t *list = json_object_get(in->request->args, "gateways"), *j;
        size_t i;
        int r = gateways_remember(t, in->site);

        json_array_foreach (list, i, j) {
                const char *name = json_string_value(json_object_get(j, "name"));
                const char *id = name ? gateway_id_find(t, in->site, name) : NULL;

                r = r ? r : idset_add(&t->plan.gateways, id);
        }
        return r;
}

static struct site *event_site(struct turn *t, const struct input *in)
{
        struct site *s;
        size_t at = 0;

        while ((s = view_next(&t->view, T_SITE, &at)))
                if (text_equal(s->name, in->site))
                        return s;
        return NULL;
}

static int gateway_event(struct turn *t, const struct gateway *g, const char *type,
                         const char *reason)
{
        struct event e = { 0 };

        TEXT_SET(e.object_type, "gateway");
        TEXT_SET(e.object_id, g->id);
        TEXT_SET(e.type, type);
        TEXT_SET(e.site, g->site_name);
        TEXT_SET(e.reason, reason);
        return event_put(t, &e);
}

/* A device that has seen a higher pair than our row proves that the row is from a restored
 * database: a new epoch, and nothing is believed until it was read. A new boot id means that the
 * gateway may have lost what it held. */
static int gateway_compare(struct turn *t, struct gateway *g, const char *boot_id, int64_t epoch,
                           int64_t seq)
{
        int r = 0;

        if (boot_id && *boot_id && !text_equal(g->boot_id, boot_id) && g->brake != BRAKE_RELEASED) {
                g->brake = BRAKE_RELEASED; /* that it holds nothing is no surprise */
                view_dirty(g);
        }
        if (epoch > g->epoch || (epoch == g->epoch && seq > g->seq)) {
                g->epoch = epoch + 1;
                g->audit_wanted = true;
                view_dirty(g);
                r = restore_suspect(t, g);
        } else if (boot_id && *boot_id && !text_equal(g->boot_id, boot_id) && !g->audit_wanted) {
                g->audit_wanted = true;
                view_dirty(g);
                r = gateway_event(
                        t, g, "gateway.restarted",
                        "The gateway restarted; what it holds is compared with what it should.");
        }
        if (g->audit_wanted || gateway_is_unread(t, g))
                r = r ? r : idset_add(&t->pump, g->id);
        return r;
}

static int gateway_take(struct turn *t, const struct input *in, const struct site *s,
                        const json_t *report)
{
        struct gateway reported = { 0 }, *g;
        struct fault why = { 0 };
        const char *id;
        int r = gateway_from_report(report, &reported, &why);

        if (r) {
                log_warn("gateway_report_invalid", "site=%s reason=\"%s\"", in->site, why.message);
                return 0;
        }
        id = gateway_id_find(t, in->site, reported.name);
        if (!id) {
                t->c->new_id(reported.id);
                TEXT_SET(reported.site_id, s->id);
                TEXT_SET(reported.site_name, s->name);
                if (reported.epoch || reported.seq) /* it has a past that no row tells */
                        reported.read_ms = READ_NEVER;
                else
                        gateway_was_read(t, &reported);
                reported.epoch = reported.epoch ? reported.epoch + 1 : 1;
                reported.seq = 0;
                reported.created_ms = t->now_ms;
                g = view_put(&t->view, T_GATEWAY, &reported);
                r = g ? gateway_event(t, g, "gateway.discovered", "") : err_raise(-ENOMEM);
                return r ? r : timer_set(t, TIMER_AUDIT, g->id, t->now_ms + t->c->timing.audit_ms);
        }
        r = lock_gateway(t, id, &g);
        if (r < 0)
                return r;
        r = gateway_compare(t, g, reported.boot_id, reported.epoch, reported.seq);
        {
                int64_t epoch = g->epoch, seq = g->seq;

                if (gateway_from_report(report, g, &why))
                        return err_raise(-EINVAL);
                g->epoch = epoch;
                g->seq = seq;
        }
        view_dirty(g);
        return r;
}

static int site_seen(struct turn *t, const struct input *in, struct site **ret)
{
        enum { SEEN_EVERY_MS = 10000 };
        struct site *s = event_site(t, in);
        struct event e = { 0 };

        *ret = s;
        if (!s) {
                log_warn("site_unknown", "site=%s method=%s", in->site, in->request->method);
                return 0;
        }
        if (t->now_ms - s->last_seen_ms < SEEN_EVERY_MS)
                return 0;
        TEXT_SET(e.object_type, "site");
        TEXT_SET(e.object_id, s->id);
        TEXT_SET(e.site, s->name);
        TEXT_SET(e.type, "site.heard");
        bool silent = site_is_silent(s, t->now_ms);

        s->last_seen_ms = t->now_ms;
        view_dirty(s);
        return silent ? event_put(t, &e) : 0;
}

int discovered_handle(struct turn *t, const struct input *in, struct fault *why)
{
        const json_t *list = json_object_get(in->request->args, "gateways"), *j;
        struct site *s;
        size_t i;
        int r = site_seen(t, in, &s);

        (void)why;
        if (r || !s)
                return r;
        json_array_foreach (list, i, j) {
                r = gateway_take(t, in, s, j);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Equal digests prove that the gateway holds what the rows say; they are compared only at rest. */
static int heartbeat_gateway(struct turn *t, struct gateway *g, const json_t *j)
{
        const char *boot_id = json_string_value(json_object_get(j, "boot_id"));
        const char *digest = json_string_value(json_object_get(j, "digest"));
        bool reachable = json_is_true(json_object_get(j, "reachable"));
        int64_t epoch = json_integer_value(json_object_get(j, "epoch"));
        int64_t seq = json_integer_value(json_object_get(j, "seq"));
        char held[DIGEST_SIZE];
        int r = reachable ? gateway_compare(t, g, boot_id, epoch, seq) : 0;

        if (g->reachable != reachable) {
                g->reachable = reachable;
                view_dirty(g);
        }
        if (reachable && g->inflight_seq && !g->inflight_by) /* it was given a pause, and is back */
                r = r ? r : gate_due(t, g->id);
        if (reachable && !g->inflight_seq && g->reason[0]) { /* nothing is asked of it any more */
                g->reason[0] = '\0';
                view_dirty(g);
        }
        digest_format((uint64_t)g->held_digest, held);
        if (reachable && digest && !g->inflight_seq && epoch == g->epoch && seq == g->seq) {
                if (!text_equal(digest, held) && !g->audit_wanted) {
                        g->audit_wanted = true;
                        r = r ? r : idset_add(&t->pump, g->id);
                        r = r ? r
                              : gateway_event(t, g, "gateway.drift",
                                              "The gateway does not hold what it should.");
                        view_dirty(g);
                } else if (t->now_ms - g->verified_ms > SITE_SILENT_AFTER_MS) {
                        g->verified_ms = t->now_ms;
                        view_dirty(g);
                }
        }
        return r;
}

int heartbeat_handle(struct turn *t, const struct input *in, struct fault *why)
{
        const json_t *list = json_object_get(in->request->args, "gateways"), *j;
        bool unknown = false;
        struct site *s;
        size_t i;
        int r = site_seen(t, in, &s);

        (void)why;
        json_array_foreach (list, i, j) {
                const char *name = json_string_value(json_object_get(j, "name"));
                const char *id = name ? gateway_id_find(t, in->site, name) : NULL;
                struct gateway *g = NULL;

                if (!id) {
                        unknown = true;
                        continue;
                }
                r = r ? r : lock_gateway(t, id, &g);
                r = r ? r : heartbeat_gateway(t, g, j);
        }
        if (r == 0 && unknown && s) {
                struct timer none = { 0 };

                r = out_cast(t, in->site, "discover", json_object(), "", 10000, &none);
        }
        return r;
}
