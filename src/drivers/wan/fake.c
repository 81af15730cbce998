/* SPDX-License-Identifier: Apache-2.0 */
/* The fake WAN driver. Its memory is one JSON document: {"calls", "violations", "circuits": {link:
 * {"want", "whole", "call"?: {"want", "ready_ms", "half"}}}, "newest": {port: generation}}. */
#include "drivers/wan/fake.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"

struct settings {
        int64_t latency_ms;
        bool limits_bandwidth, changes_live;
        char *state_file, *control_file;
};
struct wan_handle {
        struct settings settings; /* texts are owned */
        bool real_time;
        struct injection injection;
        struct control_file control;
        json_t *memory;
};

/* clang-format off */
static const struct setting fake_settings[] = {
        { "wan:", "latency_ms", SETTING_INT, offsetof(struct settings, latency_ms), "0", 0, 600000,
          "fake: milliseconds that a call which changes something takes" },
        { "wan:", "limits_bandwidth", SETTING_BOOL, offsetof(struct settings, limits_bandwidth), "true", 0, 0,
          "fake: whether the WAN can hold a circuit to its bandwidth" },
        { "wan:", "changes_live", SETTING_BOOL, offsetof(struct settings, changes_live), "true", 0, 0,
          "fake: whether the WAN can change the bandwidth of a circuit that works" },
        { "wan:", "state_file", SETTING_TEXT, offsetof(struct settings, state_file), "", 0, 0,
          "fake: file that is the WAN's memory, for several conductors and restarts; empty: forgotten with the process" },
        { "wan:", "control_file", SETTING_TEXT, offsetof(struct settings, control_file), "", 0, 0,
          "fake: JSON file that tells the WAN to fail; read when it changes" },
        { 0 },
};
/* clang-format on */

static void fake_close(struct wan_handle *h)
{
        if (!h)
                return;
        json_decref(h->memory);
        config_done(fake_settings, &h->settings);
        free(h);
}

static void own_fake_close(struct wan_handle **h)
{
        fake_close(*h);
}

static json_t *memory_new(void)
{
        return json_pack("{s:i, s:i, s:{}, s:{}}", "calls", 0, "violations", 0, "circuits",
                         "newest");
}

static int handle_new(const struct config_file *file, const char *domain, struct wan_handle **ret,
                      struct fault *why)
{
        __attribute__((cleanup(own_fake_close))) struct wan_handle *h = calloc(1, sizeof *h);
        int r = h ? config_apply(file, fake_settings, domain, &h->settings, why)
                  : err_raise(-ENOMEM);

        if (r != 0)
                return r;
        h->memory = memory_new();
        if (!h->memory)
                return err_raise(-ENOMEM);
        h->control.path = h->settings.control_file;
        h->injection.latency_ms = h->settings.latency_ms;
        *ret = TAKE(h);
        return 0;
}

static int fake_open(const struct config_file *file, const char *domain, struct wan_handle **ret,
                     struct fault *why)
{
        int r = handle_new(file, domain, ret, why);

        if (r == 0)
                (*ret)->real_time = true;
        return r;
}

int fake_wan_new(uint32_t can, struct wan_handle **ret)
{
        int r = handle_new(NULL, NULL, ret, NULL);

        if (r != 0)
                return r < 0 ? r : err_raise(-EINVAL);
        (*ret)->settings.limits_bandwidth = can & WAN_CAN_LIMIT;
        (*ret)->settings.changes_live = can & WAN_CAN_CHANGE;
        return 0;
}

static uint32_t fake_can(const struct wan_handle *h)
{
        return (h->settings.limits_bandwidth ? WAN_CAN_LIMIT : 0u) |
               (h->settings.changes_live ? WAN_CAN_CHANGE : 0u);
}

/* ---- what every verb does first, and the memory around it ---- */

