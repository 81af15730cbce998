/* SPDX-License-Identifier: Apache-2.0 */
/* A real atlas-api between a real PostgreSQL and a real RabbitMQ; the conductor is a script of the test. */
#include "support/unit.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/uuid.h"
#include "messages/topics.h"
#include "store/pg.h"
#include "store/tables.h"
#include "support/api.h"
#include "support/broker.h"
#include "support/database.h"

#define SITE_A "aaaaaaaa-0000-4000-8000-000000000001"
#define SITE_Z "aaaaaaaa-0000-4000-8000-000000000002"
#define GATEWAY_A "bbbbbbbb-0000-4000-8000-000000000001"
#define GATEWAY_Z "bbbbbbbb-0000-4000-8000-000000000002"
#define VPN "cccccccc-0000-4000-8000-000000000001"
#define LINK "dddddddd-0000-4000-8000-000000000001"
#define PORT_A "eeeeeeee-0000-4000-8000-000000000001"
#define PORT_Z "eeeeeeee-0000-4000-8000-000000000002"
#define OPERATION "ffffffff-0000-4000-8000-000000000001"
#define ATTACHMENT "99999999-0000-4000-8000-000000000001"
#define NOWHERE "00000000-0000-4000-8000-000000000000"
#define NETWORK "77777777-0000-4000-8000-000000000001"

static struct broker broker;
static struct database *db;
static struct api_process api;
static const char *const red[] = { "X-Project-Id: red", NULL };
static const char *const blue[] = { "X-Project-Id: blue", NULL };
static const char *const operator[] = { "X-Project-Id: ops", "X-Roles: member, admin", NULL };

/* ---- the conductor ---- */

enum script { REPLY, REFUSE, SILENT, WRITE_AND_SILENT };
static struct conductor {
        pthread_mutex_t lock;
        struct bus *bus;
        struct bus_consumer *consumer;
        enum script script;
        int n;
        char method[64];
        json_t *args, *context;
} conductor = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void put(enum store_table_id table, const void *row)
{
        OWN(store_free) struct store *s = NULL;

        assert_int_equal(store_pg_new(database_connection(db), 5, &s, NULL), 0);
        assert_int_equal(store_begin(s), STORE_OK);
        assert_int_equal(store_put(s, &store_tables[table], &row, 1), 0);
        assert_int_equal(store_commit(s), STORE_OK);
}

/* The object as a conductor would answer: what was sent, with an id. */
static json_t *object_of(const struct request *q)
{
        static const struct {
                const char *method, *envelope, *id;
        } methods[] = {
                { "vpn", "vpn", "vpn_id" },          { "site", "vpn", "vpn_id" },
                { "link", "virtual_link", "virtual_link_id" }, { "port", "virtual_port", "virtual_port_id" },
        };

        for (size_t i = 0; i < N_ELEMENTS(methods); i++) {
                json_t *inner = json_object_get(q->args, methods[i].envelope), *object;
                json_t *id = json_object_get(inner, "id");

                if (!strstr(q->method, methods[i].method))
                        continue;
                object = inner ? json_deep_copy(inner) : json_object();
                json_object_set(object, "id", id ? id : json_object_get(q->args, methods[i].id));
                return json_pack("{so}", methods[i].envelope, object);
        }
        return json_object();
}

static void on_delivery(struct bus_delivery *d, void *user)
{
        struct fault why = { 0 };
        enum script script;
        json_t *result;

        (void)user;
        pthread_mutex_lock(&conductor.lock);
        conductor.n++;
        script = conductor.script;
        TEXT_SET(conductor.method, d->request->method);
        json_decref(conductor.args);
        json_decref(conductor.context);
        conductor.args = json_deep_copy(d->request->args);
        conductor.context = json_deep_copy(d->request->context);
        pthread_mutex_unlock(&conductor.lock);
        if (script == REPLY) {
                result = object_of(d->request);
                bus_reply(conductor.bus, d->request, result);
                json_decref(result);
        } else if (script == REFUSE) {
                fault_set(&why, 409, "link.bandwidth_unavailable", "Only 5 kbit/s are left.");
                fault_details(&why, "{\"available_kbps\": 5}");
                bus_reply_fault(conductor.bus, d->request, &why);
        } else if (script == WRITE_AND_SILENT) {
                struct vpn v = { .project_id = "red", .name = "written", .type = "eth" };

                TEXT_SET(v.id, json_string_value(json_object_get(json_object_get(d->request->args, "vpn"), "id")));
                put(T_VPN, &v);
        }
        bus_settle(d, BUS_DONE, NULL);
}

static void play(enum script script)
{
        pthread_mutex_lock(&conductor.lock);
        conductor.script = script;
        pthread_mutex_unlock(&conductor.lock);
}

static bool consumer_ready(void *user)
{
        return bus_consumer_ready(user);
}

