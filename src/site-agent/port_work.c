/* SPDX-License-Identifier: Apache-2.0 */
/* Commands by method: what lane each belongs to, who does it, and the event that answers it. */
#include "site-agent/port_work.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "base/text.h"
#include "model/fields.h"
#include "model/want.h"
#include "site-agent/apply_work.h"

static int do_apply(const struct port_work *w, struct port_event *ret, struct fault *why);
static int do_audit(const struct port_work *w, struct port_event *ret, struct fault *why);
static int do_plug(const struct port_work *w, struct port_event *ret, struct fault *why);

/* clang-format off */
static const struct method {
        const char *name, *event;
        enum port_lane lane;
        int (*handler)(const struct port_work *w, struct port_event *ret, struct fault *why);
} methods[] = {
        { "apply",  "ports_applied", LANE_GATEWAY, do_apply },
        { "audit",  "audited",       LANE_GATEWAY, do_audit },
        { "plug",   "plugged",       LANE_CLOUD,   do_plug },
        { "unplug", "unplugged",     LANE_CLOUD,   do_plug },
        { 0 },
};
/* clang-format on */

static const struct method *find_method(const char *name)
{
        for (const struct method *m = methods; m->name; m++)
                if (strcmp(m->name, name) == 0)
                        return m;
        return NULL;
}

enum port_lane port_work_lane(const char *method)
{
        const struct method *m = find_method(method);

        return m ? m->lane : LANE_NONE;
}

static const char *text_at(const json_t *object, const char *key)
{
        const char *text = json_string_value(json_object_get(object, key));

        return text ? text : "";
}

const char *port_work_gateway(const json_t *args)
{
        return text_at(args, "gateway");
}

const char *port_work_attachment(const json_t *args)
{
        return text_at(json_object_get(args, "attachment"), "id");
}

/* The clock of a command starts when it was received: it may begin until its expiration, and must
 * end within its timeout. */
static int64_t deadline_of(const struct port_work *w, int64_t timeout_ms)
{
        return w->command->received_mono_ms + timeout_ms;
}

static bool is_expired(const struct port_work *w, int64_t timeout_ms)
{
        int64_t expiration_ms = w->command->expiration_ms;
        int64_t patience = expiration_ms && expiration_ms < timeout_ms ? expiration_ms : timeout_ms;

        return w->now_mono_ms >= w->command->received_mono_ms + patience;
}

static void say_expired(struct port_event *ret)
{
        ret->expired = true;
        fault_set(&ret->fault, 503, "command.expired",
                  "The command's time was up when its turn came.");
        ret->fault.retry_after_ms = 1000;
}

/* ---- apply ---- */

/* Why nothing at all is applied at this gateway, or no fault. */
static void check_gateway(const struct port_work *w, const char *gateway, struct fault *ret)
{
        if (!w->unit)
                fault_set(ret, 404, "gateway.unknown", "Site %s has no gateway %s.", w->site->name,
                          gateway);
}

static bool is_quarantined(const struct gateway_unit *u)
{
        return u->quarantine_after && u->n_unanswered >= u->quarantine_after;
}

static int do_apply(const struct port_work *w, struct port_event *ret, struct fault *why)
{
        struct apply_want head;
        OWN(apply_result_done) struct apply_result result = { 0 };
        int r = apply_want_head_from_json(w->command->args, &head, why);

        if (r != 0)
                return PORT_WORK_UNREADABLE;
        check_gateway(w, head.gateway, &result.fault);
        if (is_expired(w, head.timeout_ms)) {
                fault_clear(&result.fault);
                result.expired = ret->expired = true;
        } else if (!fault_is_set(&result.fault) && is_quarantined(w->unit)) {
                fault_set(
                        &result.fault, 503, "gateway.quarantined",
                        "Gateway %s did not answer %d commands in a row; it is only looked at until it does.",
                        head.gateway, w->unit->n_unanswered);
                result.fault.retry_after_ms = 5000;
        }
        if (!result.expired) {
                r = apply_work(w, &head, deadline_of(w, head.timeout_ms), &result);
                if (r != 0)
                        return err_pass(r);
        }
        ret->fault = result.fault;
        ret->args = apply_result_to_json(&head, &result);
        return ret->args ? PORT_WORK_DONE : err_raise(-ENOMEM);
}

/* ---- audit ---- */

static json_t *pairs_to_json(const struct want_result *results, size_t n)
{
        json_auto_t *list = json_array();

        for (size_t i = 0; i < n; i++)
                if (results[i].present &&
                    json_array_append_new(list,
                                          json_pack("{ss sI}", "id", results[i].id, "generation",
                                                    (json_int_t)results[i].generation)) != 0)
                        return NULL;
        return TAKE(list);
}