static int fail(struct fault *why, int code, const char *type, const char *message,
                int64_t retry_after_ms)
{
        fault_set(why, code, type, "%s", message);
        if (why)
                why->retry_after_ms = retry_after_ms;
        return WAN_FAILED;
}

/* Obeys the control file; false with 'why' when the verb ends here. The latency is not the verb's
 * but the call's. */
static bool enter(struct wan_handle *h, int64_t deadline_mono_ms, struct fault *why)
{
        json_auto_t *doc = NULL;
        struct injection now;
        int r = control_file_read(&h->control, &doc, why);

        if (r == 0 && doc) {
                r = injection_from_json(doc, &h->injection, why);
                if (r == 0 && !json_object_get(doc, "latency_ms"))
                        h->injection.latency_ms = h->settings.latency_ms;
        }
        if (r < 0)
                fail(why, 500, "wan.error", strerror(-r), 0);
        now = h->injection;
        now.latency_ms = 0;
        return r == 0 && injection_enter(&now, "wan", h->real_time, deadline_mono_ms, why);
}

static int64_t number(const json_t *object, const char *key)
{
        return json_integer_value(json_object_get(object, key));
}

static void count(struct wan_handle *h, const char *key)
{
        json_object_set_new(h->memory, key, json_integer(number(h->memory, key) + 1));
}

static int64_t now_ms(const struct wan_handle *h)
{
        return h->real_time ? clock_wall_ms() : 0;
}

static bool same_access(const json_t *a, const json_t *b)
{
        return json_equal(json_object_get(a, "site"), json_object_get(b, "site")) &&
               json_equal(json_object_get(a, "gateway"), json_object_get(b, "gateway")) &&
               json_equal(json_object_get(a, "tag"), json_object_get(b, "tag"));
}

/* Two circuits of one VPN may come out of one access side, those of two may not. */
static bool is_taken(const struct wan_handle *h, const json_t *want)
{
        json_t *other;
        const char *id;

        json_object_foreach (json_object_get(h->memory, "circuits"), id, other) {
                const json_t *theirs = json_object_get(other, "want");

                if (!theirs ||
                    json_equal(json_object_get(theirs, "vpn_id"), json_object_get(want, "vpn_id")))
                        continue;
                for (size_t i = 0; i < SIDE_N * SIDE_N; i++)
                        if (same_access(
                                    json_array_get(json_object_get(want, "ends"), i / SIDE_N),
                                    json_array_get(json_object_get(theirs, "ends"), i % SIDE_N)))
                                return true;
        }
        return false;
}

/* A call whose time has come ends, whether somebody waits for it or not. */
static void call_end(struct wan_handle *h, const char *link_id, json_t *circuit)
{
        json_t *call = json_object_get(circuit, "call");
        json_t *want = json_object_get(call, "want");
        bool half = json_is_true(json_object_get(call, "half"));
        bool present = json_is_true(json_object_get(want, "present"));

        if (present && is_taken(h, want))
                count(h, "violations");
        if (present)
                json_object_set(circuit, "want", want);
        json_object_set_new(circuit, "whole", json_boolean(!half));
        json_object_del(circuit, "call");
        if (!present && (!half || !json_object_get(circuit, "want")))
                json_object_del(json_object_get(h->memory, "circuits"), link_id);
}

static void calls_end(struct wan_handle *h)
{
        json_t *circuits = json_object_get(h->memory, "circuits"), *circuit;
        const char *id;
        void *next;

        json_object_foreach_safe(circuits, next, id, circuit)
        {
                const json_t *call = json_object_get(circuit, "call");

                if (call && number(call, "ready_ms") <= now_ms(h))
                        call_end(h, id, circuit);
        }
}

