/* SPDX-License-Identifier: Apache-2.0 */
/* Sorts the wants of one `apply` into those for the device and those refused here, so that one bad
 * port never fails its neighbours; then puts the answers together again. */
#include "site-agent/apply_work.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/text.h"
#include "model/json.h"

struct sorted {
        struct apply_want sent;          /* to the device */
        size_t *port_at, *attachment_at; /* where the answer of each sent want belongs */
        struct apply_result *ret;        /* one result per want that can be answered */
};

static void sorted_done(struct sorted *s)
{
        apply_want_done(&s->sent);
        free(s->port_at);
        free(s->attachment_at);
}

static void own_sorted_done(struct sorted *s)
{
        sorted_done(s);
}

static int sorted_init(struct sorted *s, const struct apply_want *head, size_t n_ports,
                       size_t n_attachments, struct apply_result *ret)
{
        *s = (struct sorted){ .sent = *head, .ret = ret };
        s->sent.ports = calloc(n_ports + 1, sizeof *s->sent.ports);
        s->sent.attachments = calloc(n_attachments + 1, sizeof *s->sent.attachments);
        s->port_at = calloc(n_ports + 1, sizeof *s->port_at);
        s->attachment_at = calloc(n_attachments + 1, sizeof *s->attachment_at);
        ret->ports = calloc(n_ports + 1, sizeof *ret->ports);
        ret->attachments = calloc(n_attachments + 1, sizeof *ret->attachments);
        return s->sent.ports && s->sent.attachments && s->port_at && s->attachment_at &&
                               ret->ports && ret->attachments
                       ? 0
                       : err_raise(-ENOMEM);
}

/* The id and generation under which a want is answered; false, logged, when it cannot be. */
static bool address(const struct port_work *w, const json_t *item, struct want_result *ret)
{
        struct fault why;

        if (json_read_id(item, "id", JSON_REQUIRED, ret->id, &why) &&
            json_read_int(item, "generation", JSON_REQUIRED, 0, INT64_MAX, &ret->generation, &why))
                return true;
        log_warn("want_unreadable", "request=%s gateway=%s reason=\"%s\"",
                 w->command->request_id ? w->command->request_id : "-",
                 w->unit ? w->unit->name : "-", why.message);
        return false;
}

static void sort_port(const struct port_work *w, const json_t *item, struct sorted *s)
{
        struct want_result *result = &s->ret->ports[s->ret->n_ports];
        struct port_want *want = &s->sent.ports[s->sent.n_ports];
        bool fit;

        if (!address(w, item, result))
                return;
        fit = port_want_from_json(item, want, &result->fault) == WANT_OK &&
              (!want->present ||
               policy_allows_port(&w->site->policy, w->site->name, want, &result->fault));
        if (fit && want->present && strcmp(want->site, w->site->name) != 0) {
                fault_set(&result->fault, 400, "message.invalid", "site: is not %s.",
                          w->site->name);
                fit = false;
        }
        if (fit)
                s->port_at[s->sent.n_ports++] = s->ret->n_ports;
        s->ret->n_ports++;
}

static void sort_attachment(const struct port_work *w, const json_t *item, struct sorted *s)
{
        struct want_result *result = &s->ret->attachments[s->ret->n_attachments];
        struct attachment_want *want = &s->sent.attachments[s->sent.n_attachments];

        if (!address(w, item, result))
                return;
        if (attachment_want_from_json(item, want, &result->fault) == WANT_OK &&
            (!want->present || policy_allows_project(&w->site->policy, w->site->name,
                                                     want->project_id, &result->fault)))
                s->attachment_at[s->sent.n_attachments++] = s->ret->n_attachments;
        s->ret->n_attachments++;
}

static bool present_in(const struct want_result *found, size_t n, const char *id)
{
        for (size_t i = 0; i < n; i++)
                if (strcmp(found[i].id, id) == 0)
                        return found[i].present;
        return false;
}

/* What was refused here may still be there from before: the device is asked. */
static int look_for_refused(const struct port_work *w, int64_t deadline_mono_ms,
                            struct apply_result *ret)
{
        struct gateway_state state = { 0 };
        int r = w->unit->driver->read(w->unit->handle, deadline_mono_ms, &state, &ret->fault);

        if (r < 0)
                return err_pass(r);
        for (size_t i = 0; r == 0 && i < ret->n_ports; i++)
                if (fault_is_set(&ret->ports[i].fault))
                        ret->ports[i].present =
                                present_in(state.ports, state.n_ports, ret->ports[i].id);
        for (size_t i = 0; r == 0 && i < ret->n_attachments; i++)
                if (fault_is_set(&ret->attachments[i].fault))
                        ret->attachments[i].present = present_in(
                                state.attachments, state.n_attachments, ret->attachments[i].id);
        gateway_state_done(&state);
        return 0;
}

void apply_work_vif_id(const struct port_work *w, const char *attachment_id, int64_t tag,
                       char ret[VIF_ID_SIZE])
{
        struct vif_id vif = { .tag = tag };

        TEXT_SET(vif.driver, w->cloud->driver->name);
        TEXT_SET(vif.gateway, w->unit->name);
        TEXT_SET(vif.attachment_id, attachment_id);
        vif_id_format(&vif, ret);
}

static void name_attachments(const struct port_work *w, const struct sorted *s)
{
        for (size_t i = 0; i < s->sent.n_attachments; i++) {
                const struct attachment_want *want = &s->sent.attachments[i];
                struct want_result *result = &s->ret->attachments[s->attachment_at[i]];

                if (result->present && want->present)
                        apply_work_vif_id(w, want->id, want->tag, result->vif_id);
        }
}

