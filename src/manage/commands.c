/* SPDX-License-Identifier: Apache-2.0 */
/* The commands, and how their words and options are read. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "manage/manage.h"

/* clang-format off */
const struct manage_command manage_commands[] = {
        /* noun   verb     word    options                           run        help */
        { "db",   "sync",  NULL,   "",                               db_sync,   "bring the database's schema to what this program knows" },
        { "db",   "check", NULL,   "",                               db_check,  "tell whether it is" },
        { "site", "add",   "NAME", "--description",                  site_add,  "record a site; `bus sync` then gives it its queue and user" },
        { "site", "list",  NULL,   "",                               site_list, "the sites there are" },
        { "bus",  "sync",  NULL,   "--password-file --write-passwords", bus_sync, "queues, users and permissions of all sites and programs" },
        { "bus",  "rotate", "USER", "--write-passwords",             bus_rotate,  "make a new password for a user; what is connected stays" },
        { "bus",  "disconnect", "USER", "",                          bus_disconnect, "end a user's connections: who knows only an old password is out" },
        { "bus dead", "list",   NULL, "",                            dead_list,   "messages that nobody could read or do: id, time, whose, why" },
        { "bus dead", "show",   "ID", "",                            dead_show,   "one of them in full; \"all\" for all" },
        { "bus dead", "replay", "ID", "",                            dead_replay, "send it again to where it was going; \"all\" for all" },
        { "bus dead", "drop",   "ID", "",                            dead_drop,   "throw it away; \"all\" for all" },
        { "keystone", "sync",  NULL, "",                             keystone_sync, "the service's user and its entry in the catalogue" },
        { "policy",   "list",  NULL, "--policy-file",                policy_list,   "the rules of the API, as a file to edit" },
        { "policy",   "check", NULL, "--policy-file --rule --roles", policy_check,  "tell whether they fit together, and what roles may do" },
        { "quota",    "show",  "PROJECT", "",                        quota_show,    "what a project may have, and has" },
        { "quota",    "set",   "PROJECT", "--vpns --links --kbps",   quota_set,     "let it have more, or less; what it has stays" },
        { "restore",  "begin",   NULL, "",                           restore_begin,  "after restoring a backup, before any conductor starts: gateways are read first" },
        { "restore",  "status",  NULL, "",                           restore_status, "gateways that were not read yet, and what was found or is missing" },
        { "restore",  "adopt",   "LINK", "--project",                restore_adopt,  "what gateways hold is a link; what they miss is built again" },
        { "restore",  "discard", "LINK", "",                         restore_discard, "it goes, from gateways and rows" },
        { "restore",  "end",     NULL, "",                           restore_end,    "wait no longer for gateways that were not read" },
        { 0 },
};
static const struct option {
        const char *flag;
        size_t offset;
        const char *value, *help;
} options[] = {
        { "--description",     offsetof(struct manage, description),     "TEXT", "what the site is" },
        { "--password-file",   offsetof(struct manage, password_file),   "FILE", "lines \"user = password\" to be set" },
        { "--write-passwords", offsetof(struct manage, write_passwords), "FILE", "make passwords for new users, keep all in FILE (mode 0600)" },
        { "--policy-file",     offsetof(struct manage, policy_file),     "FILE", "rules of this file instead of the setting's" },
        { "--rule",            offsetof(struct manage, rule),            "NAME", "only this rule" },
        { "--roles",           offsetof(struct manage, roles),           "ROLE,...", "what these roles may do, to the own project's and to others' objects" },
        { "--vpns",            offsetof(struct manage, vpns),            "N", "VPNs; \"none\" for any number, \"default\" for the conductors' setting" },
        { "--links",           offsetof(struct manage, links),           "N", "virtual links, likewise" },
        { "--project",         offsetof(struct manage, project),         "PROJECT", "whose VPN it is, where no row tells" },
        { "--kbps",            offsetof(struct manage, kbps),            "N", "kbit/s of all its virtual links together, likewise" },
        { 0 },
};
/* clang-format on */

int manage_refuse(const struct fault *why)
{
        fprintf(stderr, "atlas-manage: %s\n", why->message);
        return MANAGE_REFUSED;
}

static int refuse(const char *word, const char *problem)
{
        struct fault why = { 0 };

        fault_set(&why, 400, "arguments.invalid", "%.100s: %s; see --help.", word, problem);
        return manage_refuse(&why);
}

void manage_help(struct text *to)
{
        text_add(to,
                 "Usage: atlas-manage [OPTION]... NOUN COMMAND [WORD] [OPTION]...\n\nCommands:\n");
        for (const struct manage_command *c = manage_commands; c->noun; c++) {
                char words[64];

                snprintf(words, sizeof words, "%s %s %s", c->noun, c->verb, c->word ? c->word : "");
                text_addf(to, "  %-26s %s\n", words, c->help);
        }
        text_add(to, "\nOptions of commands:\n");
        for (const struct option *o = options; o->flag; o++)
                text_addf(to, "  %s %s\n      %s\n", o->flag, o->value, o->help);
        text_add(to,
                 "\nOptions before the command are settings: `atlas-manage --help` lists them.\n");
}

/* Takes the words that name the command off the front. */
static const struct manage_command *find(int *argc, char ***argv)
{
        for (const struct manage_command *c = manage_commands; c->noun; c++) {
                char name[64];
                size_t at = 0;
                int n = 0;

                snprintf(name, sizeof name, "%s %s", c->noun, c->verb);
                while (n < *argc && text_starts(name + at, (*argv)[n]) &&
                       strchr(" ", name[at + strlen((*argv)[n])])) {
                        at += strlen((*argv)[n++]);
                        if (name[at] == '\0') {
                                *argc -= n;
                                *argv += n;
                                return c;
                        }
                        at++;
                }
        }
        return NULL;
}

/* The option that 'word' is and 'c' takes; its value where the same word has one. */
static const struct option *option_of(const struct manage_command *c, const char *word,
                                      const char **ret_value)
{
        size_t n = strcspn(word, "=");

        for (const struct option *o = options; o->flag; o++)
                if (strlen(o->flag) == n && strncmp(o->flag, word, n) == 0 &&
                    strstr(c->options, o->flag)) {
                        *ret_value = word[n] ? word + n + 1 : NULL;
                        return o;
                }
        return NULL;
}

static int read_words(const struct manage_command *c, int argc, char **argv, struct manage *m)
{
        for (int i = 0; i < argc; i++) {
                const char *value = NULL;
                const struct option *o = option_of(c, argv[i], &value);

                if (o) {
                        const char **field = (void *)((char *)m + o->offset);

                        if (!value && ++i == argc)
                                return refuse(o->flag, "needs a value");
                        *field = value ? value : argv[i];
                } else if (argv[i][0] == '-') {
                        return refuse(argv[i], "not an option of this command");
                } else if (!c->word || m->word) {
                        return refuse(argv[i], "is one word too many");
                } else {
                        m->word = argv[i];
                }
        }
        return c->word && !m->word ? refuse(c->word, "is missing") : MANAGE_OK;
}

int manage_run(const struct manage_settings *settings, int argc, char **argv)
{
        struct manage m = { .settings = settings };
        const struct manage_command *c;
        int r;

        if (argc == 0)
                return refuse("a command", "is missing, such as `db sync`");
        c = find(&argc, &argv);
        if (!c)
                return refuse(argc > 1 ? argv[1] : argv[0], "no such command");
        r = read_words(c, argc, argv, &m);
        return r ? r : c->run(&m);
}
