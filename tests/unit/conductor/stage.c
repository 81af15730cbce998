/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include "base/log.h"
#include "base/text.h"
#include "base/uuid.h"
#include "messages/envelope.h"

static struct stage *the_stage; /* conductor.new_id has no argument of its own */

static void new_id(char ret[ID_SIZE])
{
        snprintf(ret, ID_SIZE, "11111111-1111-4111-8111-%012llx", (unsigned long long)++the_stage->next_id);
}

static enum sim_store_fate fate(void *user, enum sim_store_point at)
{
        struct stage *s = ((struct stage_conductor *)user)->stage;
        enum sim_store_fate told = s->commit_fate;

        if (at != SIM_COMMIT)
                return SIM_FINE;
        s->commit_fate = SIM_FINE;
        return told;
}

static void between(void *user)
{
        struct stage *s = ((struct stage_conductor *)user)->stage;
        void (*happens)(struct stage *) = s->between;

        s->between = NULL;
        if (happens)
                happens(s);
}

/* ---- playing ---- */

struct batch {
        struct stage *stage;
        struct input inputs[STAGE_INPUTS];
        const struct input *pointers[STAGE_INPUTS];
        struct request *requests[STAGE_INPUTS];
};

static void sent(void *user, struct outs *outs, const struct input *const *inputs, size_t n)
{
        struct stage *s = ((struct batch *)user)->stage;

        (void)inputs;
        (void)n;
        for (size_t i = 0; i < outs->n; i++) {
                const struct out *o = &outs->outs[i];

                if (o->kind == OUT_CAST) {
                        assert_true(s->n_casts < STAGE_CASTS);
                        s->casts[s->n_casts++] = json_pack("{ss ss sO}", "site", o->site, "method", o->method, "args", o->body);
                        continue;
                }
                s->n_answers++;
                json_decref(s->reply);
                s->reply = o->kind == OUT_REPLY ? json_incref(o->body) : NULL;
                s->fault = o->fault;
        }
}

static void bad(void *user, const struct input *input, const char *reason)
{
        (void)user;
        fail_msg("bad input %s: %s", input->request ? input->request->method : "timer", reason);
}

static int64_t now_ms(void *user)
{
        return ((struct batch *)user)->stage->now_ms;
}

static struct request *request_of(const struct stage *s, const struct stage_input *in)
{
        OWN(text_done) struct text bytes = { 0 };
        json_auto_t *args = json_loads(in->args, 0, NULL);
        json_auto_t *context = json_pack("{ss ss sb}", "project_id", s->project ? s->project : "red", "request_id",
                                         "req-22222222-2222-4222-8222-222222222222", "is_admin", !s->is_tenant);
        struct request *ret = NULL;

        if (!args)
                fail_msg("%s: not JSON: %s", in->method, in->args);
        assert_int_equal(request_encode(in->method, "1.0", args, context, NULL, NULL, &bytes), 0);
        assert_int_equal(request_decode(bytes.bytes, bytes.n, &ret, NULL), 0);
        return ret;
}

void stage_play(struct stage *s, int who, const struct stage_input *inputs, size_t n)
{
        struct batch b = { .stage = s };
        const struct conductor_sink sink = { .sent = sent, .bad = bad, .now_ms = now_ms, .user = &b };
        size_t done = 0;

        assert_true(n <= STAGE_INPUTS);
        for (size_t i = 0; i < n; i++) {
                const struct stage_input *in = &inputs[i];

                b.pointers[i] = &b.inputs[i];
                if (in->kind && in->kind != INPUT_CIRCUIT) {
                        b.inputs[i] = (struct input){ .kind = (enum input_kind)in->kind, .timer.kind = in->timer_kind };
                        TEXT_SET(b.inputs[i].timer.ref_id, in->ref_id);
                        continue;
                }
                b.requests[i] = request_of(s, in);
                b.inputs[i] = (struct input){ .kind = in->kind ? INPUT_CIRCUIT : in->site ? INPUT_EVENT : INPUT_REQUEST, .request = b.requests[i] };
                TEXT_SET(b.inputs[i].site, in->site);
        }
        assert_int_equal(conductor_work(&s->conductors[who].core, b.pointers, n, &sink, &done), CONDUCTOR_OK);
        assert_int_equal(done, n);
        for (size_t i = 0; i < n; i++)
                request_free(b.requests[i]);
}

