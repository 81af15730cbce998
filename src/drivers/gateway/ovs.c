/* SPDX-License-Identifier: Apache-2.0 */
/* Each verb is one run of one constant command on the gateway host, atlas-gateway-helper, with JSON both ways. What is
 * done there, and how: src/gateway-helper. */
#include "drivers/gateway/ovs.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "drivers/gateway/ranges.h"
#include "drivers/ssh/ssh.h"
#include "model/json.h"

/* The helper gives up a quarter of the time before we do, but no more than this, so that its own word on it arrives. */
enum { MARGIN_MAX_MS = 2000 };

struct ovs_settings {
        struct ssh_target target;
        char *helper, *bridge, *wan_port, *state_dir, *label_range, *tag_range;
};
struct gateway_handle {
        struct ovs_settings settings;
        char name[GATEWAY_NAME_SIZE];
        char ranges[RANGES_SIZE];
        struct ssh_session *session;
};

#define AT(field) offsetof(struct ovs_settings, field)
/* clang-format off */
static const struct setting ovs_rows[] = {
        { "gateway:", "host", SETTING_TEXT, AT(target.host), NULL, 0, 0,
          "Address of the gateway host on the management network" },
        { "gateway:", "port", SETTING_INT, AT(target.port), "22", 1, 65535,
          "Its SSH port" },
        { "gateway:", "user", SETTING_TEXT, AT(target.user), "root", 0, 0,
          "User that runs the helper there; it has to be able to change interfaces" },
        { "gateway:", "key_file", SETTING_TEXT, AT(target.key_file), NULL, 0, 0,
          "File with the agent's private key (Ed25519 or ECDSA, no passphrase)" },
        { "gateway:", "host_key", SETTING_TEXT, AT(target.host_key), NULL, 0, 0,
          "The host's public key, \"ssh-ed25519 AAAA...\"; no other is accepted" },
        { "gateway:", "helper", SETTING_TEXT, AT(helper), "atlas-gateway-helper", 0, 0,
          "Command that starts the helper there" },
        { "gateway:", "bridge", SETTING_TEXT, AT(bridge), "br-atlas", 0, 0,
          "Bridge of Open vSwitch that is Cloud Atlas's own, with fail_mode=secure" },
        { "gateway:", "wan_port", SETTING_TEXT, AT(wan_port), "wan0", 0, 0,
          "Its port to the WAN; the port's MAC address is the gateway's address for its peers" },
        { "gateway:", "state_dir", SETTING_TEXT, AT(state_dir), "/var/lib/atlas-gateway-helper", 0, 0,
          "Folder on the gateway host where the helper keeps its lock and fence" },
        { "gateway:", "label_range", SETTING_LIST, AT(label_range), "16-1048575", 0, 0,
          "Labels that this gateway may receive with: FIRST-LAST[,FIRST-LAST]" },
        { "gateway:", "tag_range", SETTING_LIST, AT(tag_range), "1-4094", 0, 0,
          "Tags of its access side: FIRST-LAST[,FIRST-LAST]" },
        { 0 },
};
/* clang-format on */

static void ovs_close(struct gateway_handle *g)
{
        if (!g)
                return;
        ssh_session_free(g->session);
        config_done(ovs_rows, &g->settings);
        free(g);
}

static void own_ovs_close(struct gateway_handle **g)
{
        ovs_close(*g);
}

static int ovs_open(const struct config_file *file, const char *name, struct gateway_handle **ret,
                    struct fault *why)
{
        __attribute__((cleanup(own_ovs_close))) struct gateway_handle *g = calloc(1, sizeof *g);
        int r = g ? 0 : err_raise(-ENOMEM);

        r = r ? r : config_apply(file, ovs_rows, name, &g->settings, why);
        r = r ? r : ranges_to_json(g->settings.label_range, g->settings.tag_range, g->ranges,
                                   sizeof g->ranges, why);
        if (r != 0)
                return r;
        TEXT_SET(g->name, name);
        g->settings.target.name = g->name;
        r = ssh_session_new(&g->settings.target, &g->session);
        if (r != 0)
                return r;
        *ret = TAKE(g);
        return 0;
}

