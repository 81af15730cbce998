/* SPDX-License-Identifier: Apache-2.0 */
/* The manual page, out of the tables. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "cli/cli.h"

/* Text as troff takes it. */
static void add(struct text *to, const char *words)
{
        if (*words == '.' || *words == '\'')
                text_add(to, "\\&");
        for (; *words; words++) {
                if (*words == '-' || *words == '\\')
                        text_addf(to, "%s", *words == '-' ? "\\-" : "\\e");
                else
                        text_add_n(to, words, 1);
        }
}

static void add_item(struct text *to, const char *what, const char *words)
{
        text_add(to, ".TP\n.B ");
        add(to, what);
        text_add(to, "\n");
        add(to, words);
        text_add(to, "\n");
}

static void add_flags(struct text *to, const char *title, uint64_t set)
{
        if (!set)
                return;
        add(to, title);
        for (enum option o = 0; o < OPT_N; o++) {
                if (!(set & UINT64_C(1) << o))
                        continue;
                text_add(to, " ");
                add(to, option_rows[o].flag);
        }
        text_add(to, ".\n");
}

static void add_commands(struct text *to)
{
        const char *last = "";
        char title[64];

        text_add(to, ".SH COMMANDS\nNames and ids are both good.\n"
                     "PORT may also be LINK/END, where END is a, z or a site.\n");
        for (const struct command *c = commands; c->noun; c++) {
                if (*c->verb && !text_equal(last, c->noun))
                        text_addf(to, ".SS %s\n", c->noun);
                else if (!*c->verb && (c == commands || *c[-1].verb))
                        text_add(to, ".SS Others\n");
                last = c->noun;
                command_title(c, title, sizeof title);
                add_item(to, title, c->help);
                text_add(to, ".br\n");
                add_flags(to, "Needed:", c->needs);
                add_flags(to, "Options:", c->takes & ~c->needs);
        }
}

static void add_options(struct text *to)
{
        for (int common = 1; common >= 0; common--) {
                text_addf(to, ".SH OPTIONS OF %s\n", common ? "EVERY COMMAND" : "SOME COMMANDS");
                for (enum option o = 0; o < OPT_N; o++) {
                        const struct option_row *row = &option_rows[o];
                        char flag[64], letter[8] = "", words[256];

                        if (!!(OPTS_COMMON & UINT64_C(1) << o) != common)
                                continue;
                        if (row->letter)
                                snprintf(letter, sizeof letter, "-%c, ", row->letter);
                        snprintf(flag, sizeof flag, "%s%s%s%s", letter, row->flag,
                                 row->value ? " " : "", row->value ? row->value : "");
                        snprintf(words, sizeof words, "%s%s%s%s.", row->help,
                                 row->variable ? "; else what the variable " : "",
                                 row->variable ? row->variable : "", row->variable ? " says" : "");
                        add_item(to, flag, words);
                }
        }
}

/* What stands beside the tables. */
static const char *const about[][2] = {
        /* clang-format off */
        { ".SH ENVIRONMENT\n", NULL },
        { "OS_CLOUD", "A cloud of clouds.yaml; the variables below go before what stands there." },
        { "OS_AUTH_TYPE", "password, token, v3applicationcredential or none; else what the other variables are for." },
        { "OS_AUTH_URL", "Keystone, as http://keystone:5000/v3." },
        { "OS_USERNAME, OS_USER_ID, OS_PASSWORD, OS_USER_DOMAIN_NAME, OS_USER_DOMAIN_ID", "Who you are." },
        { "OS_PROJECT_NAME, OS_PROJECT_ID, OS_PROJECT_DOMAIN_NAME, OS_PROJECT_DOMAIN_ID, OS_DEFAULT_DOMAIN", "For which project." },
        { "OS_TOKEN", "A token instead of a password." },
        { "OS_APPLICATION_CREDENTIAL_ID, OS_APPLICATION_CREDENTIAL_NAME, OS_APPLICATION_CREDENTIAL_SECRET", "An application credential instead of a password." },
        { "OS_REGION_NAME, OS_INTERFACE", "Which endpoint of the catalogue's service elastic-network; else any region, public." },
        { "OS_ENDPOINT", "Where the service is; else the catalogue is asked." },
        { "OS_ROLES", "With OS_AUTH_TYPE=none: roles to act in." },
        { "OS_CACERT", "CA certificates; else the system's." },
        { "OS_CLIENT_CONFIG_FILE", "The clouds.yaml to read." },
        { ".SH FILES\n", NULL },
        { "./clouds.yaml, ~/.config/openstack/clouds.yaml, /etc/openstack/clouds.yaml", "The first there is describes clouds; a secure.yaml beside it may hold their passwords." },
        { ".SH EXIT STATUS\n", "" },
        { ".SH EXAMPLES\n.EX\n"
          "atlas vpn create blue \\-\\-type vpls\n"
          "atlas vpn add\\-site blue site\\-a; atlas vpn add\\-site blue site\\-b\n"
          "atlas link create blue\\-ab \\-\\-vpn blue \\-\\-a\\-site site\\-a \\-\\-z\\-site site\\-b \\-\\-bandwidth 20M \\-\\-wait\n"
          "atlas port attach blue\\-ab/a \\-\\-network ID \\-\\-wait\n"
          "atlas link set blue\\-ab \\-\\-bandwidth 40M \\-\\-wait\n"
          "atlas explain blue\\-ab\n"
          "atlas link delete blue\\-ab \\-\\-wait\n"
          ".EE\n", NULL },
        { NULL, NULL },
        /* clang-format on */
};

static void add_exits(struct text *to)
{
        const char *words;
        char number[16];
        int code;

        for (int i = 0; *(words = cli_exit_words(i, &code)); i++) {
                snprintf(number, sizeof number, "%d", code);
                add_item(to, number, words);
        }
}

int man_page(FILE *to)
{
        OWN(text_done) struct text text = { 0 };

        text_add(
                &text,
                ".\\\" SPDX-License-Identifier: Apache-2.0\n"
                ".TH ATLAS 1 \"\" \"Cloud Atlas\" \"User Commands\"\n"
                ".SH NAME\natlas \\- links with guaranteed bandwidth between OpenStack clouds\n"
                ".SH SYNOPSIS\n.B atlas\n.I NOUN VERB\n.RI [ WORD ]... \" [\" OPTION ]...\n"
                ".SH DESCRIPTION\n"
                "Asks Cloud Atlas for links across the WAN and for what belongs to them.\n"
                "What takes its time is an operation: the command returns when it is accepted, or with\n"
                ".B \\-\\-wait\ntells each step until its end.\n"
                "Ctrl\\-C ends the waiting, never the operation, and tells how to look at it.\n"
                "Each request that makes something has an Idempotency\\-Key and is sent again under it\n"
                "when no answer comes, so that nothing is made twice.\n"
                "An error names what failed, where and why, the id of the request, and what to do next.\n");
        add_commands(&text);
        add_options(&text);
        for (size_t i = 0; about[i][0]; i++) {
                if (about[i][0][0] != '.' || about[i][0][1] == '/')
                        add_item(&text, about[i][0], about[i][1]);
                else
                        text_add(&text, about[i][0]);
                if (about[i][1] && !*about[i][1])
                        add_exits(&text);
        }
        if (text.failed)
                return err_raise(-ENOMEM);
        return fputs(text.bytes, to) < 0 ? err_raise(-EIO) : CLI_OK;
}