static void log_results(const struct port_work *w, const struct apply_want *head, const char *what,
                        const struct want_result *results, size_t n)
{
        for (size_t i = 0; i < n; i++)
                log_debug("applied",
                          "request=%s gateway=%s %s=%s generation=%" PRId64
                          " present=%d fault=%s reason=\"%s\"",
                          w->command->request_id ? w->command->request_id : "-", head->gateway,
                          what, results[i].id, results[i].generation, results[i].present,
                          fault_is_set(&results[i].fault) ? results[i].fault.type : "-",
                          results[i].fault.message);
}

/* The driver's results in their places; a driver that answers for more or fewer is at fault. */
static void place(const struct sorted *s, const struct apply_result *answer)
{
        if (answer->n_ports != s->sent.n_ports || answer->n_attachments != s->sent.n_attachments) {
                fault_set(&s->ret->fault, 500, "gateway.driver_error",
                          "The gateway's driver left results out.");
                return;
        }
        for (size_t i = 0; i < answer->n_ports; i++)
                s->ret->ports[s->port_at[i]] = answer->ports[i];
        for (size_t i = 0; i < answer->n_attachments; i++)
                s->ret->attachments[s->attachment_at[i]] = answer->attachments[i];
}

static int send(const struct port_work *w, const struct sorted *s, int64_t deadline_mono_ms)
{
        OWN(apply_result_done) struct apply_result answer = { 0 };
        int r;

        if (FAILPOINT("agent.before_apply")) {
                fault_set(&s->ret->fault, 503, "gateway.unreachable", "Failpoint.");
                s->ret->fault.retry_after_ms = 1000;
                return 0;
        }
        r = w->unit->driver->apply(w->unit->handle, &s->sent, deadline_mono_ms, &answer);
        if (r < 0)
                return err_pass(r);
        gateway_unit_answered(w->unit, &answer.fault);
        s->ret->fault = answer.fault;
        if (!fault_is_set(&answer.fault))
                place(s, &answer);
        return 0;
}

static void compare(const struct port_work *w, bool wanted, const struct want_result *found,
                    size_t n, struct want_result *ret)
{
        bool equal = false;

        ret->present = present_in(found, n, ret->id);
        for (size_t i = 0; i < n; i++)
                equal |= found[i].present && strcmp(found[i].id, ret->id) == 0 &&
                         found[i].generation == ret->generation;
        if (wanted ? !equal : ret->present)
                fault_set(&ret->fault, 403, "gateway.observe_only",
                          "Gateway %s of site %s is only observed; its operator changes it.",
                          w->unit->name, w->site->name);
}

/* A gateway that is only observed stays as it is: what is as wanted is confirmed (so that a link
 * which never came to be there can be deleted), all else is refused. */
static int observe(const struct port_work *w, const struct sorted *s, int64_t deadline_mono_ms)
{
        struct apply_result *ret = s->ret;
        struct gateway_state state = { 0 };
        int r = w->unit->driver->read(w->unit->handle, deadline_mono_ms, &state, &ret->fault);

        if (r < 0)
                return err_pass(r);
        gateway_unit_answered(w->unit, &ret->fault);
        for (size_t i = 0; !fault_is_set(&ret->fault) && i < s->sent.n_ports; i++)
                compare(w, s->sent.ports[i].present, state.ports, state.n_ports,
                        &ret->ports[s->port_at[i]]);
        for (size_t i = 0; !fault_is_set(&ret->fault) && i < s->sent.n_attachments; i++)
                compare(w, s->sent.attachments[i].present, state.attachments, state.n_attachments,
                        &ret->attachments[s->attachment_at[i]]);
        gateway_state_done(&state);
        return 0;
}

/* The command failed as a whole: nothing is known of what it was about but that. */
static void blame(const struct fault *why, struct want_result *results, size_t n)
{
        for (size_t i = 0; fault_is_set(why) && i < n; i++)
                if (!fault_is_set(&results[i].fault)) {
                        results[i].present = false;
                        results[i].fault = *why;
                }
}

int apply_work(const struct port_work *w, const struct apply_want *head, int64_t deadline_mono_ms,
               struct apply_result *ret)
{
        const json_t *ports = json_object_get(w->command->args, "ports");
        const json_t *attachments = json_object_get(w->command->args, "attachments");
        __attribute__((cleanup(own_sorted_done))) struct sorted s = { 0 };
        bool all_sent, refused = fault_is_set(&ret->fault);
        int r = sorted_init(&s, head, json_array_size(ports), json_array_size(attachments), ret);

        if (r != 0)
                return r;
        for (size_t i = 0; i < json_array_size(ports); i++)
                sort_port(w, json_array_get(ports, i), &s);
        for (size_t i = 0; i < json_array_size(attachments); i++)
                sort_attachment(w, json_array_get(attachments, i), &s);
        if (!refused)
                r = w->unit->settings.observe_only ? observe(w, &s, deadline_mono_ms)
                                                   : send(w, &s, deadline_mono_ms);
        if (r != 0)
                return r;
        all_sent = s.sent.n_ports == ret->n_ports && s.sent.n_attachments == ret->n_attachments;
        if (!all_sent && !fault_is_set(&ret->fault))
                r = look_for_refused(w, deadline_mono_ms, ret);
        if (!refused)
                name_attachments(w, &s);
        blame(&ret->fault, ret->ports, ret->n_ports);
        blame(&ret->fault, ret->attachments, ret->n_attachments);
        log_results(w, head, "port", ret->ports, ret->n_ports);
        log_results(w, head, "attachment", ret->attachments, ret->n_attachments);
        return r;
}