static int bad_answer(const struct gateway_handle *g, struct fault *why, const char *said)
{
        fault_set(why, 502, "gateway.bad_answer", "The helper on gateway %s gave no useful answer: %.*s.",
                  g->name, (int)strcspn(said, "\n"), said);
        return GATEWAY_FAILED;
}

/* Sends a request of 'verb' ('want' is taken, may be NULL) and gives the answer. */
static int ask(struct gateway_handle *g, const char *verb, json_t *want, int64_t deadline_mono_ms,
               json_t **ret, struct fault *why)
{
        const struct ovs_settings *s = &g->settings;
        int64_t left_ms = deadline_mono_ms - clock_mono_ms();
        int64_t timeout_ms = left_ms - (left_ms / 4 < MARGIN_MAX_MS ? left_ms / 4 : MARGIN_MAX_MS);
        json_auto_t *request = json_pack("{ss sI ss ss ss so*}", "verb", verb, "timeout_ms",
                                         (json_int_t)(timeout_ms > 1 ? timeout_ms : 1), "bridge", s->bridge,
                                         "wan_port", s->wan_port, "state_dir", s->state_dir, "want", want);
        OWN(mem_free) char *input = request ? json_dumps(request, JSON_COMPACT) : NULL;
        OWN(text_done) struct text out = { 0 };
        OWN(text_done) struct text err = { 0 };
        json_auto_t *answer = NULL;
        struct fault told;
        int status, r;

        if (!input)
                return err_raise(-ENOMEM);
        r = ssh_run(g->session, s->helper, input, strlen(input), deadline_mono_ms, &out, &err, &status, why);
        if (r != SSH_OK)
                return r < 0 ? err_pass(r) : GATEWAY_FAILED;
        answer = out.n ? json_loadb(out.bytes, out.n, JSON_REJECT_DUPLICATES, NULL) : NULL;
        if (status != 0 || !json_is_object(answer))
                return bad_answer(g, why, err.n ? err.bytes : "it ended without a word");
        if (fault_from_json(json_object_get(answer, "fault"), &told)) {
                if (why)
                        *why = told;
                return GATEWAY_FAILED;
        }
        *ret = TAKE(answer);
        return GATEWAY_DONE;
}

static int ovs_describe(struct gateway_handle *g, int64_t deadline_mono_ms, struct gateway *ret,
                        struct fault *why)
{
        json_auto_t *answer = NULL;
        struct gateway d = *ret;
        struct fault form;
        int r = ask(g, "describe", NULL, deadline_mono_ms, &answer, why);

        if (r != 0)
                return r;
        if (!json_read_text(answer, "address", JSON_REQUIRED, d.address, sizeof d.address, &form) ||
            !json_read_text(answer, "boot_id", JSON_REQUIRED, d.boot_id, sizeof d.boot_id, &form) ||
            !json_read_int(answer, "mtu", JSON_REQUIRED, 68, 65535, &d.mtu, &form) ||
            !json_read_int(answer, "epoch", JSON_REQUIRED, 0, INT64_MAX, &d.epoch, &form) ||
            !json_read_int(answer, "seq", JSON_REQUIRED, 0, INT64_MAX, &d.seq, &form))
                return bad_answer(g, why, form.message);
        TEXT_SET(d.ranges, g->ranges);
        TEXT_SET(d.capabilities, gateway_ovs.capabilities);
        TEXT_SET(d.fence, "device");
        *ret = d;
        return GATEWAY_DONE;
}

static bool same_objects(const struct apply_want *want, const struct apply_result *result)
{
        if (want->n_ports != result->n_ports || want->n_attachments != result->n_attachments)
                return false;
        for (size_t i = 0; i < want->n_ports; i++)
                if (strcmp(want->ports[i].id, result->ports[i].id) != 0)
                        return false;
        for (size_t i = 0; i < want->n_attachments; i++)
                if (strcmp(want->attachments[i].id, result->attachments[i].id) != 0)
                        return false;
        return true;
}