static bool is_among(const char *const *vif_ids, size_t n, const char *vif_id)
{
        for (size_t i = 0; i < n; i++)
                if (strcmp(vif_ids[i], vif_id) == 0)
                        return true;
        return false;
}

/* The tenants' own; or with 'vif_ids' those that we made under one of them. */
static json_t *found_to_json(const struct policy *policy, const struct cloud_found *found, size_t n,
                             const char *const *vif_ids, size_t n_vif_ids)
{
        json_auto_t *list = json_array();
        char project[PROJECT_SIZE];

        for (size_t i = 0; i < n; i++) {
                if (found[i].made != (vif_ids != NULL) ||
                    (vif_ids && !is_among(vif_ids, n_vif_ids, found[i].vif_id)))
                        continue;
                policy_atlas_project(policy, found[i].project_id, project);
                if (json_array_append_new(
                            list, json_pack("{ss ss ss ss}", "vif_id", found[i].vif_id, "port_id",
                                            found[i].port_id, "network_id", found[i].network_id,
                                            "project_id", project)) != 0)
                        return NULL;
        }
        return TAKE(list);
}

static bool is_found(const struct cloud_found *found, size_t n, const char *vif_id)
{
        for (size_t i = 0; i < n; i++)
                if (strcmp(found[i].vif_id, vif_id) == 0)
                        return true;
        return false;
}

/* The VIF-IDs of 'list' that can be one. */
static size_t take_vif_ids(const json_t *list, const char **ret)
{
        struct vif_id parsed;
        const json_t *item;
        size_t n = 0, i;

        json_array_foreach (list, i, item)
                if (vif_id_parse(json_string_value(item), &parsed))
                        ret[n++] = json_string_value(item);
        return n;
}

/* Sets found_ports to tenants' own ports that carry one of the VIF-IDs nobody plugged yet, made_ports
 * to those that we made under them all the same, and gone to those VIF-IDs that were plugged and no port carries any more. A cloud that fails is told apart
 * as cloud_fault, for the gateway was read all the same. */
static int find_ports(const struct port_work *w, int64_t deadline_mono_ms, json_t *args)
{
        const json_t *loose = json_object_get(w->command->args, "vif_ids");
        const json_t *plugged = json_object_get(w->command->args, "plugged");
        size_t room = json_array_size(loose) + json_array_size(plugged) + 1, n_loose;
        OWN(mem_free) const char **vif_ids = calloc(room, sizeof *vif_ids);
        OWN(mem_free) struct cloud_found *found = NULL;
        struct fault why = { 0 };
        json_auto_t *gone = json_array();
        size_t n, n_found = 0;
        int r = CLOUD_DONE;

        if (!vif_ids || !gone)
                return err_raise(-ENOMEM);
        n_loose = take_vif_ids(loose, vif_ids);
        n = n_loose + take_vif_ids(plugged, vif_ids + n_loose);
        if (n > 0)
                r = w->cloud->driver->find(w->cloud->handle, vif_ids, n, deadline_mono_ms, &found,
                                           &n_found, &why);
        if (r < 0)
                return err_pass(r);
        if (r == CLOUD_FAILED) {
                n_found = 0;
                json_object_set_new(args, "cloud_fault", fault_to_json(&why));
        }
        for (size_t i = n_loose; r == CLOUD_DONE && i < n; i++)
                if (!is_found(found, n_found, vif_ids[i]))
                        json_array_append_new(gone, json_string(vif_ids[i]));
        if (json_object_set_new(args, "found_ports",
                                found_to_json(&w->site->policy, found, n_found, NULL, 0)) != 0 ||
            json_object_set_new(args, "made_ports",
                                found_to_json(&w->site->policy, found, n_found, vif_ids, n_loose)) !=
                    0)
                return err_raise(-ENOMEM);
        return json_object_set(args, "gone", gone) == 0 ? 0 : err_raise(-ENOMEM);
}

/* An audit takes its place in the order of commands: after it the device refuses older ones, so
 * that what was read stays true until a newer one, and heartbeats carry its pair. */
static int raise_fence(const struct port_work *w, const struct apply_want *head,
                       int64_t deadline_mono_ms, struct fault *why)
{
        const struct gateway_unit *u = w->unit;
        OWN(apply_result_done) struct apply_result nothing = { 0 };
        int r;

        if (u->settings.observe_only || u->driver->fence == GATEWAY_FENCE_NONE)
                return 0;
        r = u->driver->apply(u->handle, head, deadline_mono_ms, &nothing);
        *why = nothing.fault;
        return r < 0 ? err_pass(r) : 0;
}

