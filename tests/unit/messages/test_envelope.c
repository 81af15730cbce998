/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of tests/data/messages/vectors.json were made by oslo.messaging's own driver. */
#include "support/unit.h"

#include <jansson.h>

#include "base/fault.h"
#include "messages/envelope.h"

static json_t *vectors(void)
{
        json_t *all = json_load_file(ATLAS_SOURCE_DIR "/tests/data/messages/vectors.json", 0, NULL);

        assert_true(json_array_size(all) > 10);
        return all;
}

static const char *get(const json_t *v, const char *key)
{
        return json_string_value(json_object_get(v, key));
}

/* Ids are fresh in each message: gives 'ours' the value that 'theirs' has. */
static void same_id(const char *key, size_t n, const char *theirs, char *ours)
{
        char mark[64];
        const char *from;
        char *to;

        snprintf(mark, sizeof mark, "\\\"%s\\\": \\\"", key);
        from = strstr(theirs, mark);
        to = strstr(ours, mark);
        assert_non_null(from);
        assert_non_null(to);
        memcpy(to + strlen(mark), from + strlen(mark), n);
}

static void assert_same(const json_t *v, struct text *ours)
{
        assert_false(ours->failed);
        same_id("_unique_id", 32, get(v, "body"), ours->bytes);
        assert_string_equal(ours->bytes, get(v, "body"));
        text_done(ours);
        memset(ours, 0, sizeof *ours);
}

static struct request *decoded(const char *body)
{
        struct request *r = NULL;
        struct fault why = { 0 };

        if (request_decode(body, strlen(body), &r, &why) != ENVELOPE_OK)
                fail_msg("%s: %s", body, why.message);
        return r;
}

static void requests_have_the_bytes_of_oslo_messaging(void **state)
{
        json_auto_t *all = vectors();
        int n = 0;

        (void)state;
        for (size_t i = 0; i < json_array_size(all); i++) {
                json_t *v = json_array_get(all, i);
                bool call = strcmp(get(v, "kind"), "call") == 0;
                struct text t = { 0 };
                OWN(request_free) struct request *r = NULL;

                if (!call && strcmp(get(v, "kind"), "cast") != 0)
                        continue;
                r = decoded(get(v, "body"));
                assert_int_equal(request_is_call(r), call);
                assert_string_equal(r->method, get(v, "method"));
                assert_true(json_equal(r->args, json_object_get(v, "args")));
                assert_true(json_equal(r->context, json_object_get(v, "context")));
                assert_int_equal(request_encode(get(v, "method"), get(v, "version"),
                                                json_object_get(v, "args"),
                                                json_object_get(v, "context"), r->msg_id,
                                                r->reply_q, &t),
                                 0);
                assert_same(v, &t);
                n++;
        }
        assert_true(n >= 4);
}

static void results_and_heartbeats_have_the_bytes_of_oslo_messaging(void **state)
{
        json_auto_t *all = vectors();
        int n = 0;

        (void)state;
        for (size_t i = 0; i < json_array_size(all); i++) {
                json_t *v = json_array_get(all, i);
                bool heartbeat = strcmp(get(v, "kind"), "heartbeat") == 0;
                OWN(reply_free) struct reply *r = NULL;
                struct fault why = { 0 };
                struct text t = { 0 };

                if (!heartbeat && strcmp(get(v, "kind"), "result") != 0)
                        continue;
                assert_int_equal(reply_decode(get(v, "body"), strlen(get(v, "body")), &r, &why),
                                 ENVELOPE_OK);
                assert_int_equal(r->ending, !heartbeat);
                assert_null(r->failure);
                if (heartbeat) {
                        assert_int_equal(reply_encode_heartbeat(r->msg_id, &t), 0);
                } else {
                        assert_true(json_equal(r->result, json_object_get(v, "result")));
                        assert_int_equal(
                                reply_encode_result(r->msg_id, json_object_get(v, "result"), &t),
                                0);
                }
                assert_same(v, &t);
                n++;
        }
        assert_true(n >= 6);
}