static int ovs_apply(struct gateway_handle *g, const struct apply_want *want,
                     int64_t deadline_mono_ms, struct apply_result *ret)
{
        OWN(apply_result_done) struct apply_result result = { 0 };
        json_auto_t *answer = NULL;
        struct fault form;
        int r = ask(g, "apply", apply_want_to_json(want), deadline_mono_ms, &answer, &result.fault);

        if (r == GATEWAY_DONE) {
                r = apply_result_from_json(answer, &result, &form);
                if (r == WANT_INVALID || (r == WANT_OK && !same_objects(want, &result))) {
                        apply_result_done(&result);
                        bad_answer(g, &result.fault, r ? form.message : "it speaks of other objects");
                }
        }
        if (r < 0)
                return err_pass(r);
        *ret = result;
        result = (struct apply_result){ 0 };
        return 0;
}

/* Both lists of an answer to `read` have the form of results. */
static int ovs_read(struct gateway_handle *g, int64_t deadline_mono_ms, struct gateway_state *ret,
                    struct fault *why)
{
        OWN(apply_result_done) struct apply_result lists = { 0 };
        json_auto_t *answer = NULL;
        struct gateway_state s = { 0 };
        struct fault form;
        int64_t n_unknown = 0;
        int r = ask(g, "read", NULL, deadline_mono_ms, &answer, why);

        if (r != 0)
                return r;
        if (!json_read_text(answer, "boot_id", JSON_REQUIRED, s.boot_id, sizeof s.boot_id, &form) ||
            !json_read_int(answer, "epoch", JSON_REQUIRED, 0, INT64_MAX, &s.epoch, &form) ||
            !json_read_int(answer, "seq", JSON_REQUIRED, 0, INT64_MAX, &s.seq, &form) ||
            !json_read_int(answer, "unknown", JSON_REQUIRED, 0, INT64_MAX, &n_unknown, &form))
                return bad_answer(g, why, form.message);
        r = apply_result_from_json(answer, &lists, &form);
        if (r != WANT_OK)
                return r < 0 ? err_pass(r) : bad_answer(g, why, form.message);
        s.n_unknown = (size_t)n_unknown;
        s.n_ports = lists.n_ports;
        s.n_attachments = lists.n_attachments;
        s.ports = TAKE(lists.ports);
        s.attachments = TAKE(lists.attachments);
        *ret = s;
        return GATEWAY_DONE;
}

static json_t *list_of(const char *const *ids, size_t n)
{
        json_t *list = json_array();

        for (size_t i = 0; i < n; i++)
                json_array_append_new(list, json_string(ids[i]));
        return json_pack("{so}", "ids", list);
}

static int ovs_details(struct gateway_handle *g, const char *const *ids, size_t n,
                       int64_t deadline_mono_ms, struct object_detail **ret, size_t *ret_n,
                       struct fault *why)
{
        OWN(mem_free) struct object_detail *details = NULL;
        json_auto_t *answer = NULL;
        const json_t *list, *item;
        struct fault form;
        size_t i;
        int r = ask(g, "details", list_of(ids, n), deadline_mono_ms, &answer, why);

        if (r != 0)
                return r;
        list = json_object_get(answer, "objects");
        details = calloc(json_array_size(list) + 1, sizeof *details);
        if (!details)
                return err_raise(-ENOMEM);
        json_array_foreach(list, i, item)
                if (object_detail_from_json(item, &details[i], &form) != WANT_OK)
                        return bad_answer(g, why, form.message);
        *ret_n = json_array_size(list);
        *ret = TAKE(details);
        return GATEWAY_DONE;
}

static void ovs_access_interface(struct gateway_handle *g, int64_t tag, char ret[32])
{
        (void)g;
        snprintf(ret, 32, "cav%lld", (long long)tag);
}

static const struct ssh_target *ovs_host(struct gateway_handle *g)
{
        return &g->settings.target;
}

const struct gateway_driver gateway_ovs = {
        .name = "ovs",
        .settings = ovs_rows,
        .fence = GATEWAY_FENCE_DEVICE,
        .capabilities = "[\"bandwidth\"]",
        .open = ovs_open,
        .close = ovs_close,
        .describe = ovs_describe,
        .apply = ovs_apply,
        .read = ovs_read,
        .details = ovs_details,
        .access_interface = ovs_access_interface,
        .host = ovs_host,
};
