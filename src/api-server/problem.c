/* SPDX-License-Identifier: Apache-2.0 */
#include "api-server/problem.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *title_of(int code)
{
        static const struct {
                int code;
                const char *title;
        } titles[] = {
                /* clang-format off */
                { 400, "Bad Request" }, { 401, "Unauthorized" }, { 403, "Forbidden" },
                { 404, "Not Found" }, { 405, "Method Not Allowed" }, { 408, "Request Timeout" },
                { 409, "Conflict" }, { 412, "Precondition Failed" }, { 413, "Content Too Large" },
                { 414, "URI Too Long" }, { 417, "Expectation Failed" }, { 429, "Too Many Requests" },
                { 431, "Request Header Fields Too Large" }, { 501, "Not Implemented" },
                { 503, "Service Unavailable" }, { 505, "HTTP Version Not Supported" },
                /* clang-format on */
        };

        for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
                if (titles[i].code == code)
                        return titles[i].title;
        return "Internal Server Error";
}

/* Messages repeat what others wrote and may have been cut inside a character. */
static const char *printable(const char *message, char room[sizeof(((struct fault *)0)->message)])
{
        if (text_utf8_valid(message, strlen(message)))
                return message;
        text_copy(room, sizeof(((struct fault *)0)->message), message);
        for (char *c = room; *c; c++)
                if ((unsigned char)*c >= 0x80)
                        *c = '?';
        return room;
}

void problem_render(const struct fault *f, const char *request_id, struct text *ret)
{
        char room[sizeof f->message];
        json_t *details =
                f->details[0] ? json_loads(f->details, JSON_REJECT_DUPLICATES, NULL) : NULL;
        json_auto_t *problem = json_pack(
                "{s{si ss ss ss ss so ss}}", "error", "code", f->code, "type", f->type, "title",
                title_of(f->code), "message", printable(f->message, room), "detail", "", "details",
                details ? details : json_object(), "request_id", request_id);
        char *bytes = problem ? json_dumps(problem, JSON_COMPACT) : NULL;

        text_add(ret, bytes ? bytes : "{\"error\":{\"code\":500,\"message\":\"Out of memory.\"}}");
        free(bytes);
}

int problem_unknown(struct fault *ret, const char *noun, const char *id)
{
        return fault_set(ret, 404, "not_found", "%s %.100s could not be found.", noun, id);
}

int problem_internal(struct fault *ret)
{
        return fault_set(ret, 500, "internal",
                         "The request failed here; the operator finds why "
                         "under its request id.");
}

int problem_unavailable(struct fault *ret, const char *what)
{
        fault_set(ret, 503, "service.unavailable",
                  "The %s cannot be reached at the moment; nothing was done, try again.", what);
        ret->retry_after_ms = 2000;
        return ret->code;
}