static void conductor_start(void)
{
        static const char *const queues[] = { TOPIC_CONDUCTOR, NULL };
        struct bus_consumer_spec spec = { .queues = queues, .prefetch = 10, .declare = true, .on_delivery = on_delivery };
        struct bus_settings settings = broker_settings(&broker);

        assert_int_equal(bus_new("test-conductor", &settings, &conductor.bus, NULL), 0);
        assert_int_equal(bus_consumer_new(conductor.bus, &spec, &conductor.consumer), 0);
        assert_true(wait_until(consumer_ready, conductor.consumer, 10000));
}

/* ---- what is in the database ---- */

static void put_site(const char *id, const char *name, int64_t seen_ms)
{
        struct site s = { .last_seen_ms = seen_ms, .created_ms = 1000 };

        TEXT_SET(s.id, id);
        TEXT_SET(s.name, name);
        put(T_SITE, &s);
}

static void put_gateway(const char *id, const char *site, const char *site_name)
{
        struct gateway g = { .name = "gw", .type = "eth", .domain = "wan", .ranges = "{}", .capabilities = "[]",
                             .fence = "device", .reachable = true, .mtu = 1500 };

        TEXT_SET(g.id, id);
        TEXT_SET(g.site_id, site);
        TEXT_SET(g.site_name, site_name);
        put(T_GATEWAY, &g);
}

static void put_port(const char *id, enum side side, const char *site, const char *gateway, const char *attachment)
{
        struct vport p = { .project_id = "red", .side = side, .label = 17, .present = true, .wanted = true };

        TEXT_SET(p.id, id);
        TEXT_SET(p.link_id, LINK);
        TEXT_SET(p.site_id, site);
        TEXT_SET(p.gateway_id, gateway);
        TEXT_SET(p.attachment_id, attachment);
        put(T_VPORT, &p);
}

static void put_event(const char *project, int64_t row, const char *to)
{
        struct event e = { .object_type = "virtual_link", .object_id = LINK, .operation_id = OPERATION,
                           .type = "operation.step", .row = row, .from = "ASKED", .at_ms = 1234567 };

        TEXT_SET(e.project_id, project);
        TEXT_SET(e.to, to);
        put(T_EVENT, &e);
}

static void put_rows(void)
{
        struct vpn v = { .id = VPN, .project_id = "red", .name = "grün & \"rot\"", .type = "eth", .revision_number = 3,
                         .updated_ms = 5000, .tags = "blue,red" };
        struct vpn_site member = { .vpn_id = VPN, .site_id = SITE_A };
        struct vlink l = { .id = LINK, .project_id = "red", .vpn_id = VPN, .pair_key = "p", .name = "one",
                           .a_to_z_kbps = 1000, .z_to_a_kbps = 2000, .provisioning = PROV_ACTIVE,
                           .admin_state_up = true, .ignored = "[]", .operation_id = OPERATION };
        struct attachment a = { .id = ATTACHMENT, .project_id = "red", .vpn_id = VPN, .vpn_key = "v", .site_id = SITE_A,
                                .gateway_id = GATEWAY_A, .tag = 7, .vif_id = "ca1:ovs:gw:7:x" };
        struct operation o = { .id = OPERATION, .project_id = "red", .link_id = LINK, .kind = OP_CREATE,
                               .state = "UP", .result = OP_DONE, .started_ms = 5, .finished_ms = 9 };

        put_site(SITE_A, "site-a", clock_wall_ms());
        put_site(SITE_Z, "site-z", clock_wall_ms());
        put_gateway(GATEWAY_A, SITE_A, "site-a");
        put_gateway(GATEWAY_Z, SITE_Z, "site-z");
        put(T_VPN, &v);
        put(T_VPN_SITE, &member);
        put(T_VLINK, &l);
        put(T_ATTACHMENT, &a);
        put_port(PORT_A, SIDE_A, SITE_A, GATEWAY_A, ATTACHMENT);
        put_port(PORT_Z, SIDE_Z, SITE_Z, GATEWAY_Z, "");
        put(T_OPERATION, &o);
        put_event("red", 101, "PORTS");
        put_event("red", 103, "UP");
        put_event("blue", 101, "PORTS");
}

static int start_all(void **state)
{
        (void)state;
        if (!broker_new(&broker))
                return -1;
        db = database_new();
        put_rows();
        conductor_start();
        api_start(&api, ATLAS_API, broker.url, database_connection(db), "rpc_response_timeout = 2\n");
        return 0;
}

static int stop_all(void **state)
{
        (void)state;
        if (api.pid)
                assert_int_equal(api_stop(&api), 0);
        bus_consumer_free(conductor.consumer);
        bus_free(conductor.bus);
        json_decref(conductor.args);
        json_decref(conductor.context);
        database_free(db);
        broker_remove(&broker);
        return 0;
}

/* ---- asking ---- */

