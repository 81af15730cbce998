/* SPDX-License-Identifier: Apache-2.0 */
/* The broker: who may use it, and for what. Users and permissions go through rabbitmqctl, for AMQP
 * has no words for them; the topology is then looked at over AMQP, as the programs will find it. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "base/uuid.h"
#include "bus/broker_url.h"
#include "bus/definitions.h"
#include "manage/child.h"
#include "manage/manage.h"
#include "manage/passwords.h"
#include "manage/peers.h"
#include "model/site.h"

enum { CHILD_MS = 60000, TOPOLOGY_MS = 20000 };

/* All there is to be made: the programs' users, one for each site and one for each peer. */
struct plan {
        struct bus_user *users;
        const char **names; /* of users, NULL-terminated */
        const char **sites; /* names, NULL-terminated */
        size_t n_users;
        struct passwords passwords;
        struct peers peers;
        struct store_rows rows;
};

static void plan_done(struct plan *p)
{
        for (size_t i = 0; i < p->n_users; i++)
                free((void *)(uintptr_t)p->names[i]);
        free(p->users);
        free(p->names);
        free(p->sites);
        passwords_done(&p->passwords);
        peers_done(&p->peers);
        store_rows_done(&p->rows);
}

static int add_user(struct plan *p, enum bus_role role, const char *site, const char *name)
{
        p->names[p->n_users] = strdup(name);
        if (!p->names[p->n_users])
                return err_raise(-ENOMEM);
        p->users[p->n_users] =
                (struct bus_user){ .name = p->names[p->n_users], .role = role, .site = site };
        p->n_users++;
        return MANAGE_OK;
}

static int add_peer(struct plan *p, const struct peer *peer)
{
        char name[128];
        int r;

        snprintf(name, sizeof name, "atlas-peer-%s", peer->name);
        r = add_user(p, BUS_ROLE_PEER, NULL, name);
        if (r == MANAGE_OK) {
                p->users[p->n_users - 1].serves = peer->serves;
                p->users[p->n_users - 1].sends = peer->sends;
        }
        return r;
}

static int plan_users(const struct manage *m, struct plan *p)
{
        size_t n = p->rows.n;
        struct fault why = { 0 };
        int r = peers_read(&p->peers, m->settings->peers, &why);

        if (r)
                return r < 0 ? err_pass(r) : manage_refuse(&why);

        p->users = calloc(n + p->peers.n + 2, sizeof *p->users);
        p->names = calloc(n + p->peers.n + 3, sizeof *p->names);
        p->sites = calloc(n + 1, sizeof *p->sites);
        if (!p->users || !p->names || !p->sites)
                return err_raise(-ENOMEM);
        r = add_user(p, BUS_ROLE_API, NULL, "atlas-api");
        r = r ? r : add_user(p, BUS_ROLE_CONDUCTOR, NULL, "atlas-conductor");
        for (size_t i = 0; i < n && r == MANAGE_OK; i++) {
                const struct site *s = (const struct site *)p->rows.rows + i;
                char name[sizeof "atlas-site-" + SITE_SIZE];

                snprintf(name, sizeof name, "atlas-site-%s", s->name);
                p->sites[i] = s->name;
                r = add_user(p, BUS_ROLE_SITE, s->name, name);
        }
        for (size_t i = 0; i < p->peers.n && r == MANAGE_OK; i++)
                r = add_peer(p, &p->peers.list[i]);
        return r;
}

/* ---- rabbitmqctl ---- */

/* The names it lists: '*ret' is an object with 'key' of each as a key. */
static int ask_names(const struct manage *m, const char *what, const char *key, json_t **ret)
{
        const char *const words[] = { "--quiet", what, "--formatter", "json", NULL };
        OWN(text_done) struct text output = { 0 };
        json_auto_t *list = NULL;
        json_auto_t *names = json_object();
        struct fault why = { 0 };
        const json_t *item;
        size_t i;
        int r = child_run(m->settings->rabbitmqctl, words, NULL, CHILD_MS, &output, &why);

        if (r)
                return r < 0 ? err_pass(r) : manage_refuse(&why);
        list = json_loadb(output.bytes, output.n, 0, NULL);
        if (!json_is_array(list)) {
                fault_set(&why, 502, "child.bad_answer",
                          "rabbitmqctl %s did not answer with a list in JSON.", what);
                return manage_refuse(&why);
        }
        json_array_foreach (list, i, item) {
                const char *name = json_string_value(json_object_get(item, key));

                if (name && json_object_set_new(names, name, json_true()) != 0)
                        return err_raise(-ENOMEM);
        }
        *ret = TAKE(names);
        return MANAGE_OK;
}

