#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Calls to one OpenStack service: gets and keeps a token, finds the service in the catalogue, asks
 * again once with a new token after a 401, and waits as Retry-After says when the deadline allows
 * it. For any number of threads. */

#include <jansson.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/own.h"
#include "openstack/settings.h"

/* Answers; each but OK comes with a fault. UNAVAILABLE: nobody knows whether the call was carried
 * out; its fault may be tried again. The service's own sentence is part of the message. */
enum {
        OPENSTACK_OK,          /* 2xx */
        OPENSTACK_NOT_FOUND,   /* 404 */
        OPENSTACK_DENIED,      /* 403 */
        OPENSTACK_CONFLICT,    /* 409, 412 */
        OPENSTACK_REFUSED,     /* any other answer below 500; credentials that Keystone refuses */
        OPENSTACK_UNAVAILABLE, /* no answer, a broken one, 429, 5xx */
};

struct openstack_session;
/* 'settings' and 'service_type' ("network") are lent for the session's life. */
int openstack_session_new(const struct openstack_settings *settings, const char *service_type,
                          struct openstack_session **ret);
struct openstack_session *openstack_session_free(struct openstack_session *s);
OWN_DEFINE(struct openstack_session *, openstack_session_free)

struct openstack_call {
        const char *method,
                *path; /* "/v2.0/ports?…"; a version that the endpoint ends with is not doubled */
        const json_t *body;         /* NULL: none */
        const char *const *headers; /* more of them, NULL-terminated; NULL: none */
        int64_t deadline_mono_ms;
        /* An answer of text/event-stream is asked for, and handed out as it comes; may be NULL. */
        void (*on_stream)(void *user, const char *bytes, size_t n);
        void *user;
};
struct openstack_reply {
        int status;          /* 0: no answer */
        json_t *body;        /* NULL: none, or not JSON */
        char request_id[64]; /* the service's, or "" */
        char location[256];
};
void openstack_reply_done(struct openstack_reply *r);
static inline void own_openstack_reply_done(struct openstack_reply *r)
{
        openstack_reply_done(r);
}

/* 'ret' is emptied first and holds refusals' bodies too. */
int openstack_call(struct openstack_session *s, const struct openstack_call *call,
                   struct openstack_reply *ret, struct fault *why);
