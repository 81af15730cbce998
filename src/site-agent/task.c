/* SPDX-License-Identifier: Apache-2.0 */
/* Sends events and settles commands, in this order. */
#include "site-agent/task.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "messages/topics.h"
#include "site-agent/counters.h"

int task_new(enum task_kind kind, struct outbox *outbox, struct bus_delivery *delivery,
             struct task **ret)
{
        struct task *t = calloc(1, sizeof *t);

        if (!t)
                return err_raise(-ENOMEM);
        t->kind = kind;
        t->outbox = outbox;
        t->delivery = delivery;
        if (delivery)
                counters_open_work(1);
        *ret = t;
        return 0;
}

const char *task_request_id(const struct task *t)
{
        const char *id = t->delivery ? request_context(t->delivery->request, "request_id") : NULL;

        return id ? id : "-";
}

void task_end(struct task *t, enum bus_outcome outcome, const char *reason)
{
        while (t) {
                struct task *others = t->others;

                if (t->delivery) {
                        bus_settle(t->delivery, outcome, reason);
                        counters_open_work(-1);
                }
                json_decref(t->args);
                free(t);
                t = others;
        }
}

void task_mark(const struct task *t)
{
        const json_t *ports = t->delivery ? json_object_get(t->delivery->request->args, "ports") : NULL;
        const json_t *port;
        size_t i;

        FAILPOINT_UNMARK();
        json_array_foreach (ports, i, port)
                FAILPOINT_MARK(json_integer_value(json_object_get(port, "generation")));
}

static void on_sent(enum bus_sent how, void *user)
{
        struct task *t = user;

        if (how != BUS_SENT_OK) {
                queue_put(t->outbox->back, &t->item);
                return;
        }
        if (FAILPOINT_ANY())
                task_mark(t);
        if (FAILPOINT("agent.after_publish"))
                log_warn("failpoint", "name=agent.after_publish");
        task_end(t, BUS_DONE, NULL);
}

void task_send(struct task *t)
{
        const json_t *context = t->delivery ? t->delivery->request->context : NULL;
        json_auto_t *ours = json_object();
        json_t *id = json_object_get(context, "request_id");
        int r = id ? json_object_set(ours, "request_id", id) : 0;

        if (r == 0)
                r = bus_cast(t->outbox->bus, TOPIC_EVENT, t->outbox->site, t->event, t->args, ours,
                             0, on_sent, t);
        if (r == 0)
                return;
        log_error("event_not_encoded", "request=%s method=%s trace=\"%s\"", task_request_id(t),
                  t->event, err_trace());
        task_end(t, BUS_DEAD, "The answer could not be encoded.");
}