/* A vhost that is new is open to the administrator who made it; one that is there is left as it is.
 */
static int ensure_vhost(const struct manage *m, const struct broker_url *url)
{
        const char *const add[] = { "add_vhost", url->vhost, NULL };
        const char *const open[] = {
                "set_permissions", "-p", url->vhost, url->hosts[0].user, ".*", ".*", ".*", NULL
        };
        json_auto_t *known = NULL;
        struct fault why = { 0 };
        int r = ask_names(m, "list_vhosts", "name", &known);

        if (r || json_object_get(known, url->vhost))
                return r < 0 ? err_pass(r) : r;
        r = child_run(m->settings->rabbitmqctl, add, NULL, CHILD_MS, NULL, &why);
        r = r ? r : child_run(m->settings->rabbitmqctl, open, NULL, CHILD_MS, NULL, &why);
        if (r)
                return r < 0 ? err_pass(r) : manage_refuse(&why);
        return MANAGE_OK;
}

/* ---- passwords ---- */

static int read_passwords(const struct manage *m, struct plan *p)
{
        struct fault why = { 0 };
        const char *stranger;
        int r = PASSWORDS_OK;

        if (m->write_passwords)
                r = passwords_read(&p->passwords, m->write_passwords, true, &why);
        if (r == PASSWORDS_OK && m->password_file)
                r = passwords_read(&p->passwords, m->password_file, false, &why);
        if (r)
                return r < 0 ? err_pass(r) : manage_refuse(&why);
        stranger = passwords_stranger(&p->passwords, p->names);
        if (!stranger)
                return MANAGE_OK;
        fault_set(
                &why, 400, "passwords.stranger",
                "There is a password for %.100s, which is no user of ours: they are atlas-api, atlas-conductor, "
                "atlas-site-NAME for each site (`atlas-manage site list` shows them) and atlas-peer-NAME for each of [bus] peers.",
                stranger);
        return manage_refuse(&why);
}

static bool lacks_password(const struct plan *p)
{
        for (size_t i = 0; i < p->n_users; i++)
                if (!passwords_get(&p->passwords, p->names[i]))
                        return true;
        return false;
}

/* A user that is there keeps its password; one that is new gets one, which must be kept somewhere.
 */
static int make_passwords(const struct manage *m, struct plan *p)
{
        json_auto_t *known = NULL;
        struct fault why = { 0 };
        int r = lacks_password(p) ? ask_names(m, "list_users", "user", &known) : MANAGE_OK;

        for (size_t i = 0; i < p->n_users && r == MANAGE_OK; i++) {
                const char *name = p->names[i];
                char made[UUID_HEX];

                if (passwords_get(&p->passwords, name) || json_object_get(known, name))
                        continue;
                if (m->settings->client_certificates) {
                        p->users[i].password = "";
                        continue;
                }
                if (!m->write_passwords) {
                        fault_set(
                                &why, 400, "passwords.none",
                                "There is no password for the new user %.100s: give one by --password-file FILE, or "
                                "have it made by --write-passwords FILE.",
                                name);
                        return manage_refuse(&why);
                }
                uuid_new_hex(made);
                r = passwords_set(&p->passwords, name, made);
                explicit_bzero(made, sizeof made);
        }
        if (r == MANAGE_OK && m->write_passwords) {
                r = passwords_write(&p->passwords, m->write_passwords, &why);
                if (r > 0)
                        return manage_refuse(&why);
        }
        for (size_t i = 0; i < p->n_users && r == MANAGE_OK; i++)
                if (passwords_get(&p->passwords, p->names[i]))
                        p->users[i].password = passwords_get(&p->passwords, p->names[i]);
        return r < 0 ? err_pass(r) : r;
}

/* ---- the broker ---- */

