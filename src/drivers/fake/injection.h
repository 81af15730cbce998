#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* What every fake driver can be told to do wrong, and the files by which it is told and by which
 * several processes share one pretended device. Knows no driver. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/fault.h"
#include "base/own.h"
#include "model/limits.h"

enum { INJECTION_IDS = 64 };

struct injection {
        char refuse[256];       /* every object is refused with this sentence */
        char refuse_ids[INJECTION_IDS][ID_SIZE]; /* only these are refused */
        int n_refuse_ids;
        bool busy;              /* what is refused may be asked for again later */
        bool unreachable;       /* no answer at all, at once */
        bool hang;              /* no answer until the deadline */
        bool half;              /* half of the work is done, then the session breaks */
        bool lie;               /* says done and does nothing */
        int64_t latency_ms;     /* before each verb */
};
/* The sentence with which 'id' is refused, or NULL. Lent. */
const char *injection_refuses(const struct injection *i, const char *id);
/* Waits out latency and hanging. False, with 'why' (503, "<family>.unreachable" or
 * "<family>.timeout"), when the verb ends here. Without 'real_time' nothing is waited for: a hanging verb
 * ends at once as if its deadline had come. */
bool injection_enter(const struct injection *i, const char *family, bool real_time,
                     int64_t deadline_mono_ms, struct fault *why);

/* A control file: {"refuse": "text", "refuse_ports": [ids], "busy": true, "unreachable": true, "hang": true,
 * "half": true, "lie": true, "latency_ms": n}. */
struct control_file {
        char *path;             /* "" or NULL: none */
        struct timespec mtime;
        int64_t size;
};
/* Reads the file when it changed since the last call; '*ret' is then a new document (NULL: unchanged; an
 * empty object when the file is gone). Positive: CONTROL_BAD with 'why'. */
enum { CONTROL_OK, CONTROL_BAD };
int control_file_read(struct control_file *c, json_t **ret, struct fault *why);
int injection_from_json(const json_t *doc, struct injection *ret, struct fault *why);

/* A state file under a lock of its own ("PATH.lock"). '*ret' is NULL when there is no file yet. */
int state_file_lock(const char *path, int *ret_fd);
void state_file_unlock(int fd);
int state_file_load(const char *path, json_t **ret);
int state_file_store(const char *path, const json_t *doc); /* replaced in one step */
