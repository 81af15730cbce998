/* SPDX-License-Identifier: Apache-2.0 */
#include "openstack/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/map.h"
#include "base/text.h"
#include "openstack/yaml.h"

/* clang-format off */
const struct policy_rule policy_rules[] = {
        { "context_is_admin",        "role:admin", NULL,
          "An operator: sees what only operators need" },
        { "admin_only",              "rule:context_is_admin", NULL,
          "Operators" },
        { "project_member",          "role:member and project_id:%(project_id)s", NULL,
          "Who may change what the project has" },
        { "project_reader",          "role:reader and project_id:%(project_id)s", NULL,
          "Who may look at what the project has" },
        { "admin_or_project_member", "rule:admin_only or rule:project_member", NULL,
          "Operators, and who may change what the project has" },
        { "admin_or_project_reader", "rule:admin_only or rule:project_reader", NULL,
          "Operators, and who may look at what the project has" },
        { "default",                 "rule:admin_only", NULL,
          "Every request that no other rule names" },

        { "get_extension",           "rule:admin_only or role:reader",
          "GET /v1/extensions, GET /v1/extensions/{id}",
          "See what this service can do" },
        { "get_agent",               "rule:admin_only",
          "GET /v1/agents, GET /v1/agents/{id}",
          "See the sites' agents" },
        { "get_site",                "rule:admin_only or role:reader",
          "GET /v1/sites, GET /v1/sites/{id}",
          "See the sites" },
        { "get_gateway",             "rule:admin_only or role:reader",
          "GET /v1/gateways, GET /v1/gateways/{id}",
          "See the gateways" },
        { "release_gateway",         "rule:admin_only",
          "POST /v1/gateways/{id}/release",
          "Let the halted repair of a gateway go" },
        { "get_freeze",              "rule:admin_only",
          "GET /v1/freeze",
          "See whether all is frozen" },
        { "update_freeze",           "rule:admin_only",
          "PUT /v1/freeze",
          "Freeze all that gateways and networks are asked for, or end that" },
        { "create_vpn",              "rule:admin_or_project_member",
          "POST /v1/vpns",
          "Make a VPN" },
        { "get_vpn",                 "rule:admin_or_project_reader",
          "GET /v1/vpns, GET /v1/vpns/{id}, "
          "GET /v1/vpns/{id}/tags, GET /v1/vpns/{id}/tags/{tag}",
          "See VPNs" },
        { "update_vpn",              "rule:admin_or_project_member",
          "PUT /v1/vpns/{id}",
          "Change a VPN" },
        { "tag_vpn",                 "rule:admin_or_project_member",
          "PUT /v1/vpns/{id}/tags, POST /v1/vpns/{id}/tags, DELETE /v1/vpns/{id}/tags, "
          "PUT /v1/vpns/{id}/tags/{tag}, DELETE /v1/vpns/{id}/tags/{tag}",
          "Change the tags of a VPN" },
        { "delete_vpn",              "rule:admin_or_project_member",
          "DELETE /v1/vpns/{id}",
          "Delete a VPN" },
        { "add_site",                "rule:admin_or_project_member",
          "PUT /v1/vpns/{id}/add_site",
          "Let a site join a VPN" },
        { "remove_site",             "rule:admin_or_project_member",
          "PUT /v1/vpns/{id}/remove_site",
          "Let a site leave a VPN" },
        { "create_connection",       "rule:admin_or_project_member",
          "POST /v1/connections",
          "Connect sites with virtual links" },
        { "get_quota",               "rule:admin_or_project_reader",
          "GET /v1/quotas/{id}, GET /v1/quotas/{id}/details",
          "See what a project may have, and has" },
        { "update_quota",            "rule:admin_only",
          "PUT /v1/quotas/{id}",
          "Set what a project may have" },
        { "delete_quota",            "rule:admin_only",
          "DELETE /v1/quotas/{id}",
          "Return a project to the default quotas" },
        { "create_virtual_link",     "rule:admin_or_project_member",
          "POST /v1/virtual-links",
          "Order a virtual link" },
        { "get_virtual_link",        "rule:admin_or_project_reader",
          "GET /v1/virtual-links, GET /v1/virtual-links/{id}, "
          "GET /v1/virtual-links/{id}/tags, GET /v1/virtual-links/{id}/tags/{tag}",
          "See virtual links" },
        { "update_virtual_link",     "rule:admin_or_project_member",
          "PUT /v1/virtual-links/{id}",
          "Change a virtual link, such as its bandwidth" },
        { "tag_virtual_link",        "rule:admin_or_project_member",
          "PUT /v1/virtual-links/{id}/tags, POST /v1/virtual-links/{id}/tags, DELETE /v1/virtual-links/{id}/tags, "
          "PUT /v1/virtual-links/{id}/tags/{tag}, DELETE /v1/virtual-links/{id}/tags/{tag}",
          "Change the tags of a virtual link" },
        { "delete_virtual_link",     "rule:admin_or_project_member",
          "DELETE /v1/virtual-links/{id}",
          "Delete a virtual link" },
        { "retry_virtual_link",      "rule:admin_only",
          "POST /v1/virtual-links/{id}/retry",
          "Build a virtual link in ERROR again" },
        { "force_delete_virtual_link", "rule:admin_only",
          "POST /v1/virtual-links/{id}/force_delete",
          "Forget a virtual link at once, whatever its gateways say" },
        { "get_virtual_port",        "rule:admin_or_project_reader",
          "GET /v1/virtual-ports, GET /v1/virtual-ports/{id}",
          "See the ends of virtual links" },
        { "attach_virtual_port",     "rule:admin_or_project_member",
          "POST /v1/virtual-ports/{id}/attach",
          "Plug a VPN into a network or port at a site" },
        { "detach_virtual_port",     "rule:admin_or_project_member",
          "POST /v1/virtual-ports/{id}/detach",
          "Unplug it" },
        { "get_operation",           "rule:admin_or_project_reader",
          "GET /v1/operations, GET /v1/operations/{id}",
          "Follow operations" },
        { "get_event",               "rule:admin_or_project_reader",
          "GET /v1/events, GET /v1/events/{id}",
          "Read and watch events" },
        { 0 },
};
/* clang-format on */

