/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/replies.h"

#include <errno.h>

#include "base/err.h"
#include "bus/letter.h"
#include "bus/limits.h"

#define DISPATCHER "oslo_messaging.rpc.dispatcher"

/* Sends what was encoded into 'body', and takes it over; 'e' is how that went. */
static int put(struct publisher *p, const struct request *r, struct text *body, int e)
{
        OWN(letter_free) struct letter *l = NULL;

        if (e != 0)
                return err_pass(e);
        l = letter_new(r->reply_q, BUS_REPLY_WAITS_MS);
        if (!l)
                return err_raise(-ENOMEM);
        l->out.body = *body;
        *body = (struct text){ 0 };
        l->out.again_until_ms = l->out.deadline_ms;
        return letter_put(p, TAKE(l));
}

int replies_put_result(struct publisher *p, const struct request *r, const json_t *result)
{
        OWN(text_done) struct text body = { 0 };
        struct fault why = { 0 };
        int e;

        if (!request_is_call(r))
                return 0;
        e = reply_encode_result(r->msg_id, result, &body);
        if (e != 0 || body.n <= BUS_BODY_BYTES)
                return put(p, r, &body, e);
        fault_set(&why, 500, "bus.message_too_large",
                  "The answer is larger than %d bytes; ask for less.", BUS_BODY_BYTES);
        return replies_put_fault(p, r, &why);
}

int replies_put_fault(struct publisher *p, const struct request *r, const struct fault *fault)
{
        OWN(text_done) struct text body = { 0 };

        return request_is_call(r) ? put(p, r, &body, reply_encode_fault(r->msg_id, fault, &body))
                                  : 0;
}

int replies_put_failure(struct publisher *p, const struct request *r, const char *class_name,
                        const char *module, const char *message)
{
        OWN(text_done) struct text body = { 0 };

        return request_is_call(r) ? put(p, r, &body,
                                        reply_encode_failure(r->msg_id, class_name, module, message,
                                                             NULL, &body))
                                  : 0;
}

int replies_put_no_method(struct publisher *p, const struct request *r)
{
        OWN(text_done) struct text message = { 0 };

        text_addf(&message, "Endpoint does not support RPC method %s", r->method);
        if (message.failed)
                return err_raise(-ENOMEM);
        return replies_put_failure(p, r, "NoSuchMethod", DISPATCHER, message.bytes);
}

int replies_put_no_version(struct publisher *p, const struct request *r)
{
        OWN(text_done) struct text message = { 0 };

        text_addf(&message, "Endpoint does not support RPC version %s. Attempted method: %s",
                  r->version, r->method);
        if (message.failed)
                return err_raise(-ENOMEM);
        return replies_put_failure(p, r, "UnsupportedVersion", DISPATCHER, message.bytes);
}

int replies_put_heartbeat(struct publisher *p, const char *reply_q, const char *msg_id,
                          int64_t waits_ms)
{
        OWN(letter_free) struct letter *l = letter_new(reply_q, waits_ms);
        int e = l ? reply_encode_heartbeat(msg_id, &l->out.body) : err_raise(-ENOMEM);

        return e ? err_pass(e) : letter_put(p, TAKE(l));
}
