#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A broker, a server that answers by the method's name, a client, and plain AMQP beside the bus. */
#include "support/unit.h"

#include <stdatomic.h>

#include "bus/bus.h"
#include "bus/session.h"
#include "support/broker.h"

extern struct broker broker;
extern struct bus_settings settings; /* for it */
/* Of a group of tests. */
int start_broker(void **state);
int remove_broker(void **state);
void sync_topology(void);

struct bus *new_bus(const char *program);
/* For wait_until(). */
bool can_send(void *bus);
bool is_ready(void *consumer);
bool is_answered(void *answer);
bool is_sent(void *sent);

/* Methods: echo, refuse, again (given back once), bury (made a dead letter); no other is known. */
struct server {
        struct bus *bus;
        struct bus_consumer *consumer;
        _Atomic int n_taken, n_redelivered;
        _Atomic long sum; /* of args' "n" */
        _Atomic long most_deliveries;
        char user_id[128];       /* of the last one */
        _Atomic bool gives_back; /* all that comes */
};
void serve(struct bus_delivery *d, void *server);
void start_server(struct server *s, const char *queue);
void start_server_on(struct server *s, const char *const *queues);
void stop_server(struct server *s);

struct answer {
        _Atomic int n;
        json_t *result; /* owned */
        struct fault why;
        int64_t at_ms;
};
void on_reply(const json_t *result, const struct fault *failure, void *answer);
/* Calls and waits for the one answer. */
void call(struct bus *b, const char *topic, const char *method, const json_t *args, int timeout_ms,
          struct answer *a);
void assert_echo(struct bus *b, const char *topic);

/* How casts were sent, by enum bus_sent. */
struct sent {
        _Atomic int n[4];
};
void on_sent(enum bus_sent how, void *sent);
void cast(struct bus *b, const char *topic, const char *method, struct sent *s);

struct side {
        struct broker_url *url;
        struct watchdog *watchdog;
        struct watch watch;
        struct session *session;
};
void side_open(struct side *side);
void side_open_url(struct side *side, const char *url);
void side_close(struct side *side);
void side_publish(struct side *side, const char *queue, const char *body, size_t n);
/* The next message of a queue, waited for; a copy the caller frees, and its "reason" header. */
char *side_get(struct side *side, const char *queue, char reason[256]);
