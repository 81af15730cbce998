/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of the API: all of them, and what they let somebody do. */
#include "openstack/policy.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "manage/manage.h"

static int rules_of(const struct manage *m, struct policy **ret)
{
        const char *file = m->policy_file ? m->policy_file : m->settings->policy_file;
        struct fault why = { 0 };
        int r = policy_new(file, ret, &why);

        return r == POLICY_OK ? MANAGE_OK : r < 0 ? err_pass(r) : manage_refuse(&why);
}

static const struct policy_rule *default_of(const char *name)
{
        for (const struct policy_rule *d = policy_rules; d->name; d++)
                if (text_equal(d->name, name))
                        return d;
        return NULL;
}

/* As a file that could be edited: what is in force, with what it is for. */
int policy_list(struct manage *m)
{
        OWN(policy_free) struct policy *p = NULL;
        const char *name, *check;
        bool of_file;
        int r = rules_of(m, &p);

        for (size_t i = 0; r == MANAGE_OK && (name = policy_at(p, i, &check, &of_file)); i++) {
                const struct policy_rule *d = default_of(name);

                if (d && d->says)
                        printf("# %s\n", d->says);
                if (d && d->requests)
                        printf("# %s\n", d->requests);
                if (d && of_file)
                        printf("# default: \"%s\"\n", d->check);
                printf("%s\"%s\": \"%s\"\n\n", of_file ? "" : "#", name, check);
        }
        return r;
}

static const char *word(bool yes)
{
        return yes ? "yes" : "no";
}

static int check_one(const struct policy *p, const char *rule, const struct check_subject *who)
{
        struct fault why = { 0 };
        const char *name, *check;
        bool of_file;
        size_t i = 0;

        while ((name = policy_at(p, i, &check, &of_file)) && !text_equal(name, rule))
                i++;
        if (!name) {
                fault_set(&why, 404, "policy.unknown",
                          "There is no rule %.100s; see `policy list`.", rule);
                return manage_refuse(&why);
        }
        printf("%-24s %-4s %s\n", rule, word(policy_allows(p, rule, who, who->project_id)),
               word(policy_allows(p, rule, who, "")));
        return MANAGE_OK;
}

int policy_check(struct manage *m)
{
        struct check_subject who = { .project_id = "own",
                                     .user_id = "user",
                                     .roles = m->roles ? m->roles : "" };
        OWN(policy_free) struct policy *p = NULL;
        const char *name, *check;
        bool of_file;
        int r = rules_of(m, &p);

        if (r || (!m->roles && !m->rule)) {
                if (r == MANAGE_OK)
                        printf("The rules fit together.\n");
                return r;
        }
        printf("%-24s %-4s %s\n", "rule", "own", "other projects");
        if (m->rule)
                return check_one(p, m->rule, &who);
        for (size_t i = 0; r == MANAGE_OK && (name = policy_at(p, i, &check, &of_file)); i++)
                r = check_one(p, name, &who);
        return r;
}