/* Takes the memory's lock and reads it, where it is a file. */
static int memory_lock(struct wan_handle *h, int *ret_fd)
{
        json_t *doc = NULL;
        int fd = -1, r;

        *ret_fd = -1;
        if (*h->settings.state_file) {
                r = state_file_lock(h->settings.state_file, &fd);
                r = r ? r : state_file_load(h->settings.state_file, &doc);
                if (r == 0 && !doc)
                        doc = memory_new();
                if (r != 0 || !doc) {
                        state_file_unlock(fd);
                        return r ? r : err_raise(-ENOMEM);
                }
                json_decref(h->memory);
                h->memory = doc;
                *ret_fd = fd;
        }
        calls_end(h);
        return 0;
}

static int memory_unlock(struct wan_handle *h, int fd, bool store)
{
        int r = store && fd >= 0 ? state_file_store(h->settings.state_file, h->memory) : 0;

        state_file_unlock(fd);
        return r;
}

static int device_error(struct fault *why, int r)
{
        return r == -ENOMEM ? err_pass(r) : fail(why, 500, "wan.error", strerror(-r), 0);
}

/* ---- calls ---- */

/* Older desires than one that was begun before must never come. */
static void note_order(struct wan_handle *h, const struct circuit_want *want)
{
        json_t *newest = json_object_get(h->memory, "newest");
        const char *port = want->ends[SIDE_A].port_id;

        if (want->generation < number(newest, port))
                count(h, "violations");
        json_object_set_new(newest, port, json_integer(want->generation));
}

static void call_begin(struct wan_handle *h, const struct circuit_want *want, json_t *document)
{
        json_t *circuits = json_object_get(h->memory, "circuits");
        json_t *circuit = json_object_get(circuits, want->link_id);

        if (!circuit) {
                circuit = json_object();
                json_object_set_new(circuits, want->link_id, circuit);
        }
        count(h, "calls");
        note_order(h, want);
        json_object_set_new(
                circuit, "call",
                json_pack("{s:O, s:I, s:b}", "want", document, "ready_ms",
                          (json_int_t)(now_ms(h) + (h->real_time ? h->injection.latency_ms : 0)),
                          "half", h->injection.half));
        calls_end(h);
}

/* One look at the memory: begins the call for 'document', unless it is under way or done.
 * '*ret_ms': when to look again; 0: it is done. */
static int look(struct wan_handle *h, const struct circuit_want *want, json_t *document,
                bool *begun, int64_t *ret_ms)
{
        const json_t *circuit, *call;
        int fd = -1, r = memory_lock(h, &fd);

        if (r != 0)
                return r;
        circuit = json_object_get(json_object_get(h->memory, "circuits"), want->link_id);
        call = json_object_get(circuit, "call");
        if (call && json_equal(json_object_get(call, "want"), document)) {
                *begun = true; /* by us, or by one who died */
        } else if (!call && !*begun) {
                call_begin(h, want, document);
                *begun = true;
        }
        circuit = json_object_get(json_object_get(h->memory, "circuits"), want->link_id);
        call = json_object_get(circuit, "call");
        *ret_ms = call ? number(call, "ready_ms") : 0;
        return memory_unlock(h, fd, true);
}

static int call_and_wait(struct wan_handle *h, const struct circuit_want *want,
                         int64_t deadline_mono_ms, struct fault *why)
{
        json_auto_t *document = circuit_want_to_json(want);
        bool begun = false;
        int64_t ready_ms = 0;

        for (;;) {
                int64_t left_ms = h->real_time ? deadline_mono_ms - clock_mono_ms() : 1;
                int r;

                if (left_ms <= 0) /* nothing is begun either: another may have been asked since */
                        return fail(why, 503, "wan.timeout", "The fake WAN is still at work.",
                                    1000);
                r = document ? look(h, want, document, &begun, &ready_ms) : -ENOMEM;
                if (r != 0)
                        return device_error(why, r);
                if (begun && !ready_ms)
                        break;
                ready_ms -= now_ms(h);
                poll(NULL, 0, (int)(ready_ms < 1 ? 1 : ready_ms < left_ms ? ready_ms : left_ms));
        }
        return h->injection.half ? fail(why, 503, "wan.unreachable",
                                        "The session to the fake WAN broke half way.", 1000)
                                 : WAN_DONE;
}