static int get(const char *path, const char *const *who, json_t **ret)
{
        return api_ask(&api, "GET", path, who, NULL, ret, NULL);
}

static const char *text_at(const json_t *j, const char *outer, const char *key)
{
        const char *text = json_string_value(json_object_get(json_object_get(j, outer), key));

        return text ? text : "";
}

/* How many objects a list has; -1 when it was refused. */
static int count(const char *path, const char *const *who, const char *collection)
{
        json_auto_t *j = NULL;

        return get(path, who, &j) == 200 ? (int)json_array_size(json_object_get(j, collection)) : -1;
}

static bool health_is_200(void *user)
{
        (void)user;
        return get("/healthcheck", NULL, NULL) == 200;
}

static bool health_is_503(void *user)
{
        (void)user;
        return get("/healthcheck", NULL, NULL) == 503;
}

/* ---- tests ---- */

static void anybody_reads_versions_and_health(void **state)
{
        json_auto_t *versions = NULL, *version = NULL, *health = NULL;

        (void)state;
        assert_true(wait_until(health_is_200, NULL, 5000));
        assert_int_equal(get("/", NULL, &versions), 200);
        assert_string_equal(json_string_value(json_object_get(
                                    json_array_get(json_object_get(versions, "versions"), 0), "status")),
                            "CURRENT");
        assert_int_equal(get("/v1/", NULL, &version), 200);
        assert_string_equal(text_at(version, "version", "id"), "v1.0");
        assert_int_equal(get("/healthcheck", NULL, &health), 200);
        assert_string_equal(text_at(health, "dependencies", "database"), "ok");
        assert_string_equal(text_at(health, "dependencies", "bus"), "ok");
}

static void errors_have_one_shape(void **state)
{
        static const struct {
                const char *method, *path;
                bool named;
                int status;
                const char *type;
        } cases[] = {
                { "GET", "/v1/vpns", false, 401, "auth.no_project" },
                { "GET", "/nowhere", true, 404, "not_found" },
                { "GET", "/v1/vpns/" NOWHERE, true, 404, "not_found" },
                { "GET", "/v1/vpns/not-a-uuid", true, 404, "not_found" },
                { "GET", "/v1/vpns/%ff%zz", true, 404, "not_found" },
                { "GET", "/v1/sites/nowhere", true, 404, "not_found" },
                { "GET", "/v1/events/999999", true, 404, "not_found" },
                { "PATCH", "/v1/vpns", true, 405, "request.method_not_allowed" },
                { "DELETE", "/v1/sites", true, 405, "request.method_not_allowed" },
                { "GET", "/v1/vpns?colour=red", true, 400, "request.invalid_query" },
                { "GET", "/v1/vpns?limit=-1", true, 400, "request.invalid_query" },
                { "GET", "/v1/vpns?marker=x", true, 400, "request.invalid_query" },
                { "GET", "/v1/vpns?name=%ff", true, 400, "request.invalid_query" },
                { "GET", "/v1/vpns?revision_number=x", true, 400, "request.invalid_query" },
                { "GET", "/v1/vpns?all_projects=true", true, 403, "policy.forbidden" },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                json_auto_t *j = NULL;
                OWN(text_done) struct text headers = { 0 };
                int status = api_ask(&api, cases[i].method, cases[i].path, cases[i].named ? red : NULL, NULL, &j, &headers);
                const char *request;
                char value[80];

                if (status != cases[i].status)
                        fail_msg("%s %s: %d", cases[i].method, cases[i].path, status);
                assert_string_equal(text_at(j, "error", "type"), cases[i].type);
                assert_int_equal(json_integer_value(json_object_get(json_object_get(j, "error"), "code")), status);
                assert_true(*text_at(j, "error", "message"));
                assert_true(*text_at(j, "error", "title"));
                assert_true(json_is_object(json_object_get(json_object_get(j, "error"), "details")));
                request = text_at(j, "error", "request_id");
                assert_true(text_starts(request, "req-") && uuid_valid(request + 4));
                assert_non_null(strstr(headers.bytes, request));
                if (status == 405) {
                        struct http_reply reply = { .headers = headers };

                        assert_true(http_reply_header(&reply, "Allow", value, sizeof value));
                        assert_non_null(strstr(value, "GET"));
                }
        }
}