/* Ours has no traceback; everything else is theirs. */
static void failures_have_the_bytes_of_oslo_messaging_without_its_traceback(void **state)
{
        json_auto_t *all = vectors();
        int n = 0;

        (void)state;
        for (size_t i = 0; i < json_array_size(all); i++) {
                json_t *v = json_array_get(all, i);
                OWN(reply_free) struct reply *r = NULL, *again = NULL;
                OWN(text_done) struct text t = { 0 };
                struct fault why = { 0 };

                if (strcmp(get(v, "kind"), "failure") != 0)
                        continue;
                assert_int_equal(reply_decode(get(v, "body"), strlen(get(v, "body")), &r, &why), 0);
                assert_string_equal(get(r->failure, "class"), get(v, "class"));
                assert_string_equal(get(r->failure, "message"), get(v, "message"));
                assert_int_equal(reply_encode_failure(r->msg_id, get(v, "class"), get(v, "module"),
                                                      get(v, "message"), NULL, &t),
                                 0);
                assert_int_equal(reply_decode(t.bytes, t.n, &again, &why), 0);
                assert_string_equal(get(again->failure, "module"), "builtins");
                json_object_set_new(r->failure, "tb", json_array());
                /* An exception's own argument need not be its text: KeyError quotes it. */
                json_object_set(r->failure, "args", json_object_get(again->failure, "args"));
                assert_true(json_equal(r->failure, again->failure));
                n++;
        }
        assert_int_equal(n, 2);
}

static void notifications_have_the_bytes_of_oslo_messaging(void **state)
{
        json_auto_t *all = vectors();
        json_t *v = json_array_get(all, json_array_size(all) - 1);
        json_auto_t *context = json_pack("{s:s, s:s}", "request_id", "req-1", "project_id", "p");
        struct text t = { 0 };

        (void)state;
        assert_string_equal(get(v, "kind"), "notification");
        assert_int_equal(notification_encode(get(v, "publisher_id"), get(v, "event_type"),
                                             get(v, "priority"), json_object_get(v, "payload"),
                                             context, 1000, &t),
                         0);
        assert_non_null(strstr(t.bytes, "\\\"timestamp\\\": \\\"1970-01-01 00:00:01.000000\\\""));
        same_id("timestamp", 26, get(v, "body"), t.bytes);
        same_id("message_id", 36, get(v, "body"), t.bytes);
        assert_same(v, &t);
}

static void a_notification_is_read_as_it_was_written(void **state)
{
        json_auto_t *context = json_pack("{s:s, s:i}", "request_id", "req-1", "na\"me", 7);
        json_auto_t *payload = json_pack("[i, s, n]", 1, "l\xc3\xa4nge");
        OWN(text_done) struct text t = { 0 };
        OWN(notification_free) struct notification *n = NULL;
        struct fault why = { 0 };

        (void)state;
        assert_int_equal(
                notification_encode("host", "vpn.create.end", "info", payload, context, 1000, &t),
                0);
        assert_int_equal(notification_decode(t.bytes, t.n, &n, &why), ENVELOPE_OK);
        assert_string_equal(n->publisher_id, "host");
        assert_string_equal(n->event_type, "vpn.create.end");
        assert_string_equal(n->priority, "INFO");
        assert_string_equal(n->timestamp, "1970-01-01 00:00:01.000000");
        assert_int_equal(strlen(n->message_id), 36);
        assert_int_equal(strlen(n->unique_id), 32);
        assert_true(json_equal(n->payload, payload));
        assert_true(json_equal(n->context, context));
}

static void what_is_no_notification_is_refused_with_a_reason(void **state)
{
        static const char *const bad[] = { "", "[]", "{}", "{\"event_type\": 7}",
                                           "{\"event_type\": \"a\", \"priority\": []}" };
        static const char least[] = "{\"event_type\": \"a\"}";
        OWN(notification_free) struct notification *n = NULL;

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
                struct fault why = { 0 };

                if (notification_decode(bad[i], strlen(bad[i]), &n, &why) != ENVELOPE_MALFORMED)
                        fail_msg("read: %s", bad[i]);
                assert_true(fault_is_set(&why) && !n);
        }
        assert_int_equal(notification_decode(least, sizeof least - 1, &n, NULL), ENVELOPE_OK);
        assert_true(json_is_null(n->payload) && !n->publisher_id);
}

