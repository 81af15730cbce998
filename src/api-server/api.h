#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Inside src/api-server: a call from its request to its answer, and what each loop has at hand. */

#include <jansson.h>

#include "api-server/auth.h"
#include "api-server/caller.h"
#include "api-server/resource.h"
#include "api-server/settings.h"
#include "api-server/site_cache.h"
#include "bus/bus.h"
#include "http/server.h"
#include "messages/trace.h"
#include "store/reader.h"

struct api;
struct attribute;
struct hub;
struct reading;
struct api_loop {
        struct api *api;
        struct http_loop *http;
        struct store_reader *reader; /* NULL after the loop's end */
        struct http_watch *watch;
        struct auth_loop *auth;
        struct site_cache sites;
        struct reading *waiting; /* for the sites */
        struct hub *hub;         /* of those who watch and wait; NULL: nobody came yet */
        _Atomic bool follows;    /* somebody does: hints are wanted */
        _Atomic bool hinted;     /* 'hint' is on its way */
        struct http_post hint;
        bool connected;          /* has reached the database once */
        bool stopping;
};

/* A request on its way. Belongs to its loop, but for the time an answer of the bus travels in
 * 'post'. */
struct call {
        struct http_post post;
        struct http_request *q;
        struct api_loop *loop;
        const struct route *route;
        char id[128];                     /* the {id} of the path, decoded; "" if none */
        char tag[4 * TAG_LENGTH_MAX + 1]; /* the {tag} */
        char trace[TRACEPARENT];           /* of a change, or of a client that traces; else "" */
        struct caller who;
        void (*then)(struct call *c); /* when it is known who asks */
        struct call *next_waiting;    /* for that */
        struct sent *sent;            /* what was asked of the conductor, until it is answered */
        int waited_s;                 /* "Prefer: wait" was heard */
};

/* Runs until SIGTERM. */
int api_run(const struct api_config *config);

struct bus *api_bus(const struct api_loop *loop);
struct rate *api_rate(const struct api_loop *loop);
const struct api_config *api_config(const struct api_loop *loop);
/* False when the loop ends: nothing may be asked any more. */
bool api_can_read(const struct api_loop *loop);
/* What the reader was asked in this turn goes out before the loop waits. */
void api_kick_reader(struct api_loop *loop);

/* Each answers and frees the call. 'body' is taken. 'location' and 'extra' (whole header lines) may
 * be NULL. */
void call_answer(struct call *c, int status, json_t *body, const char *location);
/* With a body that is JSON already; borrowed. */
void call_answer_text(struct call *c, int status, const struct text *body);
void call_refuse(struct call *c, const struct fault *why);
void call_refuse_with(struct call *c, const struct fault *why, const char *extra);
/* Answers with a stream (http/server.h) and frees the call. */
struct http_stream *call_stream(struct call *c, const char *content_type,
                                void (*on_gone)(void *user), void *user);
/* The call's body by 'attributes' (body.h), or NULL when it has been refused. New reference. */
json_t *call_body(struct call *c, const char *envelope, const struct attribute *attributes,
                  unsigned verb);
/* "project_id" and "tenant_id" leave '*object'; false when they name another project: then the call
 * has been refused and the object freed. */
bool call_owns(struct call *c, json_t **object);
/* "http://host:port/prefix" as the client sees us, or "" when it did not say so properly. What a
 * proxy says (X-Forwarded-Proto, -Host, -Prefix) counts when the settings say so. */
enum { CALL_BASE_SIZE = 512 };
void call_base(const struct call *c, char *ret, size_t size);

/* ---- reading ---- */

/* GET of the route's resource: one object, or a list. */
void read_one(struct call *c);
void read_list(struct call *c);
/* The object as the caller may see it now, for 'on_object', which takes it: NULL when there is
 * none, or it could not be read ('error' is negative). */
void read_object(struct call *c, const struct resource *r, const char *id,
                 void (*on_object)(struct call *c, int error, json_t *object));

/* ---- writing ---- */

/* How the answer of the conductor becomes ours. */
struct write {
        const char *method;
        const struct resource *resource; /* its envelope is what the result must be */
        int status;                      /* 204: the result is not shown */
        /* Whether what 'args' ask for can be seen at the object as it is now (NULL: it is gone). So
         * a call that nobody answered may turn out to be done. */
        bool (*done)(const json_t *object, const json_t *args); /* NULL: that cannot be seen */
        bool tags; /* the answer is only the object's tags */
};
/* Some of 'done'. */
bool write_is_there(const json_t *object, const json_t *args);
bool write_is_gone(const json_t *object, const json_t *args);
/* 'object' has all that 'asked' has. */
bool shows(const json_t *object, const json_t *asked);
/* Sends the call to a conductor, with what its headers say (Idempotency-Key, If-Match). 'args' is
 * taken; NULL stands for no memory. 'object_id' is what it is about. */
struct sent *sent_free(struct sent *s);
void write_send(struct call *c, const struct write *w, json_t *args, const char *object_id);