static void each_object_is_shown_with_what_belongs_to_it(void **state)
{
        json_auto_t *site = NULL, *gateway = NULL, *vpn = NULL, *link = NULL, *port = NULL, *op = NULL, *seen = NULL;
        json_t *steps, *endpoints;

        (void)state;
        assert_int_equal(get("/v1/sites/site-a", blue, &site), 200);
        assert_string_equal(text_at(site, "site", "id"), SITE_A);
        assert_int_equal(get("/v1/sites/" SITE_A ".json", blue, NULL), 200);
        assert_int_equal(get("/v1/gateways/" GATEWAY_A, blue, &gateway), 200);
        assert_string_equal(text_at(gateway, "gateway", "name"), "gw");
        assert_int_equal(get("/v1/vpns/" VPN, red, &vpn), 200);
        assert_string_equal(text_at(vpn, "vpn", "name"), "grün & \"rot\"");
        assert_string_equal(json_string_value(json_array_get(
                                    json_object_get(json_object_get(vpn, "vpn"), "site_ids"), 0)),
                            SITE_A);
        assert_int_equal(get("/v1/virtual-links/" LINK, red, &link), 200);
        assert_string_equal(text_at(link, "virtual_link", "status"), "ACTIVE");
        endpoints = json_object_get(json_object_get(link, "virtual_link"), "endpoints");
        assert_string_equal(json_string_value(json_object_get(json_array_get(endpoints, 0), "site_id")), SITE_A);
        assert_string_equal(json_string_value(json_object_get(json_array_get(endpoints, 1), "virtual_port_id")), PORT_Z);
        assert_int_equal(get("/v1/virtual-ports/" PORT_A, red, &port), 200);
        assert_string_equal(text_at(port, "virtual_port", "vif_id"), "ca1:ovs:gw:7:x");
        assert_null(json_object_get(json_object_get(port, "virtual_port"), "label"));
        assert_int_equal(get("/v1/virtual-ports/" PORT_A, operator, &seen), 200);
        assert_int_equal(json_integer_value(json_object_get(json_object_get(seen, "virtual_port"), "label")), 17);
        assert_int_equal(get("/v1/operations/" OPERATION, red, &op), 200);
        steps = json_object_get(json_object_get(op, "operation"), "steps");
        assert_int_equal(json_array_size(steps), 3);
        assert_int_equal(json_integer_value(json_object_get(json_array_get(steps, 1), "row")), 103);
        assert_string_equal(json_string_value(json_object_get(json_array_get(steps, 0), "from")), "ASKED");
        assert_non_null(json_object_get(json_array_get(steps, 0), "at"));
}

static void a_project_sees_only_what_is_its_own(void **state)
{
        static const char *const paths[] = { "/v1/vpns/" VPN, "/v1/virtual-links/" LINK, "/v1/virtual-ports/" PORT_A,
                                             "/v1/operations/" OPERATION };
        static const char *const lists[][2] = { { "/v1/vpns", "vpns" },
                                                { "/v1/virtual-links", "virtual_links" },
                                                { "/v1/virtual-ports", "virtual_ports" },
                                                { "/v1/operations", "operations" } };
        char path[100];

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(paths); i++) {
                json_auto_t *foreign = NULL, *missing = NULL;
                char *slash, a[600], b[600];

                assert_int_equal(get(paths[i], red, NULL), 200);
                assert_int_equal(get(paths[i], operator, NULL), 200);
                assert_int_equal(get(paths[i], blue, &foreign), 404);
                snprintf(path, sizeof path, "%s", paths[i]);
                slash = strrchr(path, '/');
                snprintf(slash + 1, 37, "%s", NOWHERE);
                assert_int_equal(get(path, blue, &missing), 404);
                /* But for the id that was asked for, the two answers are the same. */
                snprintf(a, sizeof a, "%s", text_at(foreign, "error", "message"));
                snprintf(b, sizeof b, "%s", text_at(missing, "error", "message"));
                memcpy(strstr(a, strrchr(paths[i], '/') + 1), NOWHERE, 36);
                assert_string_equal(a, b);
                assert_string_equal(text_at(foreign, "error", "type"), text_at(missing, "error", "type"));
        }
        for (size_t i = 0; i < N_ELEMENTS(lists); i++) {
                assert_true(count(lists[i][0], red, lists[i][1]) > 0);
                assert_int_equal(count(lists[i][0], blue, lists[i][1]), 0);
                assert_int_equal(count(lists[i][0], operator, lists[i][1]), 0);
                snprintf(path, sizeof path, "%s?all_projects=true", lists[i][0]);
                assert_true(count(path, operator, lists[i][1]) > 0);
                snprintf(path, sizeof path, "%s?project_id=red", lists[i][0]);
                assert_int_equal(count(path, blue, lists[i][1]), 0);
        }
        assert_int_equal(count("/v1/events", red, "events"), 2);
        assert_int_equal(count("/v1/events", blue, "events"), 1);
}