static int read_gateway(const struct port_work *w, const struct apply_want *head,
                        int64_t deadline_mono_ms, struct gateway_state *ret, struct fault *why)
{
        int r = raise_fence(w, head, deadline_mono_ms, why);

        if (r == 0 && !fault_is_set(why))
                r = w->unit->driver->read(w->unit->handle, deadline_mono_ms, ret, why);

        if (r < 0)
                return err_pass(r);
        gateway_unit_answered(w->unit, why);
        if (!fault_is_set(why))
                gateway_unit_saw(w->unit, ret);
        return 0;
}

static json_t *audited_to_json(const struct apply_want *head, const struct gateway_state *state,
                               const struct port_event *event)
{
        bool failed = fault_is_set(&event->fault);
        char digest[DIGEST_SIZE];
        json_auto_t *args = NULL;

        digest_format(gateway_state_digest(state), digest);
        args = json_pack("{ss sI sI ss ss so so sI s[]}", "gateway", head->gateway, "epoch",
                         (json_int_t)head->epoch, "seq", (json_int_t)head->seq, "boot_id",
                         state->boot_id, "digest", failed ? "" : digest, "ports",
                         pairs_to_json(state->ports, state->n_ports), "attachments",
                         pairs_to_json(state->attachments, state->n_attachments), "unknown",
                         (json_int_t)state->n_unknown, "found_ports");
        if (args && failed && json_object_set_new(args, "fault", fault_to_json(&event->fault)) != 0)
                return NULL;
        if (args && event->expired && json_object_set_new(args, "expired", json_true()) != 0)
                return NULL;
        return TAKE(args);
}

/* Sets `described`: what the ids of `describe` are, where they are there. A gateway that cannot tell
 * says nothing. */
static int describe_objects(const struct port_work *w, int64_t deadline_mono_ms, json_t *args)
{
        const json_t *list = json_object_get(w->command->args, "describe"), *item;
        size_t n = 0, n_details = 0, i;
        OWN(mem_free) const char **ids = calloc(json_array_size(list) + 1, sizeof *ids);
        OWN(mem_free) struct object_detail *details = NULL;
        json_auto_t *described = json_array();
        struct fault why = { 0 };
        int r;

        if (!ids || !described)
                return err_raise(-ENOMEM);
        json_array_foreach (list, i, item)
                if (json_is_string(item))
                        ids[n++] = json_string_value(item);
        if (!n)
                return 0;
        r = w->unit->driver->details(w->unit->handle, ids, n, deadline_mono_ms, &details, &n_details,
                                     &why);
        if (r != 0)
                return r < 0 ? err_pass(r) : 0;
        for (i = 0; i < n_details; i++) {
                if (!details[i].link_id[0])
                        apply_work_vif_id(w, details[i].id, details[i].number, details[i].vif_id);
                if (json_array_append_new(described, object_detail_to_json(&details[i])) != 0)
                        return err_raise(-ENOMEM);
        }
        return json_object_set(args, "described", described) == 0 ? 0 : err_raise(-ENOMEM);
}

static int do_audit(const struct port_work *w, struct port_event *ret, struct fault *why)
{
        struct apply_want head;
        struct gateway_state state = { 0 };
        int r = apply_want_head_from_json(w->command->args, &head, why);

        if (r != 0)
                return PORT_WORK_UNREADABLE;
        if (is_expired(w, head.timeout_ms))
                say_expired(ret);
        else if (!w->unit)
                check_gateway(w, head.gateway, &ret->fault);
        else
                r = read_gateway(w, &head, deadline_of(w, head.timeout_ms), &state, &ret->fault);
        if (r == 0) {
                ret->args = audited_to_json(&head, &state, ret);
                r = ret->args ? 0 : err_raise(-ENOMEM);
        }
        if (r == 0 && !fault_is_set(&ret->fault))
                r = describe_objects(w, deadline_of(w, head.timeout_ms), ret->args);
        if (r == 0 && !fault_is_set(&ret->fault))
                r = find_ports(w, deadline_of(w, head.timeout_ms), ret->args);
        gateway_state_done(&state);
        return r;
}

/* ---- plug and unplug ---- */

struct plug_head {
        char gateway[GATEWAY_NAME_SIZE];
        int64_t timeout_ms;
};
struct plug_address {
        char id[ID_SIZE];
        int64_t generation;
};
/* clang-format off */
static const struct field plug_head_fields[] = {
        FIELD(struct plug_head, gateway, FIELD_NAME, JSON_REQUIRED),
        FIELD_RANGE(struct plug_head, timeout_ms, JSON_REQUIRED, 1, 3600000),
        { 0 },
};
static const struct field plug_address_fields[] = {
        FIELD(struct plug_address, id, FIELD_ID, JSON_REQUIRED),
        FIELD_RANGE(struct plug_address, generation, JSON_REQUIRED, 0, INT64_MAX),
        { 0 },
};
/* clang-format on */

static bool is_plug(const struct port_work *w)
{
        return strcmp(w->command->method, "plug") == 0;
}

