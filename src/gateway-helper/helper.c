/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway-helper/helper.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "base/text.h"
#include "gateway-helper/gate.h"
#include "gateway-helper/plug.h"
#include "gateway-helper/survey.h"
#include "model/json.h"

enum { ROUNDS_MAX = 5, TIMEOUT_MAX_MS = 3600000 };
enum { ANSWER_OK, ANSWER_FAULT };

/* One request at work. */
struct job {
        struct place at;
        struct fence fence;
        struct found found;
        int lock;
};

static void job_done(struct job *j)
{
        found_done(&j->found);
        if (j->lock >= 0)
                close(j->lock);
}

static void own_job_done(struct job *j)
{
        job_done(j);
}

/* What Linux takes for an interface, Open vSwitch for a bridge, and no tool for an option. */
static bool read_interface_name(const json_t *request, const char *key, char ret[INTERFACE_SIZE],
                                struct fault *why)
{
        int64_t number;

        if (!json_read_text(request, key, JSON_REQUIRED, ret, INTERFACE_SIZE, why))
                return false;
        if (isalnum((unsigned char)ret[0]) && role_of(ret, &number) == ROLE_NONE &&
            strspn(ret, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
                    strlen(ret))
                return true;
        fault_set(why, 400, "message.invalid", "%s is not a name for an interface.", key);
        return false;
}

static bool read_place(const json_t *request, struct place *ret, struct fault *why)
{
        int64_t timeout_ms;

        if (!read_interface_name(request, "bridge", ret->bridge, why) ||
            !read_interface_name(request, "wan_port", ret->wan_port, why) ||
            !json_read_text(request, "state_dir", JSON_REQUIRED, ret->state_dir,
                            sizeof ret->state_dir, why) ||
            !json_read_int(request, "timeout_ms", JSON_REQUIRED, 1, TIMEOUT_MAX_MS, &timeout_ms,
                           why))
                return false;
        if (ret->state_dir[0] != '/') {
                fault_set(why, 400, "message.invalid", "state_dir must be an absolute path.");
                return false;
        }
        ret->deadline_mono_ms = clock_mono_ms() + timeout_ms;
        return true;
}

static int look(struct job *j, struct fault *why)
{
        int r;

        found_done(&j->found);
        r = survey(&j->at, &j->found, why);
        return r < 0 ? err_pass(r) : r;
}

/* The fence as the file has it; when that is lost, the newest command that left a record. */
static int know_fence(struct job *j)
{
        int r = gate_fence_read(j->at.state_dir, &j->fence);

        if (r != GATE_NO_FENCE)
                return r;
        for (size_t i = 0; i < j->found.n; i++) {
                const struct record *record = &j->found.devices[i]->record;
                const struct fence f = { record->epoch, record->seq };

                if (fence_compare(&j->fence, &f) < 0)
                        j->fence = f;
        }
        return 0;
}

static int begin(struct job *j, struct fault *why)
{
        int r = gate_enter(j->at.state_dir, j->at.deadline_mono_ms, &j->lock, why);

        r = r ? r : look(j, why);
        r = r ? r : know_fence(j);
        if (r < 0)
                return err_pass(r);
        return r ? ANSWER_FAULT : ANSWER_OK;
}

/* ---- describe, read ---- */

static int describe(struct job *j, const json_t *request, json_t *ret, struct fault *why)
{
        char boot[64];
        int r = begin(j, why);

        (void)request;
        if (r != 0)
                return r;
        boot_id(boot);
        r = json_object_update_new(
                ret, json_pack("{ss sI ss sI sI}", "address", j->found.wan_address, "mtu",
                               (json_int_t)found_link_mtu(&j->found), "boot_id", boot, "epoch",
                               (json_int_t)j->fence.epoch, "seq", (json_int_t)j->fence.seq));
        return r == 0 ? ANSWER_OK : err_raise(-ENOMEM);
}

static int list_records(const struct found *f, enum record_kind kind, json_t *ret)
{
        for (size_t i = 0; i < f->n; i++) {
                const struct device *d = f->devices[i];
                bool whole;
                int r;

                if (d->record.kind != kind)
                        continue;
                r = plan_is_whole(f, d, &whole);
                if (r != 0)
                        return err_pass(r);
                if (json_array_append_new(ret,
                                          json_pack("{ss sI sb}", "id", d->record.id, "generation",
                                                    whole ? (json_int_t)d->record.generation : 0,
                                                    "present", 1)) != 0)
                        return err_raise(-ENOMEM);
        }
        return 0;
}

static int read_all(struct job *j, const json_t *request, json_t *ret, struct fault *why)
{
        json_t *ports = json_array(), *attachments = json_array();
        char boot[64];
        int r;

        (void)request;
        boot_id(boot);
        if (json_object_set_new(ret, "ports", ports) != 0 ||
            json_object_set_new(ret, "attachments", attachments) != 0)
                return err_raise(-ENOMEM);
        r = begin(j, why);
        r = r ? r : list_records(&j->found, RECORD_PORT, ports);
        r = r ? r : list_records(&j->found, RECORD_ATTACHMENT, attachments);
        if (r != 0)
                return r;
        r = json_object_update_new(ret, json_pack("{ss sI sI sI}", "boot_id", boot, "epoch",
                                                  (json_int_t)j->fence.epoch, "seq",
                                                  (json_int_t)j->fence.seq, "unknown",
                                                  (json_int_t)found_n_unknown(&j->found)));
        return r == 0 ? ANSWER_OK : err_raise(-ENOMEM);
}

static int detail_of(const struct device *d, struct object_detail *ret)
{
        const struct record *r = &d->record;

        if (r->kind != RECORD_PORT && r->kind != RECORD_ATTACHMENT)
                return 0;
        *ret = (struct object_detail){ .generation = r->generation, .number = d->number };
        TEXT_SET(ret->id, r->id);
        TEXT_SET(ret->vpn_id, r->vpn_id);
        if (r->kind == RECORD_ATTACHMENT)
                return 1;
        ret->peer_label = r->peer_label;
        ret->tx_kbps = r->tx_kbps;
        ret->rx_kbps = r->rx_kbps;
        ret->mtu = r->mtu;
        TEXT_SET(ret->link_id, r->link_id);
        TEXT_SET(ret->peer_address, r->peer_address);
        return 1;
}

static bool is_asked(const json_t *ids, const char *id)
{
        const json_t *item;
        size_t i;

        json_array_foreach (ids, i, item)
                if (json_is_string(item) && !strcmp(json_string_value(item), id))
                        return true;
        return false;
}

static int details(struct job *j, const json_t *request, json_t *ret, struct fault *why)
{
        const json_t *ids = json_object_get(json_object_get(request, "want"), "ids");
        json_t *list = json_array();
        struct object_detail detail;
        int r;

        if (json_object_set_new(ret, "objects", list) != 0)
                return err_raise(-ENOMEM);
        r = begin(j, why);
        for (size_t i = 0; i < j->found.n && r == 0; i++)
                if (detail_of(j->found.devices[i], &detail) && is_asked(ids, detail.id))
                        r = json_array_append_new(list, object_detail_to_json(&detail));
        return r == -1 ? err_raise(-ENOMEM) : r;
}

/* ---- apply ---- */

static int pass_fence(struct job *j, const struct apply_want *want, struct fault *why)
{
        const struct fence wanted = { want->epoch, want->seq };
        int order = fence_compare(&wanted, &j->fence);

        if (order >= 0)
                return gate_fence_write(j->at.state_dir, &wanted);
        fault_set(why, 409, "gateway.stale",
                  "The gateway has already seen a newer command than this one.");
        fault_details(why, "{\"epoch\": %lld, \"seq\": %lld}", (long long)j->fence.epoch,
                      (long long)j->fence.seq);
        return ANSWER_FAULT;
}

/* Looks, plans, works, until looking finds nothing left to do. What was found last is what was read
 * back. */
static int converge(struct job *j, const struct apply_want *want, struct verdict *verdicts,
                    struct fault *why)
{
        size_t n_verdicts = want->n_ports + want->n_attachments;
        int r = 0;

