#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* atlas-manage: what an operator does before and beside the running programs. Functions return 0,
 * MANAGE_REFUSED after telling why on standard error, or a negative error. */

#include "bus/bus.h"
#include "manage/keystone.h"
#include "model/operation.h"
#include "store/store.h"

enum { MANAGE_OK, MANAGE_REFUSED };

struct manage_settings {
        struct bus_settings bus;
        char *connection;
        char *sql_dir;
        char *rabbitmqctl;
        char *peers;
        bool client_certificates;
        char *policy_file;
        struct keystone_settings keystone;
};
extern const struct setting manage_settings[];

struct manage {
        const struct manage_settings *settings;
        const char *word; /* what follows the command, or NULL */
        const char *description, *password_file, *write_passwords; /* options; NULL: not given */
        const char *policy_file, *rule, *roles;
        const char *vpns, *links, *kbps;
        const char *project;
};
/* One row of the table of commands. */
struct manage_command {
        const char *noun, *verb; /* the noun may be two words */
        const char *word;        /* needed after them, or NULL */
        const char *options;     /* those it takes */
        int (*run)(struct manage *m);
        const char *help;
};
extern const struct manage_command manage_commands[]; /* ended by { 0 } */

/* The words after the program's own options. */
int manage_run(const struct manage_settings *settings, int argc, char **argv);
/* Tells a refusal. */
int manage_refuse(const struct fault *why);
/* All commands, for help. */
void manage_help(struct text *to);

/* Who runs this: "login@host". */
const char *manage_user(void);
/* Puts 'e' into history, in the transaction under way: now, by whoever runs this. */
int audit_put(struct store *store, struct event *e);

int db_sync(struct manage *m);
int db_check(struct manage *m);
int bus_sync(struct manage *m);
int bus_rotate(struct manage *m);
int bus_disconnect(struct manage *m);
int dead_list(struct manage *m);
int dead_show(struct manage *m);
int dead_replay(struct manage *m);
int dead_drop(struct manage *m);
int site_add(struct manage *m);
int site_list(struct manage *m);
int keystone_sync(struct manage *m);
int policy_list(struct manage *m);
int policy_check(struct manage *m);
int quota_show(struct manage *m);
int quota_set(struct manage *m);
int restore_begin(struct manage *m);
int restore_status(struct manage *m);
int restore_adopt(struct manage *m);
int restore_discard(struct manage *m);
int restore_end(struct manage *m);

/* All sites of the database by name, appended to 'ret' as rows of T_SITE. */
int sites_read(const char *connection, struct store_rows *ret);