static void lists_are_filtered_trimmed_and_paged(void **state)
{
        static const struct {
                const char *query;
                int n;
        } cases[] = {
                { "", 2 },
                { "?name=site-a", 1 },
                { "?name=site-a&name=site-z", 2 },
                { "?name=site-a&id=" SITE_Z, 0 },
                { "?name=nowhere", 0 },
                { "?id=not-a-uuid", 0 },
                { "?alive=true", 2 },
                { "?alive=false", 0 },
                { "?description=", 2 },
                { "?limit=0", 2 },
                { "?marker=" SITE_A, 1 },
                { "?sort_key=id&sort_dir=asc", 2 },
        };
        json_auto_t *page = NULL, *next = NULL;
        json_t *first, *link;
        const char *href;
        char path[200];

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                snprintf(path, sizeof path, "/v1/sites%s", cases[i].query);
                if (count(path, red, "sites") != cases[i].n)
                        fail_msg("%s", path);
        }
        assert_int_equal(count("/v1/virtual-links?status=ACTIVE&provisioning_status=ACTIVE&status=ERROR", red,
                               "virtual_links"), 1);
        assert_int_equal(count("/v1/virtual-links?status=ERROR", red, "virtual_links"), 0);
        assert_int_equal(count("/v1/virtual-links?provisioning_status=ERROR", red, "virtual_links"), 0);
        assert_int_equal(count("/v1/virtual-links?provisioning_status=NONSENSE", red, "virtual_links"), 0);
        assert_int_equal(count("/v1/virtual-links?admin_state_up=true", red, "virtual_links"), 1);
        assert_int_equal(count("/v1/vpns?name=gr%C3%BCn+%26+%22rot%22", red, "vpns"), 1);
        assert_int_equal(count("/v1/operations?type=create&status=done", red, "operations"), 1);
        assert_int_equal(count("/v1/events?row=103", red, "events"), 1);
        assert_int_equal(get("/v1/sites?limit=1&fields=id&fields=name&alive=true", red, &page), 200);
        first = json_array_get(json_object_get(page, "sites"), 0);
        assert_int_equal(json_object_size(first), 2);
        link = json_array_get(json_object_get(page, "sites_links"), 0);
        href = json_string_value(json_object_get(link, "href"));
        assert_string_equal(json_string_value(json_object_get(link, "rel")), "next");
        assert_true(text_starts(href, api.base));
        assert_int_equal(get(href + strlen(api.base), red, &next), 200);
        assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(next, "sites"), 0), "name")),
                            "site-z");
        /* The last page leads back only. */
        assert_int_equal(json_array_size(json_object_get(next, "sites_links")), 1);
        link = json_array_get(json_object_get(next, "sites_links"), 0);
        assert_string_equal(json_string_value(json_object_get(link, "rel")), "previous");
        json_decref(page);
        assert_int_equal(get(json_string_value(json_object_get(link, "href")) + strlen(api.base), red, &page), 200);
        assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(page, "sites"), 0), "name")),
                            "site-a");
        link = json_array_get(json_object_get(page, "sites_links"), 0);
        assert_string_equal(json_string_value(json_object_get(link, "rel")), "next");
        assert_int_equal(json_array_size(json_object_get(page, "sites_links")), 1);
}

static void a_silent_site_makes_its_links_unknown(void **state)
{
        json_auto_t *silent = NULL, *back = NULL;

        (void)state;
        put_site(SITE_Z, "site-z", clock_wall_ms() - 60000);
        for (int64_t until = clock_mono_ms() + 5000; clock_mono_ms() < until;) {
                json_decref(silent);
                assert_int_equal(get("/v1/virtual-links/" LINK, red, &silent), 200);
                if (strcmp(text_at(silent, "virtual_link", "status"), "UNKNOWN") == 0)
                        break;
        }
        assert_string_equal(text_at(silent, "virtual_link", "status"), "UNKNOWN");
        assert_string_equal(text_at(silent, "virtual_link", "operating_status"), "UNKNOWN");
        put_site(SITE_Z, "site-z", clock_wall_ms());
        for (int64_t until = clock_mono_ms() + 5000; clock_mono_ms() < until;) {
                json_decref(back);
                assert_int_equal(get("/v1/virtual-links/" LINK, red, &back), 200);
                if (strcmp(text_at(back, "virtual_link", "status"), "ACTIVE") == 0)
                        break;
        }
        assert_string_equal(text_at(back, "virtual_link", "status"), "ACTIVE");
}

#define BANDWIDTH "\"bandwidth\":{\"a_to_z_kbps\":1,\"z_to_a_kbps\":2}"
#define ENDS "\"endpoints\":[{\"site_id\":\"site-a\",\"network_id\":\"" NETWORK "\"},{\"site_id\":\"" SITE_Z "\"}]"
#define LINK_BODY "{\"virtual_link\":{\"vpn_id\":\"" VPN "\"," ENDS "," BANDWIDTH ",\"project_id\":\"red\"}}"