static int change(struct wan_handle *h, const struct circuit_want *want, int64_t deadline_mono_ms,
                  struct fault *why)
{
        const char *refused;

        if (!enter(h, deadline_mono_ms, why))
                return WAN_FAILED;
        refused = injection_refuses(&h->injection, want->link_id);
        if (refused)
                return fail(why, 409, "wan.refused", refused, 0);
        return h->injection.lie ? WAN_DONE : call_and_wait(h, want, deadline_mono_ms, why);
}

/* ---- verbs ---- */

static void state_of(const json_t *circuit, struct circuit_state *ret)
{
        struct circuit_want want = { 0 };
        bool there =
                circuit_want_from_json(json_object_get(circuit, "want"), &want, NULL) == CIRCUIT_OK;
        bool whole = json_is_true(json_object_get(circuit, "whole"));

        *ret = (struct circuit_state){
                .present = there && whole,
                .partial = there && !whole,
                .working = json_object_get(circuit, "call") != NULL,
                .a_to_z_kbps = want.a_to_z_kbps,
                .z_to_a_kbps = want.z_to_a_kbps,
                .mtu = want.mtu,
        };
        memcpy(ret->ends, want.ends, sizeof ret->ends);
}

static int fake_read(struct wan_handle *h, const char *link_id, int64_t deadline_mono_ms,
                     struct circuit_state *ret, struct fault *why)
{
        int fd = -1, r;

        if (!enter(h, deadline_mono_ms, why))
                return WAN_FAILED;
        r = memory_lock(h, &fd);
        if (r == 0) {
                state_of(json_object_get(json_object_get(h->memory, "circuits"), link_id), ret);
                r = memory_unlock(h, fd, true);
        }
        return r ? device_error(why, r) : WAN_DONE;
}

static int fake_ensure(struct wan_handle *h, const struct circuit_want *want,
                       int64_t deadline_mono_ms, struct fault *why)
{
        struct circuit_state found = { 0 };
        int r = fake_read(h, want->link_id, deadline_mono_ms, &found, why);

        if (r != 0)
                return r;
        if (found.present && !found.working && !(fake_can(h) & WAN_CAN_CHANGE) &&
            (found.a_to_z_kbps != want->a_to_z_kbps || found.z_to_a_kbps != want->z_to_a_kbps))
                return fail(why, 409, "wan.cannot_change",
                            "The WAN cannot change the bandwidth of a circuit that works.", 0);
        return change(h, want, deadline_mono_ms, why);
}

const struct wan_driver wan_fake = {
        .name = "fake",
        .settings = fake_settings,
        .open = fake_open,
        .close = fake_close,
        .can = fake_can,
        .ensure = fake_ensure,
        .absent = change,
        .read = fake_read,
};

/* ---- for tests and the simulation ---- */

struct injection *fake_wan_injection(struct wan_handle *h)
{
        return &h->injection;
}

int64_t fake_wan_violations(const struct wan_handle *h)
{
        return number(h->memory, "violations");
}

int64_t fake_wan_calls(const struct wan_handle *h)
{
        return number(h->memory, "calls");
}

size_t fake_wan_count(const struct wan_handle *h)
{
        return json_object_size(json_object_get(h->memory, "circuits"));
}

const char *fake_wan_next(const struct wan_handle *h, const char *link_id)
{
        json_t *circuits = json_object_get(h->memory, "circuits");
        void *at = link_id ? json_object_iter_next(circuits, json_object_key_to_iter(link_id))
                           : json_object_iter(circuits);

        return at ? json_object_iter_key(at) : NULL;
}

void fake_wan_lose(struct wan_handle *h, const char *link_id)
{
        json_object_del(json_object_get(h->memory, "circuits"), link_id);
}
