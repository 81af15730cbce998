/* SPDX-License-Identifier: Apache-2.0 */
#include "openstack/check.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/text.h"

enum { NODES_MAX = 512, DEPTH_MAX = 64 };

enum kind { ALWAYS, NEVER, ROLE, RULE, ATTRIBUTE, LITERAL, NOT, AND, OR };
struct node {
        enum kind kind;
        int left, right; /* NOT: left only */
        char *name;      /* ROLE, RULE, ATTRIBUTE, LITERAL: before the colon, or after it */
        char *value;     /* ATTRIBUTE, LITERAL: after it; NULL: the object's project */
};
struct check {
        struct node *nodes;
        int n, root;
};

struct check *check_free(struct check *c)
{
        for (int i = 0; c && i < c->n; i++) {
                free(c->nodes[i].name);
                free(c->nodes[i].value);
        }
        if (c)
                free(c->nodes);
        free(c);
        return NULL;
}

/* ---- reading ---- */

/* A word of the text with the parentheses around it, as oslo.policy cuts them: by blanks, then '('
 * off its start and ')' off its end. */
struct reader {
        const char *at;
        const char *word; /* in hand: "(", ")", or n bytes; n == 0: the end */
        size_t n;
        size_t n_closing; /* parentheses that follow it */
        int depth;
        struct check *c;
        struct fault *why;
};

static void next(struct reader *p)
{
        if (p->n_closing > 0) {
                p->n_closing--;
                p->word = ")";
                p->n = 1;
                return;
        }
        while (isspace((unsigned char)*p->at))
                p->at++;
        p->word = p->at;
        p->n = *p->at == '(' ? 1 : 0;
        if (p->n) {
                p->at++;
                return;
        }
        while (*p->at && !isspace((unsigned char)*p->at))
                p->at++;
        p->n = (size_t)(p->at - p->word);
        while (p->n > 0 && p->word[p->n - 1] == ')') {
                p->n--;
                p->n_closing++;
        }
        if (p->n == 0 && p->n_closing > 0) {
                p->n_closing--;
                p->n = 1;
        }
}

static bool word_is(const struct reader *p, const char *word)
{
        return p->n == strlen(word) && strncasecmp(p->word, word, p->n) == 0;
}

static int refuse(struct reader *p, const char *problem)
{
        fault_set(p->why, 400, "policy.invalid", "\"%.*s\" %s.", (int)(p->n < 100 ? p->n : 100),
                  p->n ? p->word : "", problem);
        return CHECK_BAD;
}

static int add(struct reader *p, struct node node, int *ret)
{
        struct node *more;

        if (p->c->n == NODES_MAX)
                return refuse(p, "is more than a check may hold");
        more = reallocarray(p->c->nodes, (size_t)p->c->n + 1, sizeof node);
        if (!more)
                return err_raise(-ENOMEM);
        p->c->nodes = more;
        *ret = p->c->n;
        p->c->nodes[p->c->n++] = node;
        return CHECK_OK;
}

/* The value of a comparison: a text, or the object's project. */
static int read_value(struct reader *p, const char *value, size_t n, struct node *node)
{
        static const char *const own[] = { "%(project_id)s", "%(tenant_id)s" };

        for (size_t i = 0; i < sizeof own / sizeof *own; i++)
                if (n == strlen(own[i]) && memcmp(value, own[i], n) == 0)
                        return CHECK_OK;
        if (memchr(value, '%', n))
                return refuse(p, "compares with something that objects do not have; they have "
                                 "%(project_id)s and %(tenant_id)s");
        node->value = strndup(value, n);
        return node->value ? CHECK_OK : err_raise(-ENOMEM);
}

static int name_comparison(struct reader *p, size_t n_name, struct node *node)
{
        static const char *const attributes[] = { "project_id", "tenant_id", "user_id" };
        size_t n = n_name;
        const char *name = p->word;

        if (n >= 2 && (name[0] == '\'' || name[0] == '"') && name[n - 1] == name[0]) {
                node->kind = LITERAL;
                name++;
                n -= 2;
        } else {
                bool known = false;

                for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
                        known = known ||
                                (n == strlen(attributes[i]) && memcmp(name, attributes[i], n) == 0);
                if (!known)
                        return refuse(p, "is no check that is known here: role:, rule:, "
                                         "project_id:, tenant_id:, user_id:, 'text':, @ and !");
                node->kind = ATTRIBUTE;
        }
        node->name = strndup(name, n);
        return node->name ? read_value(p, p->word + n_name + 1, p->n - n_name - 1, node)
                          : err_raise(-ENOMEM);
}

