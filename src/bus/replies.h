#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to calls. Each does nothing for a cast. An answer is tried again for a while when the
 * caller's queue is not there, or its fate is unknown: a second one does no harm. */

#include "bus/publisher.h"

int replies_put_result(struct publisher *p, const struct request *r, const json_t *result);
int replies_put_fault(struct publisher *p, const struct request *r, const struct fault *fault);
int replies_put_failure(struct publisher *p, const struct request *r, const char *class_name,
                        const char *module, const char *message);
/* The two answers of oslo.messaging's own dispatcher. */
int replies_put_no_method(struct publisher *p, const struct request *r);
int replies_put_no_version(struct publisher *p, const struct request *r);
/* The server is at work. Not tried again, dropped after 'waits_ms'. */
int replies_put_heartbeat(struct publisher *p, const char *reply_q, const char *msg_id,
                          int64_t waits_ms);
