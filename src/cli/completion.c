/* SPDX-License-Identifier: Apache-2.0 */
/* What bash needs to complete the commands, out of the tables. Names of the tenant's own things are
 * asked for with the program itself. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "cli/cli.h"

/* Words of commands and options that stand for a name. */
static const struct named {
        const char *word, *noun;
} named[] = {
        { "SITE", "site" }, { "GATEWAY", "gateway" }, { "AGENT", "agent" },
        { "VPN", "vpn" },   { "LINK", "link" },       { 0 },
};

static const char *noun_named(const char *word)
{
        for (const struct named *n = named; n->word; n++)
                if (text_equal(n->word, word))
                        return n->noun;
        return NULL;
}

static void add_flags(struct text *to, uint64_t set)
{
        for (enum option o = 0; o < OPT_N; o++)
                if (set & UINT64_C(1) << o)
                        text_addf(to, " %s", option_rows[o].flag);
}

/* The options that have values of which 'words' are known ("" for none). */
static void add_value_row(struct text *to, enum option o, const char *words)
{
        const struct option_row *row = &option_rows[o];

        text_addf(to, "        %s", row->flag);
        if (row->letter)
                text_addf(to, " | -%c", row->letter);
        text_addf(to, ") values=yes %s ;;\n", words);
}

/* After an option, what its value may be. */
static void add_values(struct text *to)
{
        char words[128];

        text_add(to, "        case $before in\n");
        for (enum option o = 0; o < OPT_N; o++) {
                const struct option_row *row = &option_rows[o];
                const char *noun = row->value ? noun_named(row->value) : NULL;

                if (!row->value)
                        continue;
                if (o == OPT_FORMAT)
                        snprintf(words, sizeof words, "words='%s %s %s %s'",
                                 output_format_name[FORMAT_TABLE], output_format_name[FORMAT_JSON],
                                 output_format_name[FORMAT_VALUE], output_format_name[FORMAT_CSV]);
                else
                        snprintf(words, sizeof words, "words=%s%s%s", noun ? "$(_atlas_names " : "",
                                 noun ? noun : "", noun ? ")" : "");
                add_value_row(to, o, words);
        }
        text_add(to, "        esac\n");
}

static void add_nouns(struct text *to)
{
        const char *last = "";

        text_add(to, "        1:*) words='");
        for (const struct command *c = commands; c->noun; c++) {
                if (!text_equal(c->noun, last))
                        text_addf(to, "%s%s", *last ? " " : "", c->noun);
                last = c->noun;
        }
        text_add(to, "' ;;\n");
        for (const struct command *c = commands; c->noun; c++) {
                if (!*c->verb || (c > commands && text_equal(c[-1].noun, c->noun)))
                        continue;
                text_addf(to, "        2:%s:*) words='", c->noun);
                for (const struct command *v = c; v->noun && text_equal(v->noun, c->noun); v++)
                        text_addf(to, "%s%s", v > c ? " " : "", v->verb);
                text_add(to, "' ;;\n");
        }
}

/* The words that a command names, one place after the other. */
static void add_words(struct text *to, const struct command *c)
{
        const char *at = c->words;
        char word[32];

        for (int place = *c->verb ? 3 : 2; *at; place++) {
                size_t n = strcspn(at, " ");
                const char *noun;

                snprintf(word, sizeof word, "%.*s", (int)n, at);
                noun = noun_named(word);
                if (noun)
                        text_addf(to, "        %d:%s:%s) words=$(_atlas_names %s) ;;\n", place,
                                  c->noun, *c->verb ? c->verb : "*", noun);
                else if (text_equal(word, "SHELL"))
                        text_addf(to, "        %d:%s:*) words=bash ;;\n", place, c->noun);
                at += n;
                at += strspn(at, " ");
        }
}

static void add_options(struct text *to)
{
        text_add(to, "        [[ $word != -* ]] || case $noun:$verb in\n");
        for (const struct command *c = commands; c->noun; c++) {
                text_addf(to, "        %s:%s) words='", c->noun, *c->verb ? c->verb : "*");
                add_flags(to, c->needs | c->takes);
                text_add(to, "' ;;\n");
        }
        text_add(to, "        esac\n        [[ $word != -* ]] || words+='");
        add_flags(to, OPTS_COMMON);
        text_add(to, "'\n");
}

int completion(struct cli *c)
{
        OWN(text_done) struct text text = { 0 };

        if (!text_equal(c->args->words[0], "bash"))
                return cli_usage_of(c, c->args->words[0], "there is completion for bash only");
        text_add(
                &text,
                "# bash completion of atlas, as `atlas completion bash` writes it.\n"
                "# SPDX-License-Identifier: Apache-2.0\n"
                "_atlas_names()\n{\n"
                "        ${COMP_WORDS[0]:-atlas} \"$1\" list -f value -c "
                "\"$([ \"$1\" = agent ] && echo host || echo name)\" 2>/dev/null\n}\n\n"
                "_atlas()\n{\n"
                "        local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
                "        local noun=${COMP_WORDS[1]} verb=${COMP_WORDS[2]} words='' values=''\n\n");
        add_values(&text);
        text_add(&text, "        [ -n \"$values\" ] || case $COMP_CWORD:$noun:$verb in\n");
        add_nouns(&text);
        for (const struct command *row = commands; row->noun; row++)
                add_words(&text, row);
        text_add(&text, "        esac\n        if [ -z \"$values\" ]; then\n");
        add_options(&text);
        text_add(&text, "        fi\n"
                        "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
                        "}\ncomplete -F _atlas atlas\n");
        if (text.failed)
                return err_raise(-ENOMEM);
        return fputs(text.bytes, c->outside->out) < 0 ? err_raise(-EIO) : CLI_OK;
}