void stage_forget(struct stage *s)
{
        while (s->n_casts > 0)
                json_decref(s->casts[--s->n_casts]);
}

/* ---- inputs ---- */

struct stage_input stage_ask(const char *method, const char *format, ...)
{
        struct stage_input ret = { .method = method };
        va_list args;

        va_start(args, format);
        vsnprintf(ret.args, sizeof ret.args, format, args);
        va_end(args);
        return ret;
}

struct stage_input stage_tell(const char *site, const char *method, const char *format, ...)
{
        struct stage_input ret = { .method = method, .site = site };
        va_list args;

        va_start(args, format);
        vsnprintf(ret.args, sizeof ret.args, format, args);
        va_end(args);
        return ret;
}

static json_t *results(const json_t *wants, const char *site)
{
        json_t *list = json_array(), *result;
        const json_t *want;
        size_t i;

        json_array_foreach (wants, i, want) {
                result = json_pack("{sO sO sO}", "id", json_object_get(want, "id"), "generation",
                                   json_object_get(want, "generation"), "present", json_object_get(want, "present"));
                if (json_object_get(want, "tag"))
                        json_object_set_new(result, "vif_id",
                                            json_sprintf("ca1:fake:gw-%s:1:%s", site,
                                                         json_string_value(json_object_get(want, "id"))));
                else if (the_stage->exchanges && json_is_true(json_object_get(want, "present")))
                        json_object_set_new(result, "object", json_sprintf("%s-%s", the_stage->exchanges, site));
                json_array_append_new(list, result);
        }
        return list;
}

struct stage_input stage_done(const json_t *cast)
{
        const json_t *args = json_object_get(cast, "args");
        const char *site = json_string_value(json_object_get(cast, "site"));
        json_auto_t *event = json_pack("{sO sO sO sb so so}", "gateway", json_object_get(args, "gateway"), "epoch",
                                       json_object_get(args, "epoch"), "seq", json_object_get(args, "seq"), "expired", 0,
                                       "ports", results(json_object_get(args, "ports"), site), "attachments",
                                       results(json_object_get(args, "attachments"), site));
        char *text = json_dumps(event, 0);
        struct stage_input ret;

        assert_non_null(text);
        ret = stage_tell(strcmp(site, "a") == 0 ? "a" : "z", "ports_applied", "%s", text);
        free(text);
        return ret;
}

struct stage_input stage_due(enum timer_kind kind, const char *ref_id)
{
        return (struct stage_input){ .kind = INPUT_TIMER, .timer_kind = kind, .ref_id = ref_id };
}

struct stage_input stage_create(const char *link_id, const char *key)
{
        return stage_ask("create_virtual_link",
                         "{\"virtual_link\": {\"id\": \"%s\", \"name\": \"l\", \"vpn_id\": \"" STAGE_VPN "\", \"endpoints\":"
                         " [{\"site_id\": \"a\"}, {\"site_id\": \"z\"}], \"bandwidth\": {\"a_to_z_kbps\": 1000,"
                         " \"z_to_a_kbps\": 1000}}, \"idempotency_key\": \"%s\", \"request_hash\": \"%s\"}",
                         link_id, key ? key : link_id, key ? "same" : link_id);
}

/* ---- looking ---- */

const json_t *stage_cast(const struct stage *s, const char *site, const char *method)
{
        for (size_t i = s->n_casts; i-- > 0;)
                if (strcmp(json_string_value(json_object_get(s->casts[i], "site")), site) == 0 &&
                    strcmp(json_string_value(json_object_get(s->casts[i], "method")), method) == 0)
                        return s->casts[i];
        return NULL;
}

const struct vlink *stage_link(const struct stage *s, const char *id)
{
        return sim_db_find(&s->db, T_VLINK, "id", id);
}

const struct gateway *stage_gateway(const struct stage *s, const char *site)
{
        return sim_db_find(&s->db, T_GATEWAY, "site_name", site);
}

