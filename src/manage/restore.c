/* SPDX-License-Identifier: Apache-2.0 */
/* A database that was restored from a backup under a running network: its beginning, what was found
 * since, and an operator's word on that. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "base/uuid.h"
#include "manage/manage.h"
#include "messages/topics.h"
#include "store/pg.h"
#include "store/rows.h"
#include "store/tables.h"

enum { CONNECT_S = 5, TRIES = 3, CALL_MS = 30000 };

static int refuse(int code, const char *problem)
{
        struct fault why = { 0 };

        fault_set(&why, code, "restore.refused", "%s.", problem);
        return manage_refuse(&why);
}

static int open_store(struct manage *m, struct store **ret)
{
        struct fault why = { 0 };
        int r = store_schema_check(m->settings->connection, &why);

        r = r ? r : store_pg_new(m->settings->connection, CONNECT_S, ret, &why);
        return r == 0 ? MANAGE_OK : r < 0 ? err_pass(r) : manage_refuse(&why);
}

/* ---- begin, end ---- */

/* The row as it is now, zero where there is none. */
static int read_control(struct store *store, struct control *ret)
{
        OWN(store_rows_done) struct store_rows rows = { 0 };
        const char *name = CONTROL_RESTORE;
        int r = store_begin(store);

        r = r ? r : store_select(store, &store_tables[T_CONTROL], "name", &name, 1, true, &rows);
        r = r ? r : store_flush(store);
        *ret = (struct control){ .name = CONTROL_RESTORE };
        if (r == STORE_OK && rows.n)
                *ret = *(const struct control *)rows.rows;
        return r;
}

static int try_set(struct store *store, bool is_on)
{
        struct event e = { .object_type = "control" };
        struct control row;
        const void *rows[] = { &row };
        int r = read_control(store, &row);

        if (r)
                return r;
        row.is_on = is_on;
        if (is_on)
                row.since_ms = clock_wall_ms() > row.since_ms ? clock_wall_ms() : row.since_ms + 1;
        if (is_on)
                TEXT_SET(row.reason, "An operator restored the database.");
        TEXT_SET(e.type, is_on ? "control.restore" : "control.restored");
        TEXT_SET(e.reason, is_on ? row.reason : "");
        r = store_put(store, &store_tables[T_CONTROL], rows, 1);
        r = r ? r : audit_put(store, &e);
        return r ? r : store_commit(store);
}

static int set_control(struct manage *m, bool is_on)
{
        OWN(store_free) struct store *store = NULL;
        int r = open_store(m, &store), answer = STORE_RETRY;

        if (r)
                return r;
        for (int i = 0; i < TRIES && answer == STORE_RETRY; i++)
                answer = try_set(store, is_on);
        if (answer < 0)
                return err_pass(answer);
        return answer == STORE_OK ? MANAGE_OK
                                  : refuse(503, "The database did not take it; try again");
}

int restore_begin(struct manage *m)
{
        struct fault why = { 0 };
        int r = store_schema_check(m->settings->connection, &why);

        r = r ? r : store_events_renew(m->settings->connection, &why);
        if (r)
                return r < 0 ? err_pass(r) : manage_refuse(&why);
        r = set_control(m, true);
        if (r == MANAGE_OK)
                puts("Each gateway is read before anything is changed there. Start the conductors, then see "
                     "`restore status`.");
        return r;
}

int restore_end(struct manage *m)
{
        int r = set_control(m, false);

        if (r == MANAGE_OK)
                puts("Nobody waits any more for gateways that were not read; each is read when it comes back.");
        return r;
}

/* ---- status ---- */

struct state {
        struct control control;
        struct store_rows gateways, found, links;
};

static int read_state(struct store *store, struct state *ret)
{
        const char *const any[] = { "true", "false" };
        const char *const kinds[] = { "0", "1" };
        const char *const error[] = { "4" };
        int r = read_control(store, &ret->control);

        r = r ? r
              : store_select(store, &store_tables[T_GATEWAY], "reachable", any, 2, false,
                             &ret->gateways);
        r = r ? r
              : store_select(store, &store_tables[T_FOUND], "kind", kinds, 2, false, &ret->found);
        r = r ? r
              : store_select(store, &store_tables[T_VLINK], "provisioning", error, 1, false,
                             &ret->links);
        r = r ? r : store_flush(store);
        store_rollback(store);
        return r;
}

static const struct gateway *gateway_of(const struct state *s, const char *id)
{
        for (size_t i = 0; i < s->gateways.n; i++) {
                const struct gateway *g =
                        store_rows_at(&s->gateways, &store_tables[T_GATEWAY], i);

                if (text_equal(g->id, id))
                        return g;
        }
        return NULL;
}

static size_t print_unread(const struct state *s)
{
        size_t n = 0;

        for (size_t i = 0; i < s->gateways.n; i++) {
                const struct gateway *g =
                        store_rows_at(&s->gateways, &store_tables[T_GATEWAY], i);

                if (g->read_ms == s->control.since_ms)
                        continue;
                printf("unread   %s gateway %s at %s%s\n", g->id, g->name, g->site_name,
                       g->reachable ? "" : ", which is out of reach");
                n++;
        }
        return n;
}