static void what_is_no_request_is_refused_with_a_reason(void **state)
{
        /* clang-format off */
        static const struct {
                const char *body;
                int answer;
        } bad[] = {
                { "", ENVELOPE_MALFORMED },
                { "nonsense", ENVELOPE_MALFORMED },
                { "[1]", ENVELOPE_MALFORMED },
                { "\"text\"", ENVELOPE_MALFORMED },
                { "{}", ENVELOPE_MALFORMED },
                { "{\"method\": \"\"}", ENVELOPE_MALFORMED },
                { "{\"method\": 7}", ENVELOPE_MALFORMED },
                { "{\"method\": \"a\", \"method\": \"b\"}", ENVELOPE_MALFORMED },
                { "{\"method\": \"a\", \"args\": []}", ENVELOPE_MALFORMED },
                { "{\"method\": \"a\", \"version\": \"1\"}", ENVELOPE_MALFORMED },
                { "{\"method\": \"a\", \"version\": \"1.\"}", ENVELOPE_MALFORMED },
                { "{\"method\": \"a\", \"version\": \"1.0.0.0\"}", ENVELOPE_MALFORMED },
                { "{\"method\": \"a\", \"version\": \"v1.0\"}", ENVELOPE_MALFORMED },
                { "{\"method\": \"a\", \"version\": 1.0}", ENVELOPE_MALFORMED },
                { "{\"method\": \"a\", \"_msg_id\": \"m\"}", ENVELOPE_MALFORMED },
                { "{\"method\": \"a\", \"_reply_q\": \"q\"}", ENVELOPE_MALFORMED },
                { "{\"method\": \"a\"} trailing", ENVELOPE_MALFORMED },
                { "{\"method\": \"a\\u0000b\"}", ENVELOPE_MALFORMED },
                { "{\"method\": \"\xff\"}", ENVELOPE_MALFORMED },
                { "{\"oslo.version\": \"2.1\", \"oslo.message\": \"{\\\"method\\\": \\\"a\\\"}\"}", ENVELOPE_UNSUPPORTED },
                { "{\"oslo.version\": \"1.0\", \"oslo.message\": \"{\\\"method\\\": \\\"a\\\"}\"}", ENVELOPE_UNSUPPORTED },
                { "{\"oslo.version\": \"2\", \"oslo.message\": \"{\\\"method\\\": \\\"a\\\"}\"}", ENVELOPE_UNSUPPORTED },
                { "{\"oslo.version\": 2.0, \"oslo.message\": \"{\\\"method\\\": \\\"a\\\"}\"}", ENVELOPE_MALFORMED },
                { "{\"oslo.version\": \"2.0\", \"oslo.message\": {\"method\": \"a\"}}", ENVELOPE_MALFORMED },
                { "{\"oslo.version\": \"2.0\", \"oslo.message\": \"\"}", ENVELOPE_MALFORMED },
                { "{\"oslo.version\": \"2.0\", \"oslo.message\": \"[]\"}", ENVELOPE_MALFORMED },
                { "{\"oslo.version\": \"2.0\", \"oslo.message\": \"{\"}", ENVELOPE_MALFORMED },
                { "{\"oslo.version\": \"2.0\", \"oslo.message\": \"{\\\"a\\\": \\\"\"}", ENVELOPE_MALFORMED },
                { "{\"oslo.version\": \"2.0\", \"oslo.message\": \"\\\"}", ENVELOPE_MALFORMED },
        };
        /* clang-format on */

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
                struct request *r = NULL;
                struct fault why = { 0 };

                if (request_decode(bad[i].body, strlen(bad[i].body), &r, &why) != bad[i].answer)
                        fail_msg("taken, or for another reason: %s", bad[i].body);
                assert_null(r);
                assert_int_equal(why.code, 400);
                assert_true(*why.message);
        }
}

