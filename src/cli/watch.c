/* SPDX-License-Identifier: Apache-2.0 */
/* What happens, as it happens: a stream of events where the service has one, else its list, asked
 * for again and again. Either way each event is told once, also over broken connections. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "cli/cell.h"
#include "cli/cli.h"
#include "cli/interrupt.h"
#include "cli/sse.h"

enum { AGAIN_MS = 1000 };

struct watcher {
        struct cli *c;
        struct text path; /* with its filters */
        struct sse stream;
        char after[SSE_ID_SIZE]; /* the last event that was told; "" before the first */
        bool silent;             /* that was said */
        int r;
};

static const char *text_of(const json_t *object, const char *key)
{
        const char *text = json_string_value(json_object_get(object, key));

        return text ? text : "";
}

/* Ctrl-C says where to go on. */
static void keep_place(const struct watcher *w)
{
        char words[256];

        if (w->after[0])
                snprintf(words, sizeof words,
                         "\natlas: Stopped.\n  next: `atlas watch --after %s` goes on from here\n",
                         w->after);
        else
                snprintf(words, sizeof words, "\natlas: Stopped.\n");
        interrupt_say(words, CLI_INTERRUPTED);
}

static int print_line(struct watcher *w, json_t *event)
{
        FILE *out = w->c->outside->out;
        OWN(text_done) struct text line = { 0 };

        if (w->c->args->format == FORMAT_JSON) {
                if (json_dumpf(event, out, JSON_COMPACT) != 0)
                        return err_raise(-EIO);
        } else if (w->c->args->n_columns > 0) {
                for (size_t i = 0; i < w->c->args->n_columns; i++) {
                        text_add(&line, i ? " " : "");
                        cell_add(&line, cell_find(event, w->c->args->columns[i]));
                }
        } else {
                text_addf(&line, "%s  %s %s  %s", text_of(event, "at"),
                          text_of(event, "object_type"), text_of(event, "object_id"),
                          text_of(event, "what")[0] ? text_of(event, "what")
                                                    : text_of(event, "type"));
        }
        if (line.failed)
                return err_raise(-ENOMEM);
        if (fprintf(out, "%s\n", line.bytes ? line.bytes : "") < 0 || fflush(out) != 0)
                return err_raise(-EIO);
        return CLI_OK;
}

static int tell(struct watcher *w, json_t *event)
{
        int r = noun_event.dress(w->c, event);

        r = r ? r : print_line(w, event);
        if (r)
                return err_pass(r);
        TEXT_SET(w->after, text_of(event, "id"));
        keep_place(w);
        return CLI_OK;
}

static void on_event(void *user, const char *data)
{
        struct watcher *w = user;
        json_auto_t *body = json_loads(data, JSON_REJECT_DUPLICATES, NULL);
        json_t *event = json_object_get(body, noun_event.one);

        if (w->r == CLI_OK && json_is_object(event))
                w->r = tell(w, event);
}

static void on_stream(void *user, const char *bytes, size_t n)
{
        struct watcher *w = user;

        w->silent = false;
        sse_feed(&w->stream, bytes, n, on_event, w);
        /* Also the place of events that are not for us. */
        if (w->stream.last_id[0] && strcmp(w->stream.last_id, w->after) != 0) {
                TEXT_SET(w->after, w->stream.last_id);
                keep_place(w);
        }
}

/* The service has only lists: what is new on the pages after the last event. The first time, when
 * nobody said after which, all is old. */
static int look(struct watcher *w, bool first)
{
        OWN(text_done) struct text path = { 0 };
        json_auto_t *list = NULL;
        json_t *event;
        size_t i;
        int r;

        text_add(&path, w->path.bytes);
        if (w->after[0])
                service_query(&path, "marker", w->after);
        if (path.failed)
                return err_raise(-ENOMEM);
        r = noun_fetch_list(w->c, &noun_event, path.bytes, &list);
        if (r)
                return r < 0 ? err_pass(r) : r == CLI_UNREACHABLE ? CLI_OK : r;
        json_array_foreach (list, i, event) {
                if (first)
                        TEXT_SET(w->after, text_of(event, "id"));
                r = first ? CLI_OK : tell(w, event);
                if (r)
                        return err_pass(r);
        }
        return CLI_OK;
}

static int follow(struct watcher *w)
{
        struct outside *o = w->c->outside;
        bool streams = true, first = !w->after[0];
        int r = CLI_OK;

        do {
                OWN(openstack_reply_done) struct openstack_reply reply = { 0 };

                if (streams)
                        r = service_stream(w->c, w->path.bytes, w->after[0] ? w->after : NULL,
                                           on_stream, w, &reply);
                sse_cut(&w->stream);
                if (w->r)
                        return err_pass(w->r);
                if (streams && r == CLI_UNREACHABLE && !w->silent) {
                        fprintf(o->err, "atlas: The service does not answer; asking again.\n");
                        w->silent = true;
                }
                if (r && r != CLI_UNREACHABLE)
                        return r < 0 ? err_pass(r) : r;
                if (r == CLI_OK && reply.body)
                        streams = false;
                if (!streams) {
                        r = look(w, first);
                        if (r)
                                return r < 0 ? err_pass(r) : r;
                }
                first = false;
        } while (o->pause(o, AGAIN_MS, INT64_MAX));
        return CLI_OK;
}

static void watcher_done(struct watcher *w)
{
        interrupt_clear();
        text_done(&w->path);
        sse_done(&w->stream);
}

static void own_watcher_done(struct watcher *w)
{
        watcher_done(w);
}

int watch(struct cli *c)
{
        OWN(watcher_done) struct watcher w = { .c = c };
        const char *after = c->args->value[OPT_AFTER], *link = c->args->value[OPT_LINK];
        char id[ID_SIZE];
        int r = CLI_OK;

        if (after && (!*after || after[strspn(after, "0123456789")] || !TEXT_SET(w.after, after)))
                return cli_usage_of(
                        c, "--after",
                        "is the number of an event, as `atlas event list -c id` tells it");
        text_add(&w.path, noun_event.path);
        if (link)
                r = find_id(c, &noun_link, link, NULL, id);
        if (r)
                return r < 0 ? err_pass(r) : r;
        if (link)
                service_query(&w.path, "object_id", id);
        if (arguments_has(c->args, OPT_TYPE))
                service_query(&w.path, "type", c->args->value[OPT_TYPE]);
        if (arguments_has(c->args, OPT_ALL_PROJECTS))
                service_query(&w.path, "all_projects", "true");
        if (w.path.failed)
                return err_raise(-ENOMEM);
        keep_place(&w);
        r = follow(&w);
        return r < 0 ? err_pass(r) : r;
}