enum { N_DEFAULTS = sizeof policy_rules / sizeof *policy_rules - 1, FILE_RULES_MAX = 256 };

struct rule {
        char *name, *text;
        struct check *check;
        int line; /* of the file; 0: a default */
};
struct policy {
        struct rule rules[N_DEFAULTS + FILE_RULES_MAX];
        size_t n;
        struct map by_name;
        const char *file;
};

struct policy *policy_free(struct policy *p)
{
        for (size_t i = 0; p && i < p->n; i++) {
                free(p->rules[i].name);
                free(p->rules[i].text);
                check_free(p->rules[i].check);
        }
        if (p)
                map_done(&p->by_name);
        free(p);
        return NULL;
}

/* ---- the rules ---- */

static int rule_add(struct policy *p, const char *name, struct rule **ret)
{
        struct rule *rule = &p->rules[p->n];

        rule->name = strdup(name);
        if (!rule->name)
                return err_raise(-ENOMEM);
        p->n++;
        *ret = rule;
        return map_set(&p->by_name, rule->name, rule) ? err_raise(-ENOMEM) : POLICY_OK;
}

static int rule_set(struct policy *p, struct rule *rule, const char *text, int line,
                    struct fault *why)
{
        struct check *check = NULL;
        struct fault reason = { 0 };
        char *copy;
        int r = check_parse(text, &check, &reason);

        if (r < 0)
                return err_pass(r);
        if (r) {
                fault_set(why, 400, "policy.invalid", "%.200s:%d: rule %.100s: %.300s", p->file,
                          line, rule->name, reason.message);
                return POLICY_BAD;
        }
        copy = strdup(text);
        if (!copy) {
                check_free(check);
                return err_raise(-ENOMEM);
        }
        free(rule->text);
        check_free(rule->check);
        rule->text = copy;
        rule->check = check;
        rule->line = line;
        return POLICY_OK;
}