static void what_peers_write_otherwise_is_read_alike(void **state)
{
        /* clang-format off */
        static const char *const same[] = {
                "{\"method\": \"a\", \"args\": {\"k\": \"\xc3\xa9\"}, \"_context_user\": \"u\"}",
                "{\"oslo.version\": \"2.0\", \"oslo.message\": \"{\\\"method\\\": \\\"a\\\", \\\"args\\\": {\\\"k\\\": \\\"\\\\u00e9\\\"}, \\\"_context_user\\\": \\\"u\\\"}\"}",
                "{\"oslo.version\":\"2.0\",\"oslo.message\":\"{\\\"method\\\":\\\"a\\\",\\\"args\\\":{\\\"k\\\":\\\"\xc3\xa9\\\"},\\\"_context_user\\\":\\\"u\\\"}\"}",
                " {\"oslo.message\": \"{\\u0022method\\\": \\\"a\\\", \\\"args\\\": {\\\"k\\\": \\\"\\u00e9\\\"}, \\\"_context_user\\\": \\\"u\\\"}\", \"oslo.version\": \"2.0\"} ",
                "{\"oslo.version\": \"2.0\", \"oslo.message\": \"{\\\"method\\\": \\\"a\\\", \\n\\\"args\\\": {\\\"k\\\": \\\"\xc3\xa9\\\"}, \\\"_context_user\\\": \\\"u\\\"}\"}",
        };
        /* clang-format on */

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(same); i++) {
                OWN(request_free) struct request *r = decoded(same[i]);

                assert_string_equal(r->method, "a");
                assert_string_equal(r->version, "1.0");
                assert_false(request_is_call(r));
                assert_null(r->unique_id);
                assert_string_equal(get(r->args, "k"), "\xc3\xa9");
                assert_string_equal(request_context(r, "user"), "u");
                assert_null(request_context(r, "project_id"));
        }
}

static void a_fault_comes_back_as_it_was_sent(void **state)
{
        static const int codes[] = { 400, 403, 404, 409, 500, 503, 418 };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(codes); i++) {
                OWN(text_done) struct text t = { 0 };
                OWN(reply_free) struct reply *r = NULL;
                struct fault f = { 0 }, back = { 0 }, why = { 0 };

                fault_set(&f, codes[i], "link.bandwidth_unavailable", "Only %d \"kbit/s\" left é.",
                          5);
                fault_details(&f, "{\"left_kbps\":%d}", 5);
                f.retry_after_ms = 2500;
                assert_int_equal(reply_encode_fault("m", &f, &t), 0);
                assert_int_equal(reply_decode(t.bytes, t.n, &r, &why), ENVELOPE_OK);
                fault_from_failure(r->failure, &back);
                assert_int_equal(back.code, codes[i]);
                assert_string_equal(back.type, f.type);
                assert_string_equal(back.message, f.message);
                assert_string_equal(back.details, f.details);
                assert_int_equal(back.retry_after_ms, 2500);
        }
}

static void a_foreign_failure_is_a_fault_500(void **state)
{
        OWN(text_done) struct text t = { 0 };
        OWN(reply_free) struct reply *r = NULL;
        struct fault f = { 0 }, why = { 0 };

        (void)state;
        assert_int_equal(reply_encode_failure("m", "NoSuchMethod", "oslo_messaging.rpc.dispatcher",
                                              "Endpoint does not support RPC method foo", NULL, &t),
                         0);
        assert_int_equal(reply_decode(t.bytes, t.n, &r, &why), ENVELOPE_OK);
        fault_from_failure(r->failure, &f);
        assert_int_equal(f.code, 500);
        assert_string_equal(f.type, "bus.remote_failure");
        assert_string_equal(f.message, "NoSuchMethod: Endpoint does not support RPC method foo");
}

static void what_is_no_reply_is_refused_with_a_reason(void **state)
{
        /* clang-format off */
        static const struct {
                const char *body;
                bool named; /* its call can be told */
        } bad[] = {
                { "{}", false },
                { "{\"result\": 1, \"failure\": null, \"ending\": true}", false },
                { "{\"_msg_id\": 5}", false },
                { "{\"_msg_id\": \"m\"}", true },
                { "{\"_msg_id\": \"m\", \"result\": 1, \"ending\": true}", true },
                { "{\"_msg_id\": \"m\", \"result\": 1, \"failure\": null}", true },
                { "{\"_msg_id\": \"m\", \"result\": 1, \"failure\": null, \"ending\": 1}", true },
                { "{\"_msg_id\": \"m\", \"failure\": {\"class\": \"a\"}, \"ending\": true}", true },
                { "{\"_msg_id\": \"m\", \"failure\": \"[]\", \"ending\": true}", true },
                { "{\"_msg_id\": \"m\", \"failure\": \"nonsense\", \"ending\": true}", true },
                { "{\"_msg_id\": \"m\", \"failure\": \"{}\"}", true },
        };
        /* clang-format on */

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
                OWN(reply_free) struct reply *r = NULL;
                struct fault why = { 0 };

                assert_int_equal(reply_decode(bad[i].body, strlen(bad[i].body), &r, &why),
                                 ENVELOPE_MALFORMED);
                assert_int_equal(r != NULL, bad[i].named);
                if (r) {
                        assert_string_equal(r->msg_id, "m");
                        assert_null(r->failure);
                        assert_null(r->result);
                }
                assert_true(*why.message);
        }
}

