#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes on the bus: oslo.messaging's envelope 2.0 around a request, a reply or a notification.
 * Knows the wire format, not AMQP, not what our methods mean. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/own.h"
#include "base/text.h"

/* Answers of the decoders. On any but OK '*ret' is left alone and the fault says what is wrong. */
enum { ENVELOPE_OK, ENVELOPE_MALFORMED, ENVELOPE_UNSUPPORTED };

/* A request (call or cast). Strings are lent by the document; NULL where the wire has no such key.
 */
struct request {
        json_t *document;
        const char *method, *namespace, *version; /* version "1.0" when absent */
        const char *msg_id, *reply_q;             /* calls only */
        const char *unique_id;
        double monitor_timeout_s; /* `_timeout`: > 0 asks for heartbeats while we work */
        json_t *args;             /* an object, never NULL */
        json_t *context;          /* `_context_<key>` as {"<key>": …}, never NULL */
};
int request_decode(const void *body, size_t n, struct request **ret, struct fault *why);
struct request *request_free(struct request *r);
OWN_DEFINE(struct request *, request_free)
/* Whether an endpoint of 'namespace' (NULL: none) and 'version' serves it, by oslo.messaging's
 * rule: the same namespace and major, a minor that is not above the endpoint's, and at an equal
 * minor no higher revision. */
bool request_fits(const struct request *r, const char *namespace, const char *version);
/* Text of a context entry ("request_id", "project_id", …) or NULL. Lent. */
const char *request_context(const struct request *r, const char *key);
bool request_is_call(const struct request *r);

/* What a request says besides its arguments; NULL is not written. */
struct request_head {
        const char *method, *namespace, *version;
        const char *msg_id, *reply_q; /* of a call */
        int64_t monitor_s; /* `_timeout` of a call: at every half of it the server shall say that it
                            * is at work; 0: it is not asked to */
};
/* Writes a request; its unique id is made here. 'args', 'context' are borrowed; context entries are
 * written as `_context_<key>`. */
int request_write(const struct request_head *head, const json_t *args, const json_t *context,
                  struct text *ret);
/* The same without namespace and monitoring. 'msg_id', 'reply_q' NULL for a cast. */
int request_encode(const char *method, const char *version, const json_t *args,
                   const json_t *context, const char *msg_id, const char *reply_q,
                   struct text *ret);

/* A reply: exactly one of result and failure. */
struct reply {
        json_t *document;
        const char *msg_id; /* lent by it */
        bool ending;        /* false: a heartbeat of a server that is still at work */
        json_t *result;     /* may be JSON null */
        json_t *failure;    /* NULL, or {"class","module","message","args","kwargs",…} */
};
/* A reply that cannot be read, or lacks 'failure' or 'ending', is ENVELOPE_MALFORMED; '*ret' is set
 * nevertheless if it names its call, and then holds nothing else: that call needs not wait longer.
 */
int reply_decode(const void *body, size_t n, struct reply **ret, struct fault *why);
struct reply *reply_free(struct reply *r);
OWN_DEFINE(struct reply *, reply_free)
int reply_encode_result(const char *msg_id, const json_t *result, struct text *ret);
/* Failure with class, module and kwargs as a Python peer rebuilds it. */
int reply_encode_failure(const char *msg_id, const char *class_name, const char *module,
                         const char *message, const json_t *kwargs, struct text *ret);
int reply_encode_heartbeat(const char *msg_id, struct text *ret);

/* Our own failures: class by HTTP code (BadRequest, Forbidden, NotFound, Conflict,
 * PreconditionFailed, Unprocessable, TooManyRequests, Unavailable, InternalError), module
 * "atlas.exceptions", kwargs =
 * {"code","type","message","details","retry_after_ms"}; and back. A failure of any other module
 * becomes code 500, type "bus.remote_failure". */
int reply_encode_fault(const char *msg_id, const struct fault *f, struct text *ret);
void fault_from_failure(const json_t *failure, struct fault *ret);

/* A notification, messagingv2. Texts are lent by the document; NULL where the wire has no such key.
 */
struct notification {
        json_t *document;
        const char *event_type, *publisher_id, *priority; /* "INFO" */
        const char *message_id, *timestamp, *unique_id;
        const json_t *payload; /* lent, never NULL */
        json_t *context;       /* as of a request */
};
int notification_decode(const void *body, size_t n, struct notification **ret, struct fault *why);
struct notification *notification_free(struct notification *n);
OWN_DEFINE(struct notification *, notification_free)
int notification_encode(const char *publisher_id, const char *event_type, const char *priority,
                        const json_t *payload, const json_t *context, int64_t now_wall_ms,
                        struct text *ret);