static int call_cloud(const struct port_work *w, struct plug_want *want, int64_t deadline_mono_ms,
                      struct plug_result *ret, struct fault *why)
{
        const struct gateway_unit *u = w->unit;
        char interface[32] = "", project[PROJECT_SIZE];
        struct cloud_spot spot = {
                .gateway = u->name,
                .interface = interface,
                .host = u->driver->host(u->handle),
                .agent_host = *u->settings.agent_host ? u->settings.agent_host : u->name,
        };
        int r;

        policy_cloud_project(&w->site->policy, want->project_id, project);
        TEXT_SET(want->project_id, project);
        u->driver->access_interface(u->handle, want->tag, interface);
        if (is_plug(w) ? FAILPOINT("agent.before_plug") : FAILPOINT("agent.before_unplug"))
                return fault_set(why, 503, "cloud.unreachable", "Failpoint.") ? CLOUD_FAILED : 0;
        if (is_plug(w))
                r = w->cloud->driver->plug(w->cloud->handle, want, &spot, deadline_mono_ms, ret,
                                           why);
        else
                r = w->cloud->driver->unplug(w->cloud->handle, want, &spot, deadline_mono_ms, why);
        if (is_plug(w) ? FAILPOINT("agent.after_plug") : FAILPOINT("agent.after_unplug"))
                return fault_set(why, 503, "cloud.unreachable", "Failpoint.") ? CLOUD_FAILED : 0;
        return r;
}

/* Fills ret->fault, or 'result'. */
static int plug_or_unplug(const struct port_work *w, const struct plug_head *head,
                          struct plug_result *result, struct port_event *ret)
{
        struct plug_want want;
        int r;

        check_gateway(w, head->gateway, &ret->fault);
        if (is_expired(w, head->timeout_ms))
                say_expired(ret);
        if (fault_is_set(&ret->fault))
                return 0;
        if (plug_want_from_json(json_object_get(w->command->args, "attachment"), &want,
                                &ret->fault) != WANT_OK)
                return 0;
        if (is_plug(w) &&
            !policy_allows_project(&w->site->policy, w->site->name, want.project_id, &ret->fault))
                return 0;
        r = call_cloud(w, &want, deadline_of(w, head->timeout_ms), result, &ret->fault);
        if (r == CLOUD_FAILED && !fault_is_set(&ret->fault))
                fault_set(&ret->fault, 500, "cloud.error",
                          "The cloud's driver failed unexplained.");
        return r < 0 ? err_pass(r) : 0;
}

static json_t *plugged_to_json(const struct port_work *w, const struct plug_head *head,
                               const struct plug_address *address, const struct plug_result *result,
                               const struct port_event *event)
{
        json_auto_t *args = json_pack("{ss ss sI}", "gateway", head->gateway, "attachment_id",
                                      address->id, "generation", (json_int_t)address->generation);
        int r = args ? 0 : -1;

        if (r == 0 && fault_is_set(&event->fault))
                r = json_object_set_new(args, "fault", fault_to_json(&event->fault));
        if (r == 0 && event->expired)
                r = json_object_set_new(args, "expired", json_true());
        if (r == 0 && is_plug(w))
                r = json_set_text(args, "neutron_port_id", result->neutron_port_id);
        if (r == 0 && is_plug(w))
                r = json_set_text(args, "network_id", result->network_id);
        return r == 0 ? TAKE(args) : NULL;
}

static int do_plug(const struct port_work *w, struct port_event *ret, struct fault *why)
{
        struct plug_head head;
        struct plug_address address;
        struct plug_result result = { 0 };
        int r;

        if (!fields_read(w->command->args, plug_head_fields, &head, why) ||
            !fields_read(json_object_get(w->command->args, "attachment"), plug_address_fields,
                         &address, why))
                return PORT_WORK_UNREADABLE;
        r = plug_or_unplug(w, &head, &result, ret);
        if (r != 0)
                return r;
        ret->args = plugged_to_json(w, &head, &address, &result, ret);
        return ret->args ? PORT_WORK_DONE : err_raise(-ENOMEM);
}

int port_work_run(const struct port_site *site, struct gateway_unit *unit,
                  const struct port_cloud *cloud, const struct port_command *command,
                  int64_t now_mono_ms, struct port_event *ret, struct fault *why)
{
        const struct port_work w = { site, unit, cloud, command, now_mono_ms };
        const struct method *m = find_method(command->method);
        struct port_event event = { 0 };
        int r;

        if (!m) {
                fault_set(why, 400, "message.unknown_method", "There is no command %s.",
                          command->method);
                return PORT_WORK_UNREADABLE;
        }
        event.method = m->event;
        r = m->handler(&w, &event, why);
        if (r != 0) {
                json_decref(event.args);
                return r;
        }
        *ret = event;
        return PORT_WORK_DONE;
}