static int on_scalar(const struct yaml_scalar *s, void *user, struct fault *why)
{
        struct policy *p = user;
        struct rule *rule = map_get(&p->by_name, s->keys[0]);
        const char *problem = s->n_keys != 1 || s->null             ? "its check has to be a text"
                              : rule && rule->line                  ? "it was given before"
                              : p->n == N_DEFAULTS + FILE_RULES_MAX ? "there are too many rules"
                                                                    : NULL;
        int r = 0;

        if (problem) {
                fault_set(why, 400, "policy.invalid", "%.200s:%d: rule %.100s: %s.", p->file,
                          s->line, s->keys[0], problem);
                return YAML_BAD;
        }
        r = rule ? 0 : rule_add(p, s->keys[0], &rule);
        r = r ? r : rule_set(p, rule, s->value, s->line, why);
        return r == POLICY_OK ? YAML_OK : r < 0 ? r : YAML_BAD;
}

static const struct check *find(const void *rules, const char *name)
{
        const struct policy *p = rules;
        const struct rule *rule = map_get(&p->by_name, name);

        return rule ? rule->check : NULL;
}

/* ---- whether they fit together ---- */

static int refuse_rule(const struct policy *p, const struct rule *rule, const char *other,
                       const char *problem, struct fault *why)
{
        const char *names[N_DEFAULTS + FILE_RULES_MAX + 1] = { NULL };
        const char *near;

        for (size_t i = 0; i < p->n; i++)
                names[i] = p->rules[i].name;
        near = find(p, other) ? NULL : text_nearest(other, names);
        fault_set(why, 400, "policy.invalid", "%.200s:%d: rule %.100s: rule:%.100s %s%s%s%s.",
                  p->file, rule->line, rule->name, other, problem, near ? "; did you mean " : "",
                  near ? near : "", near ? "?" : "");
        return POLICY_BAD;
}

/* Walks what 'at' names; 'depth' rules deep without an end means a circle. */
static int prove(const struct policy *p, const struct rule *from, const struct check *at,
                 size_t depth, struct fault *why)
{
        const char *name;

        for (size_t i = 0; (name = check_rule_name(at, i)); i++) {
                const struct check *next = find(p, name);
                int r;

                if (!next)
                        return refuse_rule(p, from, name, "is not there", why);
                if (depth == 0 || next == from->check)
                        return refuse_rule(p, from, name, "leads in a circle", why);
                r = prove(p, from, next, depth - 1, why);
                if (r)
                        return r;
        }
        return POLICY_OK;
}

int policy_new(const char *file, struct policy **ret, struct fault *why)
{
        OWN(policy_free) struct policy *p = calloc(1, sizeof *p);
        int r = p ? POLICY_OK : err_raise(-ENOMEM);

        if (r)
                return r;
        p->file = file;
        for (const struct policy_rule *d = policy_rules; d->name && r == POLICY_OK; d++) {
                struct rule *rule = NULL;

                r = rule_add(p, d->name, &rule);
                r = r ? r : rule_set(p, rule, d->check, 0, why);
        }
        if (r == POLICY_OK && *file)
                r = yaml_walk_file(file, on_scalar, p, why);
        for (size_t i = 0; i < p->n && r == POLICY_OK; i++)
                r = prove(p, &p->rules[i], p->rules[i].check, 16, why);
        if (r)
                return r < 0 ? err_pass(r) : POLICY_BAD;
        p->file = NULL;
        *ret = TAKE(p);
        return POLICY_OK;
}

/* ---- asking ---- */

const char *policy_rule_of(const char *method, const char *pattern)
{
        size_t n_method = strlen(method), n_pattern = strlen(pattern);

        for (const struct policy_rule *d = policy_rules; d->name; d++) {
                const char *at = d->requests;

                while (at && *at) {
                        size_t n = strcspn(at, ",");

                        if (n == n_method + 1 + n_pattern && !strncmp(at, method, n_method) &&
                            at[n_method] == ' ' && !strncmp(at + n_method + 1, pattern, n_pattern))
                                return d->name;
                        at += n;
                        at += strspn(at, ", ");
                }
        }
        return "default";
}

bool policy_allows(const struct policy *p, const char *rule, const struct check_subject *who,
                   const char *of)
{
        const struct check *check = find(p, rule);

        return check && check_passes(check, who, of, find, p);
}

const char *policy_at(const struct policy *p, size_t i, const char **ret_check, bool *ret_of_file)
{
        if (i >= p->n)
                return NULL;
        *ret_check = p->rules[i].text;
        *ret_of_file = p->rules[i].line > 0;
        return p->rules[i].name;
}