static void a_missing_result_is_null(void **state)
{
        static const char body[] = "{\"_msg_id\": \"m\", \"failure\": null, \"ending\": true}";
        OWN(reply_free) struct reply *r = NULL;
        struct fault why = { 0 };

        (void)state;
        assert_int_equal(reply_decode(body, sizeof body - 1, &r, &why), ENVELOPE_OK);
        assert_true(json_is_null(r->result));
        assert_true(r->ending);
}

static void versions_and_namespaces_fit_as_in_oslo_messaging(void **state)
{
        /* clang-format off */
        static const struct {
                const char *namespace, *asked, *served_namespace, *served;
                bool fits;
        } cases[] = {
                { NULL, "1.0", NULL, "1.0", true },
                { NULL, "1.0", NULL, "1.3", true },
                { NULL, "1.3", NULL, "1.3", true },
                { NULL, "1.4", NULL, "1.3", false },
                { NULL, "2.0", NULL, "1.3", false },
                { NULL, "1.0", NULL, "2.0", false },
                { NULL, "1.3.0", NULL, "1.3", true },
                { NULL, "1.3.1", NULL, "1.3", false },
                { NULL, "1.3.1", NULL, "1.3.2", true },
                { NULL, "1.2.9", NULL, "1.3", true },
                { NULL, "1.99999999999999999999", NULL, "1.0", false },
                { "a", "1.0", NULL, "1.0", false },
                { NULL, "1.0", "a", "1.0", false },
                { "a", "1.0", "a", "1.0", true },
                { "a", "1.0", "b", "1.0", false },
        };
        /* clang-format on */

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                const struct request r = { .namespace = cases[i].namespace,
                                           .version = cases[i].asked };

                if (request_fits(&r, cases[i].served_namespace, cases[i].served) != cases[i].fits)
                        fail_msg("%s for %s", cases[i].asked, cases[i].served);
        }
}

static void a_request_says_its_namespace_and_how_it_is_monitored(void **state)
{
        const struct request_head head = { .method = "m",
                                           .namespace = "baseapi",
                                           .version = "1.1",
                                           .msg_id = "id",
                                           .reply_q = "reply_q",
                                           .monitor_s = 30 };
        OWN(text_done) struct text t = { 0 };
        OWN(request_free) struct request *r = NULL;

        (void)state;
        assert_int_equal(request_write(&head, NULL, NULL, &t), 0);
        /* In the order in which oslo.messaging writes them. */
        assert_non_null(strstr(t.bytes, "\\\"args\\\": {}, \\\"namespace\\\": \\\"baseapi\\\", "
                                        "\\\"version\\\": \\\"1.1\\\", \\\"_msg_id\\\""));
        assert_non_null(strstr(t.bytes, "\\\"_timeout\\\": 30, \\\"_unique_id\\\""));
        r = decoded(t.bytes);
        assert_string_equal(r->namespace, "baseapi");
        assert_true(r->monitor_timeout_s > 29.9 && r->monitor_timeout_s < 30.1);
}

UNIT_MAIN(UNIT(requests_have_the_bytes_of_oslo_messaging),
          UNIT(results_and_heartbeats_have_the_bytes_of_oslo_messaging),
          UNIT(failures_have_the_bytes_of_oslo_messaging_without_its_traceback),
          UNIT(notifications_have_the_bytes_of_oslo_messaging),
          UNIT(a_notification_is_read_as_it_was_written),
          UNIT(what_is_no_notification_is_refused_with_a_reason),
          UNIT(what_is_no_request_is_refused_with_a_reason),
          UNIT(what_peers_write_otherwise_is_read_alike), UNIT(a_fault_comes_back_as_it_was_sent),
          UNIT(a_foreign_failure_is_a_fault_500), UNIT(what_is_no_reply_is_refused_with_a_reason),
          UNIT(a_missing_result_is_null), UNIT(versions_and_namespaces_fit_as_in_oslo_messaging),
          UNIT(a_request_says_its_namespace_and_how_it_is_monitored))
