#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 requests out of bytes: strict about framing, so that no proxy in front can read a
 * message differently. Knows no socket and no clock. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http_method {
        HTTP_GET,
        HTTP_HEAD,
        HTTP_POST,
        HTTP_PUT,
        HTTP_DELETE,
        HTTP_PATCH,
        HTTP_OPTIONS,
        HTTP_OTHER,
        HTTP_METHOD_N,
};
extern const char *const http_method_name[HTTP_METHOD_N];

enum {
        HTTP_LINE_MAX = 8192,       /* the request line; longer: 414 */
        HTTP_HEAD_MAX = 16384,      /* line and header fields; longer: 431 */
        HTTP_FIELDS_MAX = 64,       /* more: 431 */
        HTTP_BODY_MAX = 112 * 1024, /* longer: 413 */
        HTTP_INPUT_MAX = HTTP_HEAD_MAX + 2 * HTTP_BODY_MAX, /* a request with its chunk sizes */
};

struct http_field {
        const char *name;  /* lower case */
        const char *value; /* without blanks around it */
};
/* What was asked. All texts point into the bytes that were parsed. */
struct http_message {
        enum http_method method;
        char *path;  /* as sent, still percent-encoded; starts with '/' */
        char *query; /* after '?', or "" */
        struct http_field fields[HTTP_FIELDS_MAX];
        size_t n_fields;
        const char *body; /* NUL-terminated for convenience; may hold NULs */
        size_t n_body;
        bool keep_alive;
};
/* The field's value or NULL; 'name' in lower case. Of several the first. */
const char *http_message_field(const struct http_message *m, const char *name);

/* Where parsing one request stands. Start with { 0 }. */
struct http_parse {
        size_t n_head; /* bytes up to and with the empty line; 0: not yet seen */
        size_t at;     /* everything before has been looked at */
        size_t n_body; /* bytes of the body decoded so far (chunked) or announced (length) */
        size_t chunk_left;
        uintptr_t base; /* where the bytes stood when the head was read */
        int step;
        bool chunked;
        bool wants_continue; /* the client waits for "100 Continue" before it sends the body */
        struct http_message message;
};
enum { HTTP_MORE, HTTP_DONE };
/* Looks at 'bytes' (all of the request so far, the same start at every call, with room for one more
 * byte after 'n'). HTTP_MORE: call again with more; HTTP_DONE: 'p->message' is whole and
 * '*ret_used' bytes belong to it; otherwise the HTTP status (400, 413, …) to refuse it with, and
 * '*ret_why' says why. On DONE the bytes have been rewritten in place (names in lower case, texts
 * terminated, chunks joined), and the byte after the last used one was saved in '*ret_saved': the
 * caller puts it back when it is done with the message. */
int http_parse(struct http_parse *p, char *bytes, size_t n, size_t *ret_used, char *ret_saved,
               const char **ret_why);

/* Decodes %XX in place. False when that is malformed or hides a NUL. With 'plus', '+' is a blank.
 */
bool http_percent_decode(char *text, bool plus);
