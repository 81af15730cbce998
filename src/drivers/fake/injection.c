/* SPDX-License-Identifier: Apache-2.0 */
/* Injections: read from JSON, asked by id, and waited out. */
#include "drivers/fake/injection.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "model/json.h"

const char *injection_refuses(const struct injection *i, const char *id)
{
        if (*i->refuse)
                return i->refuse;
        for (int n = 0; n < i->n_refuse_ids; n++)
                if (strcmp(i->refuse_ids[n], id) == 0)
                        return "The device refused this object.";
        return NULL;
}

static void wait_until(int64_t mono_ms)
{
        int64_t left;

        while ((left = mono_ms - clock_mono_ms()) > 0)
                poll(NULL, 0, (int)left);
}

static bool no_answer(struct fault *why, const char *family, const char *how, const char *message)
{
        char type[64];

        snprintf(type, sizeof type, "%s.%s", family, how);
        fault_set(why, 503, type, "%s", message);
        if (why)
                why->retry_after_ms = 1000;
        return false;
}

bool injection_enter(const struct injection *i, const char *family, bool real_time,
                     int64_t deadline_mono_ms, struct fault *why)
{
        int64_t now = real_time ? clock_mono_ms() : 0;
        bool in_time = !i->hang && (!real_time || now + i->latency_ms <= deadline_mono_ms);

        if (i->unreachable)
                return no_answer(why, family, "unreachable", "The fake device cannot be reached.");
        if (real_time)
                wait_until(in_time ? now + i->latency_ms : deadline_mono_ms);
        return in_time || no_answer(why, family, "timeout",
                                    "The fake device did not answer before the deadline.");
}

static bool read_ids(const json_t *list, struct injection *ret, struct fault *why)
{
        const json_t *item;
        size_t n;

        json_array_foreach(list, n, item) {
                if (n == INJECTION_IDS || !TEXT_SET(ret->refuse_ids[n], json_string_value(item))) {
                        fault_set(why, 400, "message.invalid",
                                  "refuse_ports: at most %d ids can be named.", INJECTION_IDS);
                        return false;
                }
                ret->n_refuse_ids = (int)n + 1;
        }
        return true;
}

int injection_from_json(const json_t *doc, struct injection *ret, struct fault *why)
{
        struct injection i = { 0 };

        if (!json_read_text(doc, "refuse", JSON_OPTIONAL, i.refuse, sizeof i.refuse, why) ||
            !json_read_bool(doc, "unreachable", JSON_OPTIONAL, &i.unreachable, why) ||
            !json_read_bool(doc, "busy", JSON_OPTIONAL, &i.busy, why) ||
            !json_read_bool(doc, "hang", JSON_OPTIONAL, &i.hang, why) ||
            !json_read_bool(doc, "half", JSON_OPTIONAL, &i.half, why) ||
            !json_read_bool(doc, "lie", JSON_OPTIONAL, &i.lie, why) ||
            !json_read_int(doc, "latency_ms", JSON_OPTIONAL, 0, 600000, &i.latency_ms, why) ||
            !read_ids(json_object_get(doc, "refuse_ports"), &i, why))
                return CONTROL_BAD;
        *ret = i;
        return CONTROL_OK;
}

int control_file_read(struct control_file *c, json_t **ret, struct fault *why)
{
        struct stat s = { 0 };
        json_error_t error;
        json_t *doc;

        *ret = NULL;
        if (!c->path || !*c->path)
                return CONTROL_OK;
        if (stat(c->path, &s) != 0 && errno != ENOENT)
                return err_raise(-errno);
        if (s.st_mtim.tv_sec == c->mtime.tv_sec && s.st_mtim.tv_nsec == c->mtime.tv_nsec &&
            s.st_size == c->size)
                return CONTROL_OK;
        doc = s.st_size ? json_load_file(c->path, JSON_REJECT_DUPLICATES, &error) : json_object();
        if (!json_is_object(doc)) {
                json_decref(doc);
                fault_set(why, 500, "fake.control_file", "%s is no JSON object.", c->path);
                return CONTROL_BAD;
        }
        c->mtime = s.st_mtim;
        c->size = s.st_size;
        *ret = doc;
        return CONTROL_OK;
}