const struct vport *stage_port(const struct stage *s, const char *link_id, enum side side)
{
        const struct vport *p;
        size_t at = 0;

        while ((p = sim_db_next(&s->db, T_VPORT, &at)))
                if (text_equal(p->link_id, link_id) && p->side == (int64_t)side)
                        return p;
        return NULL;
}

size_t stage_rows(const struct stage *s, int64_t row)
{
        const struct event *e;
        size_t at = 0, n = 0;

        while ((e = sim_db_next(&s->db, T_EVENT, &at)))
                n += e->row == row;
        return n;
}

void stage_active(struct stage *s, const char *link_id)
{
        struct stage_input answers[2], ask = stage_create(link_id, NULL);

        stage_forget(s);
        stage_play(s, 0, &ask, 1);
        answers[0] = stage_done(stage_cast(s, "a", "apply"));
        answers[1] = stage_done(stage_cast(s, "z", "apply"));
        stage_play(s, 0, answers, 2);
        assert_int_equal(stage_link(s, link_id)->provisioning, PROV_ACTIVE);
        stage_forget(s);
}

/* ---- the scene ---- */

static struct stage_input site_is_there(const char *site)
{
        return stage_tell(site, "discovered",
                          "{\"host\": \"h\", \"gateways\": [{\"name\": \"gw-%s\", \"type\": \"mpls\", \"domain\": \"wan\","
                          " \"address\": \"192.0.2.1\", \"capacity_to_wan_kbps\": 10000, \"capacity_from_wan_kbps\": 10000,"
                          " \"mtu\": 1500, \"ranges\": {\"label\": [[16, 19]], \"tag\": [[1, 9]]}, \"capabilities\":"
                          " [\"bandwidth\"%s], \"fence\": \"device\", \"boot_id\": \"boot\", \"epoch\": 0, \"seq\": 0,"
                          " \"reachable\": true}]}",
                          site, the_stage->exchanges ? ", \"exchange\"" : "");
}

void stage_discover(struct stage *s)
{
        struct stage_input in[] = { site_is_there("a"), site_is_there("z") };

        stage_play(s, 0, in, 2);
}

static void site_add(struct stage *s, const char *name)
{
        struct site row = { .created_ms = s->now_ms };

        new_id(row.id);
        TEXT_SET(row.name, name);
        assert_int_equal(sim_db_insert(&s->db, T_SITE, &row), 0);
}

int stage_setup(void **state)
{
        struct stage *s = the_stage = calloc(1, sizeof *s);
        struct stage_input in[] = {
                site_is_there("a"),
                site_is_there("z"),
                stage_ask("create_vpn", "{\"vpn\": {\"id\": \"" STAGE_VPN "\", \"name\": \"v\", \"type\": \"mpls\"}}"),
                stage_ask("add_site", "{\"vpn_id\": \"" STAGE_VPN "\", \"site_id\": \"a\"}"),
                stage_ask("add_site", "{\"vpn_id\": \"" STAGE_VPN "\", \"site_id\": \"z\"}"),
        };

        log_open("stage", LOG_LEVEL_ERROR);
        s->now_ms = 1700000000000;
        for (int i = 0; i < 2; i++) {
                struct stage_conductor *c = &s->conductors[i];

                c->stage = s;
                c->hooks = (struct sim_store_hooks){ .fate = fate, .between = between, .user = c };
                assert_int_equal(sim_store_new(&s->db, &c->hooks, &c->store), 0);
                conductor_init(&c->core, c->store, i + 1);
                c->core.new_id = new_id;
        }
        site_add(s, "a");
        site_add(s, "z");
        for (size_t i = 0; i < N_ELEMENTS(in); i++) {
                stage_play(s, 0, &in[i], 1);
                assert_int_equal(s->fault.code, 0);
        }
        stage_forget(s);
        *state = s;
        return 0;
}

int stage_teardown(void **state)
{
        struct stage *s = *state;

        stage_forget(s);
        json_decref(s->reply);
        for (int i = 0; i < 2; i++) {
                conductor_done(&s->conductors[i].core);
                store_free(s->conductors[i].store);
        }
        sim_db_done(&s->db);
        free(s);
        return 0;
}