static int read_check(struct reader *p, int *ret)
{
        const char *colon = memchr(p->word, ':', p->n);
        size_t n_name = colon ? (size_t)(colon - p->word) : 0, n_value = p->n - n_name - 1;
        struct node node = { 0 };
        int r;

        if (word_is(p, "@") || word_is(p, "!")) {
                node.kind = word_is(p, "@") ? ALWAYS : NEVER;
                return add(p, node, ret);
        }
        if (!colon || n_name == 0 || n_value == 0)
                return refuse(p, "is no check: KIND:VALUE, @ or !");
        if ((n_name == 4 && memcmp(p->word, "role", 4) == 0) ||
            (n_name == 4 && memcmp(p->word, "rule", 4) == 0)) {
                node.kind = p->word[1] == 'o' ? ROLE : RULE;
                if (memchr(p->word, '%', p->n))
                        return refuse(p, "names no role or rule");
                node.name = strndup(colon + 1, n_value);
                r = node.name ? add(p, node, ret) : err_raise(-ENOMEM);
        } else {
                r = name_comparison(p, n_name, &node);
                r = r ? r : add(p, node, ret);
        }
        if (r) {
                free(node.name);
                free(node.value);
        }
        return r;
}

static int read_or(struct reader *p, int *ret);

static int read_not(struct reader *p, int *ret)
{
        int r;

        if (++p->depth > DEPTH_MAX)
                return refuse(p, "is nested too deeply");
        if (word_is(p, "not")) {
                struct node node = { .kind = NOT };

                next(p);
                r = read_not(p, &node.left);
                r = r ? r : add(p, node, ret);
        } else if (word_is(p, "(")) {
                next(p);
                r = read_or(p, ret);
                if (r == CHECK_OK && !word_is(p, ")"))
                        r = refuse(p, "stands where a closing parenthesis is missing");
                next(p);
        } else if (p->n == 0 || word_is(p, ")") || word_is(p, "and") || word_is(p, "or")) {
                r = refuse(p, "stands where a check is missing");
        } else {
                r = read_check(p, ret);
                next(p);
        }
        p->depth--;
        return r;
}

static int read_and(struct reader *p, int *ret)
{
        int r = read_not(p, ret);

        while (r == CHECK_OK && word_is(p, "and")) {
                struct node node = { .kind = AND, .left = *ret };

                next(p);
                r = read_not(p, &node.right);
                r = r ? r : add(p, node, ret);
        }
        return r;
}

static int read_or(struct reader *p, int *ret)
{
        int r = read_and(p, ret);

        while (r == CHECK_OK && word_is(p, "or")) {
                struct node node = { .kind = OR, .left = *ret };

                next(p);
                r = read_and(p, &node.right);
                r = r ? r : add(p, node, ret);
        }
        return r;
}

int check_parse(const char *text, struct check **ret, struct fault *why)
{
        OWN(check_free) struct check *c = calloc(1, sizeof *c);
        struct reader p = { .at = text, .c = c, .why = why };
        int r;

        if (!c)
                return err_raise(-ENOMEM);
        next(&p);
        r = p.n == 0 ? add(&p, (struct node){ .kind = ALWAYS }, &c->root) : read_or(&p, &c->root);
        if (r == CHECK_OK && p.n > 0)
                r = refuse(&p, "is left over");
        if (r)
                return r < 0 ? err_pass(r) : r;
        *ret = TAKE(c);
        return CHECK_OK;
}

/* ---- asking ---- */

const char *check_rule_name(const struct check *c, size_t i)
{
        for (int at = 0; at < c->n; at++)
                if (c->nodes[at].kind == RULE && i-- == 0)
                        return c->nodes[at].name;
        return NULL;
}

bool check_has_role(const char *roles, const char *role)
{
        size_t n = strlen(role);

        for (const char *at = roles; *at; at += *at == ',') {
                size_t length = strcspn(at, ",");

                if (length == n && strncasecmp(at, role, n) == 0)
                        return true;
                at += length;
        }
        return false;
}

static const char *attribute(const struct check_subject *who, const char *name)
{
        return text_equal(name, "user_id") ? who->user_id : who->project_id;
}

struct asking {
        const struct check_subject *who;
        const char *of;
        check_find *find;
        const void *rules;
};

static bool passes(const struct check *c, int at, const struct asking *x)
{
        const struct node *node = &c->nodes[at];
        const struct check *other;

        switch (node->kind) {
        case ALWAYS:
                return true;
        case NEVER:
                return false;
        case ROLE:
                return check_has_role(x->who->roles, node->name);
        case RULE:
                other = x->find(x->rules, node->name);
                return other && passes(other, other->root, x);
        case ATTRIBUTE:
                return text_equal(attribute(x->who, node->name), node->value ? node->value : x->of);
        case LITERAL:
                return text_equal(node->name, node->value ? node->value : x->of);
        case NOT:
                return !passes(c, node->left, x);
        case AND:
                return passes(c, node->left, x) && passes(c, node->right, x);
        case OR:
                return passes(c, node->left, x) || passes(c, node->right, x);
        }
        return false;
}

bool check_passes(const struct check *c, const struct check_subject *who, const char *of,
                  check_find *find, const void *rules)
{
        return passes(c, c->root, &(struct asking){ who, of, find, rules });
}
