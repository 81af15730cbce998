/* SPDX-License-Identifier: Apache-2.0 */
#include "api-server/caller.h"

#include <string.h>

#include "base/text.h"
#include "base/uuid.h"

/* A field's text into 'ret'; false when it is no text that can be a name. */
static bool read_field(const struct http_message *m, const char *name, char ret[PROJECT_SIZE])
{
        const char *value = http_message_field(m, name);
        size_t n = value ? strlen(value) : 0;

        ret[0] = '\0';
        return !value || (text_utf8_valid(value, n) && !strchr(value, '\t') &&
                          text_copy(ret, PROJECT_SIZE, value));
}

static int refuse_header(struct fault *why, const char *header)
{
        fault_set(why, 400, "request.invalid_header",
                  "The header %s is not a text of up to 255 bytes of UTF-8.", header);
        fault_details(why, "{\"header\": \"%s\"}", header);
        return CALLER_REFUSED;
}

static int refuse_nobody(struct fault *why)
{
        fault_set(
                why, 401, "auth.no_project",
                "The header X-Project-Id is missing: it names the project you act for (this service "
                "runs without Keystone).");
        fault_details(why, "{\"header\": \"X-Project-Id\"}");
        return CALLER_REFUSED;
}

static bool has_role(const char *roles, const char *role)
{
        size_t n = strlen(role);

        for (const char *at = roles; *at; at += *at == ',') {
                size_t length, end;

                at += strspn(at, " ");
                length = end = strcspn(at, ",");
                while (length > 0 && at[length - 1] == ' ')
                        length--;
                if (length == n && strncmp(at, role, n) == 0)
                        return true;
                at += end;
        }
        return false;
}

int caller_from_message(const struct http_message *m, const char *request_id, struct caller *ret,
                        struct fault *why)
{
        const char *global = http_message_field(m, "x-openstack-request-id");
        struct caller c = { 0 };

        if (!read_field(m, "x-project-id", c.project_id))
                return refuse_header(why, "X-Project-Id");
        if (!read_field(m, "x-user-id", c.user_id))
                return refuse_header(why, "X-User-Id");
        if (!read_field(m, "x-roles", c.roles))
                return refuse_header(why, "X-Roles");
        if (!c.project_id[0])
                return refuse_nobody(why);
        c.is_admin = has_role(c.roles, "admin");
        TEXT_SET(c.request_id, request_id);
        if (global && text_starts(global, "req-") && uuid_valid(global + 4))
                TEXT_SET(c.global_request_id, global);
        *ret = c;
        return CALLER_OK;
}

static json_t *roles_list(const char *roles)
{
        json_t *list = json_array();

        while (list && *roles) {
                size_t n, end;

                roles += strspn(roles, " ,");
                n = end = strcspn(roles, ",");
                while (n > 0 && roles[n - 1] == ' ')
                        n--;
                if (n > 0)
                        json_array_append_new(list, json_stringn(roles, n));
                roles += end;
        }
        return list;
}

json_t *caller_context(const struct caller *c)
{
        json_t *context = json_pack("{ss ss ss so sb}", "request_id", c->request_id, "project_id",
                                    c->project_id, "user_id", c->user_id, "roles",
                                    roles_list(c->roles), "is_admin", c->is_admin);

        if (context && c->global_request_id[0])
                json_object_set_new(context, "global_request_id",
                                    json_string(c->global_request_id));
        return context;
}
