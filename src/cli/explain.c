/* SPDX-License-Identifier: Apache-2.0 */
/* How a link is, what it waits for and what to do, in plain words: out of the link, its last
 * operation, its ports, and the sites and gateways they are at. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "base/uuid.h"
#include "cli/cell.h"
#include "cli/cli.h"
#include "cli/steps.h"

struct story {
        struct cli *c;
        struct text text;
        json_t *link, *operation, *ports;
        int n_waited; /* things that it waits for */
};

static void story_done(struct story *s)
{
        text_done(&s->text);
        json_decref(s->link);
        json_decref(s->operation);
        json_decref(s->ports);
}

static void own_story_done(struct story *s)
{
        story_done(s);
}

static const char *text_of(const json_t *object, const char *key)
{
        const char *text = json_string_value(json_object_get(object, key));

        return text ? text : "";
}

static bool running(const struct story *s)
{
        return text_equal(text_of(s->operation, "status"), "running");
}

/* ---- fetching ---- */

/* Leaves '*ret' NULL when there is none. */
static int fetch_maybe(struct cli *c, const struct noun *n, const char *id, json_t **ret)
{
        OWN(openstack_reply_done) struct openstack_reply reply = { 0 };
        char path[128];
        int r;

        snprintf(path, sizeof path, "%s/%s", n->path, id);
        r = service_look(c, path, &reply);
        if (r == CLI_REFUSED && reply.status == 404)
                return CLI_OK;
        if (r == CLI_UNREACHABLE) /* once more, to tell why */
                r = noun_fetch(c, n, id, ret);
        else if (r == CLI_OK)
                *ret = json_incref(json_object_get(reply.body, n->one));
        return r < 0 ? err_pass(r) : r;
}

static int fetch_last_operation(struct story *s)
{
        OWN(text_done) struct text path = { 0 };
        json_auto_t *list = NULL;
        const char *id = text_of(s->link, "operation_id");
        int r = CLI_OK;

        if (!*id) {
                text_add(&path, noun_operation.path);
                service_query(&path, "virtual_link_id", text_of(s->link, "id"));
                service_query(&path, "sort_key", "started_at");
                service_query(&path, "sort_dir", "desc");
                service_query(&path, "limit", "1");
                if (path.failed)
                        return err_raise(-ENOMEM);
                r = noun_fetch_page(s->c, &noun_operation, path.bytes, &list);
                id = text_of(json_array_get(list, 0), "id");
        }
        if (r == CLI_OK && *id)
                r = fetch_maybe(s->c, &noun_operation, id, &s->operation);
        return r < 0 ? err_pass(r) : r;
}

/* 'word' is a link's name or id, or an operation's id. */
static int fetch_all(struct story *s, const char *word)
{
        OWN(text_done) struct text path = { 0 };
        char id[ID_SIZE];
        int r = find_id(s->c, &noun_link, word, NULL, id);

        r = r ? r : fetch_maybe(s->c, &noun_link, id, &s->link);
        if (r == CLI_OK && !s->link) {
                r = fetch_maybe(s->c, &noun_operation, id, &s->operation);
                if (r == CLI_OK && s->operation)
                        r = fetch_maybe(s->c, &noun_link, text_of(s->operation, "virtual_link_id"),
                                        &s->link);
        }
        if (r || !s->link)
                return r < 0 ? err_pass(r) : r;
        if (!s->operation)
                r = fetch_last_operation(s);
        text_add(&path, noun_port.path);
        service_query(&path, "virtual_link_id", text_of(s->link, "id"));
        if (path.failed)
                return err_raise(-ENOMEM);
        r = r ? r : noun_fetch_list(s->c, &noun_port, path.bytes, &s->ports);
        r = r ? r : noun_link.dress(s->c, s->link);
        return r < 0 ? err_pass(r) : r;
}

/* ---- telling ---- */

static const json_t *by_id(const json_t *list, const char *id)
{
        const json_t *item;
        size_t i;

        json_array_foreach (list, i, item) {
                if (text_equal(text_of(item, "id"), id))
                        return item;
        }
        return NULL;
}

static void tell_link(struct story *s)
{
        static const struct {
                const char *status, *words;
        } rows[] = {
                { "BUILD", "It is being made" },
                { "ACTIVE", "It works: both ends were read back from their gateways" },
                { "DEGRADED", "It works in part" },
                { "DOWN", "It carries nothing" },
                { "ERROR", "It is in error" },
                { "UNKNOWN", "A site of it was not heard of lately, so nobody knows" },
        };
        const char *status = text_of(s->link, "status"),
                   *reason = text_of(s->link, "status_reason");
        const char *verified = text_of(s->link, "verified_at"), *words = status;
        OWN(text_done) struct text bandwidth = { 0 };

        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
                if (text_equal(rows[i].status, status))
                        words = rows[i].words;
        if (json_is_false(json_object_get(s->link, "admin_state_up")))
                words = "It is switched off; its bandwidth is kept";
        cell_add(&bandwidth, json_object_get(s->link, "bandwidth"));
        text_addf(&s->text, "Link %s (%s) joins %s and %s with %s.\n%s%s%s",
                  text_of(s->link, "name"), text_of(s->link, "id"), text_of(s->link, "a_site"),
                  text_of(s->link, "z_site"), bandwidth.bytes ? bandwidth.bytes : "", words,
                  *reason ? ": " : "", reason);
        if (*verified)
                text_addf(&s->text, "%slast verified at %s",
                          text_equal(status, "ACTIVE") && !*reason ? ", " : "; ", verified);
        text_add(&s->text, ".\n");
}

