#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP as a client: one call at a time, answered or given up before its deadline. Follows no
 * redirect, so that a token never goes to a host nobody configured. A client is for one thread at a
 * time; several threads have one each. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/own.h"
#include "base/text.h"

enum { HTTP_CLIENT_BODY_MAX = 8 << 20, HTTP_CLIENT_HEADERS_MAX = 64 << 10 };

/* Answers. Each but the first comes with a fault; those of UNREACHABLE and TIMEOUT may be tried
 * again. After a TIMEOUT or a BAD_ANSWER (cut off, not HTTP) the server may or may not have done
 * what was asked. */
enum {
        HTTP_CLIENT_DONE,
        HTTP_CLIENT_UNREACHABLE,
        HTTP_CLIENT_TIMEOUT,
        HTTP_CLIENT_TOO_MUCH,
        HTTP_CLIENT_BAD_ANSWER,
};

struct http_client;
/* 'ca_file' is "" for the system's certificates; 'insecure' accepts any certificate. */
int http_client_new(const char *ca_file, bool insecure, struct http_client **ret);
struct http_client *http_client_free(struct http_client *c);
OWN_DEFINE(struct http_client *, http_client_free)

struct http_call {
        const char *method, *url;   /* http:// or https:// */
        const char *const *headers; /* "Name: value", NULL-terminated; NULL: none */
        const char *body;           /* NULL: none */
        size_t n_body;
        int64_t deadline_mono_ms;
        /* An answer of text/event-stream is handed out as it comes, and not kept; NULL: kept like
         * any other. It is given up when nothing comes for HTTP_CLIENT_SILENCE_S. */
        void (*on_stream)(void *user, const char *bytes, size_t n);
        void *user;
};
enum { HTTP_CLIENT_SILENCE_S = 45 };
struct http_reply {
        int status;
        struct text headers; /* lines "Name: value\n" of the last answer */
        struct text body;
};
void http_reply_done(struct http_reply *r);
static inline void own_http_reply_done(struct http_reply *r)
{
        http_reply_done(r);
}

/* 'ret' is emptied first. A message of 'why' names scheme, host and port of the URL, never its
 * rest. */
int http_client_call(struct http_client *c, const struct http_call *call, struct http_reply *ret,
                     struct fault *why);
/* The value of the header 'name' (any case) into 'value'; false when it is not there or does not
 * fit. */
bool http_reply_header(const struct http_reply *r, const char *name, char *value, size_t size);
/* Milliseconds of Retry-After written in seconds, at most an hour; 0 when there is none. */
int64_t http_reply_retry_after_ms(const struct http_reply *r);