        for (int round = 0; r == 0; round++) {
                OWN(plan_done) struct plan plan = { 0 };

                r = round ? look(j, why) : 0;
                r = r ? r : plan_make(want, &j->found, j->at.bridge, verdicts, &plan);
                if (r != 0 || plan.n == 0 || round == ROUNDS_MAX)
                        break;
                r = carry_out(&j->at, &plan, verdicts, n_verdicts);
                (void)FAILPOINT("helper.after_round");
        }
        return r < 0 ? err_pass(r) : r;
}

static bool is_there(const struct found *f, enum record_kind kind, const char *id)
{
        for (size_t i = 0; i < f->n; i++)
                if (f->devices[i]->record.kind == kind && !strcmp(f->devices[i]->record.id, id))
                        return true;
        return false;
}

static void conclude(const struct found *f, enum record_kind kind, const char *id,
                     int64_t generation, const struct verdict *v, struct want_result *ret)
{
        TEXT_SET(ret->id, id);
        ret->generation = generation;
        ret->present = is_there(f, kind, id);
        if (v->settled)
                return;
        ret->fault = v->fault;
        if (!fault_is_set(&ret->fault))
                fault_set(&ret->fault, 500, "gateway.device_error",
                          "The gateway took the change, but what was read back is not as wanted.");
}

static int conclude_all(const struct found *f, const struct apply_want *want,
                        const struct verdict *verdicts, struct apply_result *ret)
{
        ret->ports = calloc(want->n_ports + 1, sizeof *ret->ports);
        ret->attachments = calloc(want->n_attachments + 1, sizeof *ret->attachments);
        if (!ret->ports || !ret->attachments)
                return err_raise(-ENOMEM);
        ret->n_ports = want->n_ports;
        ret->n_attachments = want->n_attachments;
        for (size_t i = 0; i < want->n_ports; i++)
                conclude(f, RECORD_PORT, want->ports[i].id, want->ports[i].generation, &verdicts[i],
                         &ret->ports[i]);
        for (size_t i = 0; i < want->n_attachments; i++)
                conclude(f, RECORD_ATTACHMENT, want->attachments[i].id,
                         want->attachments[i].generation, &verdicts[want->n_ports + i],
                         &ret->attachments[i]);
        return 0;
}

static int apply(struct job *j, const json_t *request, json_t *ret, struct fault *why)
{
        OWN(apply_want_done) struct apply_want want = { 0 };
        OWN(apply_result_done) struct apply_result result = { 0 };
        OWN(mem_free) struct verdict *verdicts = NULL;
        int r = apply_want_from_json(json_object_get(request, "want"), &want, why);

        if (r != 0)
                return r < 0 ? err_pass(r) : ANSWER_FAULT;
        verdicts = calloc(want.n_ports + want.n_attachments + 1, sizeof *verdicts);
        if (!verdicts)
                return err_raise(-ENOMEM);
        r = begin(j, why);
        r = r ? r : pass_fence(j, &want, why);
        r = r ? r : converge(j, &want, verdicts, why);
        r = r ? r : conclude_all(&j->found, &want, verdicts, &result);
        if (r != 0)
                return r;
        return json_object_update_new(ret, apply_result_to_json(&want, &result)) == 0
                       ? ANSWER_OK
                       : err_raise(-ENOMEM);
}

/* clang-format off */
static const struct verb {
        const char *name;
        int (*run)(struct job *j, const json_t *request, json_t *ret, struct fault *why);
} verbs[] = {
        { "describe", describe },
        { "read",     read_all },
        { "details",  details },
        { "apply",    apply },
        { 0 },
};
/* clang-format on */

static int run_verb(const struct verb *v, const json_t *request, json_t *ret, struct fault *why)
{
        __attribute__((cleanup(own_job_done))) struct job j = { .lock = -1 };

        return read_place(request, &j.at, why) ? v->run(&j, request, ret, why) : ANSWER_FAULT;
}

static json_t *fault_answer(int r, struct fault *why)
{
        if (r < 0 && !fault_is_set(why))
                fault_set(why, 500, "gateway.device_error", "The gateway's helper failed: %s.",
                          err_trace());
        return json_pack("{so}", "fault", fault_to_json(why));
}

json_t *helper_answer(const json_t *request)
{
        json_auto_t *answer = json_object();
        struct fault why = { 0 };
        char name[32] = "";
        const struct verb *v = verbs;
        int r;

        if (!json_read_text(request, "verb", JSON_REQUIRED, name, sizeof name, &why))
                return fault_answer(ANSWER_FAULT, &why);
        if (!strcmp(name, "plug") || !strcmp(name, "unplug") || !strcmp(name, "plugged"))
                return helper_plug(request);
        while (v->name && strcmp(v->name, name) != 0)
                v++;
        if (!v->name) {
                fault_set(&why, 400, "message.invalid", "verb: this helper knows no such verb.");
                return fault_answer(ANSWER_FAULT, &why);
        }
        r = run_verb(v, request, answer, &why);
        return r == ANSWER_OK ? TAKE(answer) : fault_answer(r, &why);
}