static void each_change_is_one_call_to_a_conductor(void **state)
{
        static const struct {
                const char *method, *path, *body;
                int status;
                const char *call;
                const char *location; /* begins with */
        } cases[] = {
                /* clang-format off */
                { "POST", "/v1/vpns", "{\"vpn\":{\"name\":\"n\",\"type\":\"eth\"}}", 201, "create_vpn", "/v1/vpns/" },
                { "PUT", "/v1/vpns/" VPN, "{\"vpn\":{\"name\":\"m\"}}", 200, "update_vpn", NULL },
                { "PUT", "/v1/vpns/" VPN "/add_site", "{\"site_id\":\"site-a\"}", 200, "add_site", NULL },
                { "PUT", "/v1/vpns/" VPN "/remove_site", "{\"site_id\":\"" SITE_A "\"}", 200, "remove_site", NULL },
                { "DELETE", "/v1/vpns/" VPN, NULL, 204, "delete_vpn", NULL },
                { "POST", "/v1/virtual-links", LINK_BODY, 202, "create_virtual_link", "/v1/virtual-links/" },
                { "PUT", "/v1/virtual-links/" LINK, "{\"virtual_link\":{\"name\":\"m\"}}", 200, "update_virtual_link", NULL },
                { "PUT", "/v1/virtual-links/" LINK, "{\"virtual_link\":{\"bandwidth\":{\"a_to_z_kbps\":9}}}", 202, "update_virtual_link", "/v1/virtual-links/" LINK },
                { "DELETE", "/v1/virtual-links/" LINK, NULL, 202, "delete_virtual_link", "/v1/virtual-links/" LINK },
                { "POST", "/v1/virtual-ports/" PORT_A "/attach", "{\"network_id\":\"" NETWORK "\"}", 202, "attach_virtual_port", "/v1/virtual-ports/" PORT_A },
                { "POST", "/v1/virtual-ports/" PORT_A "/detach", NULL, 202, "detach_virtual_port", "/v1/virtual-ports/" PORT_A },
                { "POST", "/v1/virtual-ports/" PORT_A "/detach", "{}", 202, "detach_virtual_port", "/v1/virtual-ports/" PORT_A },
                /* clang-format on */
        };

        (void)state;
        play(REPLY);
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                json_auto_t *j = NULL;
                OWN(text_done) struct text headers = { 0 };
                struct http_reply reply;
                char location[200] = "";
                int status = api_ask(&api, cases[i].method, cases[i].path, red, cases[i].body, &j, &headers);

                if (status != cases[i].status)
                        fail_msg("%s %s: %d", cases[i].method, cases[i].path, status);
                reply = (struct http_reply){ .headers = headers };
                assert_string_equal(conductor.method, cases[i].call);
                assert_int_equal(http_reply_header(&reply, "Location", location, sizeof location), cases[i].location != NULL);
                if (cases[i].location) {
                        assert_true(text_starts(location, api.base));
                        assert_true(text_starts(location + strlen(api.base), cases[i].location));
                }
                assert_int_equal(j == NULL, status == 204);
                assert_string_equal(json_string_value(json_object_get(conductor.context, "project_id")), "red");
                assert_true(json_is_false(json_object_get(conductor.context, "is_admin")));
        }
}

static void the_call_carries_ids_keys_and_who_asks(void **state)
{
        const char *headers[] = { "X-Project-Id: red", "X-User-Id: eve", "X-Roles: member,admin", "Idempotency-Key: k1",
                                  "X-Openstack-Request-Id: req-12345678-0000-4000-8000-000000000000", NULL };
        const char *match[] = { "X-Project-Id: red", "If-Match: revision_number=7", NULL };
        const char *bad_match[] = { "X-Project-Id: red", "If-Match: *", NULL };
        const char *same = "{ \"virtual_link\" : { " BANDWIDTH ", " ENDS ", \"vpn_id\": \"" VPN "\" } }";
        json_auto_t *j = NULL;
        char hash[65], id[37];

        (void)state;
        play(REPLY);
        assert_int_equal(api_ask(&api, "POST", "/v1/virtual-links", headers, LINK_BODY, &j, NULL), 202);
        snprintf(id, sizeof id, "%s", text_at(j, "virtual_link", "id"));
        assert_true(uuid_valid(id));
        assert_string_equal(text_at(conductor.args, "virtual_link", "id"), id);
        assert_null(json_object_get(json_object_get(conductor.args, "virtual_link"), "project_id"));
        assert_string_equal(json_string_value(json_object_get(conductor.args, "idempotency_key")), "k1");
        snprintf(hash, sizeof hash, "%s", json_string_value(json_object_get(conductor.args, "request_hash")));
        assert_int_equal(strlen(hash), 64);
        assert_string_equal(json_string_value(json_object_get(conductor.context, "user_id")), "eve");
        assert_string_equal(json_string_value(json_object_get(conductor.context, "global_request_id")),
                            "req-12345678-0000-4000-8000-000000000000");
        assert_string_equal(json_string_value(json_array_get(json_object_get(conductor.context, "roles"), 1)), "admin");
        assert_true(json_is_true(json_object_get(conductor.context, "is_admin")));
        /* The same request written otherwise has the same hash; another one has not. */
        assert_int_equal(api_ask(&api, "POST", "/v1/virtual-links", headers, same, NULL, NULL), 202);
        assert_string_equal(json_string_value(json_object_get(conductor.args, "request_hash")), hash);
        headers[0] = "X-Project-Id: blue";
        assert_int_equal(api_ask(&api, "POST", "/v1/virtual-links", headers, same, NULL, NULL), 202);
        assert_string_not_equal(json_string_value(json_object_get(conductor.args, "request_hash")), hash);
        assert_int_equal(api_ask(&api, "PUT", "/v1/virtual-links/" LINK, match, "{\"virtual_link\":{}}", NULL, NULL), 200);
        assert_int_equal(json_integer_value(json_object_get(conductor.args, "revision_number")), 7);
        assert_int_equal(api_ask(&api, "PUT", "/v1/virtual-links/" LINK, bad_match, "{\"virtual_link\":{}}", NULL, NULL), 400);
        assert_int_equal(api_ask(&api, "DELETE", "/v1/vpns/" VPN, match, NULL, NULL, NULL), 204);
        assert_int_equal(json_integer_value(json_object_get(conductor.args, "revision_number")), 7);
        assert_int_equal(api_ask(&api, "POST", "/v1/vpns", match, "{\"vpn\":{\"type\":\"eth\"}}", NULL, NULL), 400);
}

