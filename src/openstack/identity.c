/* SPDX-License-Identifier: Apache-2.0 */
#include "openstack/identity.h"

#include <string.h>
#include <time.h>

#include "base/text.h"

bool identity_time_read(const char *text, int64_t *ret_ms)
{
        struct tm t = { 0 };
        const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &t) : NULL;

        if (!rest || (*rest != '.' && *rest != 'Z'))
                return false;
        *ret_ms = (int64_t)timegm(&t) * 1000;
        return true;
}

/* Roles are kept in one text with commas between: a name that could be read as two, or as another
 * when blanks are cut off, is none of ours. */
static bool role_valid(const char *name)
{
        size_t n = name ? strlen(name) : 0;

        for (size_t i = 0; i < n; i++)
                if ((unsigned char)name[i] < ' ' || name[i] == ',')
                        return false;
        return n > 0 && name[0] != ' ' && name[n - 1] != ' ';
}

static void roles_read(const json_t *roles, char ret[ROLES_SIZE])
{
        size_t i, n = 0;
        json_t *role;

        json_array_foreach (roles, i, role) {
                const char *name = json_string_value(json_object_get(role, "name"));
                size_t more = role_valid(name) ? strlen(name) + (n > 0) : 0;

                if (more == 0 || n + more >= ROLES_SIZE)
                        continue;
                if (n > 0)
                        ret[n++] = ',';
                memcpy(ret + n, name, strlen(name));
                n += strlen(name);
        }
        ret[n] = '\0';
}

static bool id_read(const json_t *object, char ret[PROJECT_SIZE])
{
        const char *id = json_string_value(json_object_get(object, "id"));

        return id && *id && text_copy(ret, PROJECT_SIZE, id);
}

int identity_read(const json_t *body, struct identity *ret, struct fault *why)
{
        const json_t *token = json_object_get(body, "token");
        const json_t *project = json_object_get(token, "project");
        struct identity who = { 0 };

        if (!json_is_object(token) ||
            !identity_time_read(json_string_value(json_object_get(token, "expires_at")),
                                &who.expires_ms) ||
            !id_read(json_object_get(token, "user"), who.user_id) ||
            (project && !id_read(project, who.project_id))) {
                fault_set(why, 502, "openstack.bad_answer",
                          "Keystone's answer is not a token as version 3 has it.");
                return IDENTITY_BAD_ANSWER;
        }
        roles_read(json_object_get(token, "roles"), who.roles);
        *ret = who;
        return IDENTITY_OK;
}