static int import(const struct manage *m, const struct plan *p)
{
        static const char *const words[] = { "import_definitions", NULL };
        OWN(broker_url_free) struct broker_url *url = NULL;
        OWN(text_done) struct text definitions = { 0 };
        struct fault why = { 0 };
        int r = broker_url_parse(m->settings->bus.transport_url, &url, &why);

        if (r)
                return r < 0 ? err_pass(r) : manage_refuse(&why);
        r = ensure_vhost(m, url);
        if (r)
                return r < 0 ? err_pass(r) : r;
        r = bus_definitions(&m->settings->bus, url->vhost, p->users, p->n_users, p->sites,
                            &definitions);
        r = r ? r : child_run(m->settings->rabbitmqctl, words, &definitions, CHILD_MS, NULL, &why);
        r = r ? r : bus_topology_sync(&m->settings->bus, p->sites, TOPOLOGY_MS, &why);
        if (r)
                return r < 0 ? err_pass(r) : manage_refuse(&why);
        printf("Exchange %s in vhost %s; users:\n", m->settings->bus.control_exchange, url->vhost);
        for (size_t i = 0; i < p->n_users; i++)
                printf("  %s%s\n", p->names[i],
                       !p->users[i].password    ? " (password kept)"
                       : !*p->users[i].password ? " (by certificate)"
                                                : "");
        return MANAGE_OK;
}

int bus_sync(struct manage *m)
{
        __attribute__((cleanup(plan_done))) struct plan p = { 0 };
        int r = sites_read(m->settings->connection, &p.rows);

        r = r ? r : plan_users(m, &p);
        r = r ? r : read_passwords(m, &p);
        r = r ? r : make_passwords(m, &p);
        r = r ? r : import(m, &p);
        return r < 0 ? err_pass(r) : r;
}

/* ---- one user ---- */

static int refuse_user(const char *name)
{
        struct fault why = { 0 };

        fault_set(&why, 404, "user.unknown",
                  "%.100s is no user of ours; `bus sync` shows those there are.", name);
        return manage_refuse(&why);
}

static bool is_planned(const struct plan *p, const char *name)
{
        for (size_t i = 0; i < p->n_users; i++)
                if (strcmp(p->names[i], name) == 0)
                        return true;
        return false;
}

/* The file has the new password before the broker does: a password nobody knows would be worse than
 * one that is not valid yet. */
static int give_new(const struct manage *m, struct plan *p)
{
        struct fault why = { 0 };
        char made[UUID_HEX];
        int r = passwords_read(&p->passwords, m->write_passwords, true, &why);

        uuid_new_hex(made);
        r = r ? r : passwords_set(&p->passwords, m->word, made);
        explicit_bzero(made, sizeof made);
        r = r ? r : passwords_write(&p->passwords, m->write_passwords, &why);
        if (r)
                return r < 0 ? err_pass(r) : manage_refuse(&why);
        for (size_t i = 0; i < p->n_users; i++)
                if (strcmp(p->names[i], m->word) == 0)
                        p->users[i].password = passwords_get(&p->passwords, m->word);
        return MANAGE_OK;
}

int bus_rotate(struct manage *m)
{
        __attribute__((cleanup(plan_done))) struct plan p = { 0 };
        struct fault why = { 0 };
        int r;

        if (!m->write_passwords) {
                fault_set(&why, 400, "passwords.none",
                          "Say by --write-passwords FILE where the new password is to be kept.");
                return manage_refuse(&why);
        }
        r = sites_read(m->settings->connection, &p.rows);
        r = r ? r : plan_users(m, &p);
        if (r == MANAGE_OK && !is_planned(&p, m->word))
                return refuse_user(m->word);
        r = r ? r : give_new(m, &p);
        r = r ? r : import(m, &p);
        if (r)
                return r < 0 ? err_pass(r) : r;
        printf("%s has a new password in %s; the old one opens no connection any more, and those it opened stay. Next: put "
               "it into transport_url of that user's programs, restart them one by one, then `atlas-manage bus "
               "disconnect %s`.\n",
               m->word, m->write_passwords, m->word);
        return MANAGE_OK;
}

int bus_disconnect(struct manage *m)
{
        const char *const words[] = { "close_all_user_connections", m->word,
                                      "atlas-manage bus disconnect", NULL };
        json_auto_t *known = NULL;
        struct fault why = { 0 };
        int r = ask_names(m, "list_users", "user", &known);

        if (r)
                return r < 0 ? err_pass(r) : r;
        if (!json_object_get(known, m->word))
                return refuse_user(m->word);
        r = child_run(m->settings->rabbitmqctl, words, NULL, CHILD_MS, NULL, &why);
        if (r)
                return r < 0 ? err_pass(r) : manage_refuse(&why);
        printf("The connections of %s are closed.\n", m->word);
        return MANAGE_OK;
}