static void what_is_wrong_never_reaches_a_conductor(void **state)
{
        static const struct {
                const char *path, *body, *attribute;
        } cases[] = {
                /* clang-format off */
                { "/v1/vpns", "", "" },
                { "/v1/vpns", "{\"vpn\":", "vpn" },
                { "/v1/vpns", "[]", "" },
                { "/v1/vpns", "{\"vpn\":{\"name\":\"a\",\"type\":\"t\"},\"x\":1}", "vpn" },
                { "/v1/vpns", "{\"vpn\":{\"name\":\"\xff\",\"type\":\"t\"}}", "name" },
                { "/v1/vpns", "{\"vpn\":{\"name\":\"a\\u0000b\",\"type\":\"t\"}}", "vpn.name" },
                { "/v1/vpns", "{\"vpn\":{\"name\":\"a\",\"name\":\"b\",\"type\":\"t\"}}", "name" },
                { "/v1/vpns", "{\"vpn\":{\"name\":\"a\",\"type\":\"t\",\"project_id\":\"blue\"}}", "vpn.project_id" },
                { "/v1/virtual-ports/" PORT_A "/attach", "{}", "network_id" },
                { "/v1/virtual-ports/" PORT_A "/detach", "{\"now\":1}", "now" },
                { "/v1/virtual-links", "{\"virtual_link\":{\"vpn_id\":\"" VPN "\",\"endpoints\":[{\"site_id\":\"a\",\"network_id\":\"" NETWORK "\",\"port_id\":\"" NETWORK "\"},{\"site_id\":\"b\"}]," BANDWIDTH "}}", "virtual_link.endpoints[0]" },
                /* clang-format on */
        };
        int n = conductor.n;

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                json_auto_t *j = NULL;
                int status = api_ask(&api, "POST", cases[i].path, red, cases[i].body, &j, NULL);
                const char *named = json_string_value(json_object_get(
                        json_object_get(json_object_get(j, "error"), "details"), "attribute"));

                if (status != 400 || !named || strcmp(named, cases[i].attribute) != 0)
                        fail_msg("%s: %d, %s: %s", cases[i].body, status, named, text_at(j, "error", "message"));
        }
        assert_int_equal(conductor.n, n);
}

static void a_refusal_reaches_the_tenant_as_it_is(void **state)
{
        json_auto_t *j = NULL;

        (void)state;
        play(REFUSE);
        assert_int_equal(api_ask(&api, "POST", "/v1/virtual-links", red, LINK_BODY, &j, NULL), 409);
        assert_string_equal(text_at(j, "error", "type"), "link.bandwidth_unavailable");
        assert_string_equal(text_at(j, "error", "message"), "Only 5 kbit/s are left.");
        assert_int_equal(json_integer_value(json_object_get(
                                 json_object_get(json_object_get(j, "error"), "details"), "available_kbps")),
                         5);
}

