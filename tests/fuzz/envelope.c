/* SPDX-License-Identifier: Apache-2.0 */
/* What comes from the bus: requests, replies and notifications. What is read and written again
 * reads the same. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "messages/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void try_request(const void *bytes, size_t n)
{
        OWN(request_free) struct request *r = NULL, *again = NULL;
        OWN(text_done) struct text t = { 0 };
        struct fault why = { 0 };
        int answer = request_decode(bytes, n, &r, &why);

        assert((answer == ENVELOPE_OK) == (r != NULL) && answer >= 0);
        assert(fault_is_set(&why) == (answer != ENVELOPE_OK));
        if (!r)
                return;
        assert(request_encode(r->method, r->version, r->args, r->context, r->msg_id, r->reply_q,
                              &t) == 0);
        assert(request_decode(t.bytes, t.n, &again, &why) == ENVELOPE_OK);
        assert(strcmp(r->method, again->method) == 0);
        assert(json_equal(r->args, again->args) && json_equal(r->context, again->context));
}

static void try_reply(const void *bytes, size_t n)
{
        OWN(reply_free) struct reply *r = NULL, *again = NULL;
        OWN(text_done) struct text t = { 0 };
        struct fault why = { 0 };

        if (reply_decode(bytes, n, &r, &why) != ENVELOPE_OK) {
                assert(fault_is_set(&why));
                assert(!r || (r->msg_id && !r->result && !r->failure));
                return;
        }
        if (r->failure)
                fault_from_failure(r->failure, &why);
        assert(fault_is_set(&why) == (r->failure != NULL));
        if (r->failure)
                assert(reply_encode_fault(r->msg_id, &why, &t) == 0);
        else
                assert(reply_encode_result(r->msg_id, r->result, &t) == 0);
        assert(reply_decode(t.bytes, t.n, &again, &why) == ENVELOPE_OK);
        assert(r->failure || json_equal(r->result, again->result));
}

static void try_notification(const void *bytes, size_t n)
{
        OWN(notification_free) struct notification *it = NULL, *again = NULL;
        OWN(text_done) struct text t = { 0 };
        struct fault why = { 0 };
        int answer = notification_decode(bytes, n, &it, &why);

        assert((answer == ENVELOPE_OK) == (it != NULL) && answer >= 0);
        assert(fault_is_set(&why) == (answer != ENVELOPE_OK));
        if (!it)
                return;
        assert(notification_encode("host", it->event_type, "info", it->payload, it->context, 0,
                                   &t) == 0);
        assert(notification_decode(t.bytes, t.n, &again, &why) == ENVELOPE_OK);
        assert(strcmp(it->event_type, again->event_type) == 0);
        assert(json_equal(it->payload, again->payload) && json_equal(it->context, again->context));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
        try_request(bytes, n);
        try_reply(bytes, n);
        try_notification(bytes, n);
        return 0;
}
