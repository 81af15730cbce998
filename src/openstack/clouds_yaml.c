/* SPDX-License-Identifier: Apache-2.0 */
#include "openstack/clouds_yaml.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"
#include "openstack/yaml.h"

struct reading {
        const char *path, *name;
        clouds_on_setting *on_setting;
        void *user;
        bool found;
        char others[200]; /* names of clouds, for who asks for one that is not there */
};

static int refuse(const struct reading *g, const struct yaml_scalar *s, const char *problem,
                  struct fault *why)
{
        fault_set(why, 400, "config.invalid", "%.200s:%d: %.60s %s.", g->path, s->line,
                  s->keys[s->n_keys - 1], problem);
        return YAML_BAD;
}

static void note_other(struct reading *g, const char *name)
{
        size_t n = strlen(g->others), n_name = strlen(name);
        const char *last = strrchr(g->others, ' ');

        if (!text_equal(last ? last + 1 : g->others, name) && n + n_name + 2 < sizeof g->others)
                snprintf(g->others + n, sizeof g->others - n, "%s%s", n ? " " : "", name);
}

/* clouds.NAME.KEY and clouds.NAME.auth.KEY; what has no meaning here is another client's. */
static int on_scalar(const struct yaml_scalar *s, void *user, struct fault *why)
{
        struct reading *g = user;
        const char *key = s->keys[s->n_keys - 1];
        bool auth = s->n_keys == 4 && text_equal(s->keys[2], "auth");

        if (s->n_keys < 3 || !text_equal(s->keys[0], "clouds"))
                return YAML_OK;
        if (!text_equal(s->keys[1], g->name)) {
                note_other(g, s->keys[1]);
                return YAML_OK;
        }
        g->found = true;
        if ((s->n_keys != 3 && !auth) || s->null)
                return YAML_OK;
        if (text_equal(key, "profile"))
                return refuse(g, s, "is not understood; write out what it stands for", why);
        if (auth && (text_equal(key, "domain_id") || text_equal(key, "domain_name")))
                return refuse(g, s, "is not understood; links belong to projects", why);
        return g->on_setting(key, s->value, g->user);
}

int clouds_yaml_read(const char *path, const char *name, clouds_on_setting *on_setting, void *user,
                     struct fault *why)
{
        struct reading g = { .path = path, .name = name, .on_setting = on_setting, .user = user };
        int r = yaml_walk_file(path, on_scalar, &g, why);

        if (r < 0)
                return err_pass(r);
        if (r == YAML_OK && g.found)
                return CLOUDS_OK;
        if (r != YAML_OK)
                return CLOUDS_BAD;
        fault_set(why, 400, "config.invalid", "%.200s has no cloud %.60s%s%s.", path, name,
                  g.others[0] ? "; there are: " : "", g.others);
        return CLOUDS_NONE;
}

void clouds_yaml_path(char *(*get)(const char *name), char *ret, size_t size)
{
        const char *given = get("OS_CLIENT_CONFIG_FILE"), *home = get("HOME");

        if (given && *given) {
                snprintf(ret, size, "%s", given);
                return;
        }
        snprintf(ret, size, "clouds.yaml");
        if (access(ret, R_OK) == 0)
                return;
        snprintf(ret, size, "%s/.config/openstack/clouds.yaml", home ? home : "");
        if (home && access(ret, R_OK) == 0)
                return;
        snprintf(ret, size, "/etc/openstack/clouds.yaml");
        if (access(ret, R_OK) != 0)
                ret[0] = '\0';
}