static void tell_operation(struct story *s)
{
        const json_t *steps = json_object_get(s->operation, "steps");
        const json_t *last = json_array_get(steps, json_array_size(steps) - 1);
        const char *status = text_of(s->operation, "status"), *kind = text_of(s->operation, "type");
        const char *reason = text_of(s->operation, "status_reason");

        if (!s->operation)
                return;
        if (running(s))
                text_addf(&s->text, "Operation %s (%s) is at work since %s",
                          text_of(s->operation, "id"), kind, text_of(s->operation, "started_at"));
        else
                text_addf(&s->text, "Its last operation, %s (%s), %s at %s", kind,
                          text_of(s->operation, "id"),
                          text_equal(status, "preempted") ? "was given up"
                          : text_equal(status, "done")    ? "was done"
                                                          : "failed",
                          text_of(s->operation, "finished_at"));
        if (*reason)
                text_addf(&s->text, ": %s", reason);
        text_add(&s->text, ".\n");
        if (last && !text_equal(status, "done")) {
                text_addf(&s->text, "Its last step, at %s: ", text_of(last, "at"));
                step_add(&s->text, kind, last, false);
                text_add(&s->text, ".\n");
        }
}

static void waits_for(struct story *s)
{
        text_add(&s->text, s->n_waited++ == 0 ? "It waits for:\n  - " : "  - ");
}

/* Whether the operation wants the port to be there that is not, or gone that is there. */
static bool unconfirmed(const struct story *s, const json_t *port)
{
        const char *kind = text_of(s->operation, "type");
        bool there = text_equal(text_of(port, "status"), "ACTIVE");

        if (text_equal(kind, "create") || text_equal(kind, "enable"))
                return !there;
        return (text_equal(kind, "delete") || text_equal(kind, "disable")) && there;
}

/* The WAN's driver speaks for both ends. */
static void tell_wan(struct story *s)
{
        const char *domain = text_of(s->link, "wan_domain");
        const json_t *port;
        size_t i;

        json_array_foreach (s->ports, i, port) {
                const char *reason = text_of(port, "status_reason");

                if (!*domain || !running(s) || !unconfirmed(s, port))
                        continue;
                waits_for(s);
                text_addf(&s->text, "the WAN %s: it has not confirmed the circuit yet%s%s\n",
                          domain, *reason ? ": " : "", reason);
                return;
        }
}

static void tell_port(struct story *s, const json_t *port)
{
        bool of_wan = *text_of(s->link, "wan_domain");
        const json_t *site = by_id(s->c->sites, text_of(port, "site_id"));
        const json_t *gateway = by_id(s->c->gateways, text_of(port, "gateway_id"));
        const char *at = text_of(site, "name"), *name = text_of(gateway, "name");
        const char *reason = text_of(port, "status_reason"), *plug = text_of(port, "plug_status");
        bool silent = json_is_false(json_object_get(site, "alive"));
        bool away = json_is_false(json_object_get(gateway, "reachable"));

        if (silent) {
                waits_for(s);
                text_addf(&s->text, "site %s: its agents are silent since %s\n", at,
                          text_of(site, "last_seen_at"));
        } else if (away) {
                waits_for(s);
                text_addf(&s->text, "gateway %s at site %s: the site's agents cannot reach it\n",
                          name, at);
        } else if (running(s) && unconfirmed(s, port)) {
                if (of_wan)
                        return;
                waits_for(s);
                text_addf(&s->text, "gateway %s at site %s: it has not confirmed its end yet%s%s\n",
                          name, at, *reason ? ": " : "", reason);
                return;
        } else if (text_equal(plug, "plugging") || text_equal(plug, "unplugging")) {
                waits_for(s);
                text_addf(&s->text, "the cloud of site %s: the network is still %s\n", at,
                          *plug == 'p' ? "being plugged" : "being unplugged");
        }
        if (*reason)
                text_addf(&s->text, "  end at %s: %s\n", at, reason);
}

static void tell_next(struct story *s)
{
        const char *id = text_of(s->link, "id"), *status = text_of(s->link, "status");
        const char *request = text_of(s->operation, "request_id");

        if (s->n_waited == 0)
                text_add(&s->text, running(s) ? "Nothing is known to hold it up.\n"
                                              : "It waits for nothing.\n");
        if (running(s))
                text_addf(&s->text,
                          "next: it goes on by itself; `atlas watch --link %s` tells how, "
                          "`atlas link delete %s` gives it up\n",
                          id, id);
        else if (text_equal(status, "ERROR"))
                text_addf(
                        &s->text,
                        "next: `atlas link delete %s` takes it away, an operator's `atlas link retry %s` builds it "
                        "again and finds more by %s\n",
                        id, id, *request ? request : text_of(s->operation, "id"));
        else if (s->n_waited > 0)
                text_add(&s->text, "next: tell the operator of what is named above\n");
        else
                text_addf(&s->text, "next: `atlas link history %s` tells all that happened to it\n",
                          id);
}

int explain(struct cli *c)
{
        OWN(story_done) struct story s = { .c = c };
        const char *word = c->args->words[0];
        const json_t *port;
        size_t i;
        int r = fetch_all(&s, word);

        if (r)
                return r < 0 ? err_pass(r) : r;
        if (!s.link && !s.operation) {
                fprintf(c->outside->err,
                        "atlas: There is no link and no operation %s.\n  next: `atlas link history %s` "
                        "tells of a link that is gone\n",
                        word, word);
                return CLI_REFUSED;
        }
        if (s.link)
                tell_link(&s);
        else
                text_add(&s.text, "Its link is gone.\n");
        tell_operation(&s);
        tell_wan(&s);
        json_array_foreach (s.ports, i, port)
                tell_port(&s, port);
        if (s.link)
                tell_next(&s);
        if (s.text.failed)
                return err_raise(-ENOMEM);
        return fputs(s.text.bytes, c->outside->out) < 0 ? err_raise(-EIO) : CLI_OK;
}