static void without_an_answer_the_truth_is_looked_up(void **state)
{
        const char *keyed[] = { "X-Project-Id: red", "Idempotency-Key: lost", NULL };
        struct request_key row = { .project_id = "red", .method = "create_virtual_link", .key = "lost", .request_hash = "h", .object_id = LINK };
        json_auto_t *made = NULL, *unknown = NULL, *found = NULL;
        int64_t began = clock_mono_ms();

        (void)state;
        play(WRITE_AND_SILENT);
        assert_int_equal(api_ask(&api, "POST", "/v1/vpns", red, "{\"vpn\":{\"type\":\"eth\"}}", &made, NULL), 201);
        assert_string_equal(text_at(made, "vpn", "name"), "written");
        assert_in_range(clock_mono_ms() - began, 1500, 6000);
        play(SILENT);
        assert_int_equal(api_ask(&api, "POST", "/v1/virtual-links", red, LINK_BODY, &unknown, NULL), 503);
        assert_string_equal(text_at(unknown, "error", "type"), "service.outcome_unknown");
        assert_non_null(strstr(text_at(unknown, "error", "message"), "/v1/virtual-links/"));
        put(T_REQUEST_KEY, &row);
        assert_int_equal(api_ask(&api, "POST", "/v1/virtual-links", keyed, LINK_BODY, &found, NULL), 202);
        assert_string_equal(text_at(found, "virtual_link", "id"), LINK);
        play(REPLY);
}

static void expect_503(const char *method, const char *path, const char *body)
{
        OWN(text_done) struct text headers = { 0 };
        struct http_reply reply;
        int64_t began = clock_mono_ms();
        char value[20];

        assert_int_equal(api_ask(&api, method, path, red, body, NULL, &headers), 503);
        assert_true(clock_mono_ms() - began < 2000);
        reply = (struct http_reply){ .headers = headers };
        assert_true(http_reply_header(&reply, "Retry-After", value, sizeof value));
}

static void a_database_that_is_away_is_503_and_comes_back(void **state)
{
        (void)state;
        play(REPLY);
        database_server_stop();
        assert_true(wait_until(health_is_503, NULL, 10000));
        expect_503("GET", "/v1/virtual-links/" LINK, NULL);
        expect_503("GET", "/v1/sites", NULL);
        expect_503("POST", "/v1/vpns", "{\"vpn\":{\"type\":\"eth\"}}");
        database_server_start();
        assert_true(wait_until(health_is_200, NULL, 15000));
        assert_int_equal(get("/v1/virtual-links/" LINK, red, NULL), 200);
}

static void a_broker_that_is_away_is_503_and_comes_back(void **state)
{
        (void)state;
        play(REPLY);
        assert_true(broker_stop(&broker));
        assert_true(wait_until(health_is_503, NULL, 10000));
        expect_503("POST", "/v1/vpns", "{\"vpn\":{\"type\":\"eth\"}}");
        assert_int_equal(get("/v1/virtual-links/" LINK, red, NULL), 200);
        assert_true(broker_start(&broker));
        assert_true(wait_until(health_is_200, NULL, 30000));
        assert_true(wait_until(consumer_ready, conductor.consumer, 30000));
        assert_int_equal(api_ask(&api, "POST", "/v1/vpns", red, "{\"vpn\":{\"type\":\"eth\"}}", NULL, NULL), 201);
}

struct asking {
        struct api_process api;
        int status;
};

static void *ask_slowly(void *user)
{
        struct asking *a = user;

        a->status = api_ask(&a->api, "POST", "/v1/virtual-links", red, LINK_BODY, NULL, NULL);
        return NULL;
}

static bool has_call(void *user)
{
        bool has;

        pthread_mutex_lock(&conductor.lock);
        has = conductor.n > *(int *)user;
        pthread_mutex_unlock(&conductor.lock);
        return has;
}

static void sigterm_lets_running_calls_end(void **state)
{
        struct asking a = { .api = api };
        pthread_t thread;
        int n = conductor.n;

        (void)state;
        play(SILENT);
        assert_int_equal(http_client_new("", false, &a.api.client), 0);
        assert_int_equal(pthread_create(&thread, NULL, ask_slowly, &a), 0);
        assert_true(wait_until(has_call, &n, 5000));
        assert_int_equal(api_stop(&api), 0);
        api.pid = 0;
        pthread_join(thread, NULL);
        assert_int_equal(a.status, 503);
        http_client_free(a.api.client);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                UNIT(anybody_reads_versions_and_health),
                UNIT(errors_have_one_shape),
                UNIT(each_object_is_shown_with_what_belongs_to_it),
                UNIT(a_project_sees_only_what_is_its_own),
                UNIT(lists_are_filtered_trimmed_and_paged),
                UNIT(a_silent_site_makes_its_links_unknown),
                UNIT(each_change_is_one_call_to_a_conductor),
                UNIT(the_call_carries_ids_keys_and_who_asks),
                UNIT(what_is_wrong_never_reaches_a_conductor),
                UNIT(a_refusal_reaches_the_tenant_as_it_is),
                UNIT(without_an_answer_the_truth_is_looked_up),
                UNIT(a_database_that_is_away_is_503_and_comes_back),
                UNIT(a_broker_that_is_away_is_503_and_comes_back),
                UNIT(sigterm_lets_running_calls_end),
        };

        return cmocka_run_group_tests(tests, start_all, stop_all);
}