static void print_found(const struct state *s)
{
        for (size_t i = 0; i < s->found.n; i++) {
                const struct found *f = store_rows_at(&s->found, &store_tables[T_FOUND], i);
                const struct gateway *g = gateway_of(s, f->gateway_id);

                printf("found    %s ", f->link_id[0] ? f->link_id : f->id);
                if (!f->number)
                        printf("something at %s/%s that was not described yet\n",
                               g ? g->site_name : "?", g ? g->name : "?");
                else if (f->kind == WORK_ATTACHMENT)
                        printf("access side at %s/%s, tag %lld, VPN %s%s%s\n",
                               g ? g->site_name : "?", g ? g->name : "?", (long long)f->number,
                               f->vpn_id, f->network_id[0] ? ", network " : "", f->network_id);
                else
                        printf("link end at %s/%s, label %lld, peer %s label %lld, %lld/%lld kbit/s, VPN %s\n",
                               g ? g->site_name : "?", g ? g->name : "?", (long long)f->number,
                               f->peer_address[0] ? f->peer_address : "?", (long long)f->peer_label,
                               (long long)f->tx_kbps, (long long)f->rx_kbps, f->vpn_id);
        }
}

static size_t print_missing(const struct state *s)
{
        size_t n = 0;

        for (size_t i = 0; i < s->links.n; i++) {
                const struct vlink *l = store_rows_at(&s->links, &store_tables[T_VLINK], i);

                if (!text_starts(l->status_reason, "The database was restored"))
                        continue;
                printf("missing  %s %s, project %s: its gateways do not hold it\n", l->id, l->name,
                       l->project_id);
                n++;
        }
        return n;
}

int restore_status(struct manage *m)
{
        OWN(store_free) struct store *store = NULL;
        struct state s = { 0 };
        char since[24];
        int r = open_store(m, &store), answer;

        if (r)
                return r;
        answer = read_state(store, &s);
        if (answer == STORE_OK && !s.control.since_ms)
                puts("The database was never restored.");
        if (answer == STORE_OK && s.control.since_ms) {
                clock_format(s.control.since_ms, since, sizeof since);
                printf("restored %s %s\n", since, s.control.reason);
        }
        if (answer == STORE_OK) {
                size_t n_unread = print_unread(&s), n_missing = print_missing(&s);

                print_found(&s);
                printf("%zu of %zu gateways unread, %zu objects found, %zu links missing.\n",
                       n_unread, s.gateways.n, s.found.n, n_missing);
        }
        store_rows_done(&s.gateways);
        store_rows_done(&s.found);
        store_rows_done(&s.links);
        if (answer < 0)
                return err_pass(answer);
        return answer == STORE_OK ? MANAGE_OK : refuse(503, "The database did not answer; try again");
}

/* ---- adopt, discard ---- */

struct answer {
        int fd; /* readable once it is there */
        struct fault fault;
};

static void on_reply(const json_t *result, const struct fault *failure, void *user)
{
        struct answer *a = user;

        (void)result;
        if (failure)
                a->fault = *failure;
        eventfd_write(a->fd, 1);
}

/* Asks a conductor as an operator. */
static int ask(struct manage *m, const char *method, const json_t *args)
{
        OWN(bus_free) struct bus *bus = NULL;
        struct answer answer = { .fd = eventfd(0, EFD_CLOEXEC) };
        struct pollfd p = { .fd = answer.fd, .events = POLLIN };
        struct fault why = { 0 };
        char id[UUID_TEXT];
        json_auto_t *context = NULL;
        int r = answer.fd < 0 ? err_raise(-errno)
                              : bus_new("atlas-manage", &m->settings->bus, &bus, &why);

        uuid_new(id);
        context = json_pack("{s:s+, s:s, s:s, s:b}", "request_id", "req-", id, "project_id",
                            "atlas-manage", "user_id", manage_user(), "is_admin", 1);
        if (r == 0)
                r = bus_call(bus, TOPIC_CONDUCTOR, NULL, method, args, context, CALL_MS, on_reply,
                             &answer);
        if (r == 0 && poll(&p, 1, CALL_MS + 5000) <= 0)
                fault_set(&answer.fault, 503, "bus.timeout", "No conductor answered.");
        bus = bus_free(bus);
        if (answer.fd >= 0)
                close(answer.fd);
        if (r)
                return r < 0 ? err_pass(r) : manage_refuse(&why);
        return fault_is_set(&answer.fault) ? manage_refuse(&answer.fault) : MANAGE_OK;
}

static int decide(struct manage *m, const char *method, const char *done)
{
        json_auto_t *args = json_pack("{ss}", "virtual_link_id", m->word);
        int r;

        if (!uuid_valid(m->word))
                return refuse(400, "LINK is an id of `restore status`");
        if (m->project)
                json_object_set_new(args, "project_id", json_string(m->project));
        r = ask(m, method, args);
        if (r == MANAGE_OK)
                printf("%s %s\n", m->word, done);
        return r;
}

int restore_adopt(struct manage *m)
{
        return decide(m, "adopt_virtual_link", "is a virtual link; see `atlas link show`.");
}

int restore_discard(struct manage *m)
{
        return decide(m, "discard_virtual_link", "goes.");
}
