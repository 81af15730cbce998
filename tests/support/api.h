#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A real atlas-api on a free port, and a client for it. */

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "http/client.h"

struct api_process {
        char dir[64];
        char base[64]; /* "http://127.0.0.1:port" */
        pid_t pid;
        struct http_client *client;
};
/* 'extra': lines of [DEFAULT]. Ends the test program when it cannot be started. */
void api_start(struct api_process *p, const char *program, const char *transport_url, const char *connection,
               const char *extra);
/* SIGTERM; its exit status as of waitpid(). */
int api_stop(struct api_process *p);

/* One request. 'headers' NULL-terminated or NULL; 'body' NULL for none. The answer's status; its body parsed (NULL if it is no JSON) in
 * '*ret_json', its header lines in 'ret_headers' (either may be NULL). 0: no answer. */
int api_ask(struct api_process *p, const char *method, const char *path, const char *const *headers,
            const char *body, json_t **ret_json, struct text *ret_headers);
