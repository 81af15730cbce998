/* SPDX-License-Identifier: Apache-2.0 */
#include "api-server/caller.h"

#include <string.h>

#include "base/text.h"
#include "base/uuid.h"
#include "openstack/check.h"

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

/* The roles of the header without the blanks around them, then those that they imply. */
static bool read_roles(const struct http_message *m, char ret[ROLES_SIZE])
{
        static const char *const ladder[] = { "admin", "member", "reader" };
        const char *at = http_message_field(m, "x-roles");
        size_t n = at ? strlen(at) : 0;
        OWN(text_done) struct text roles = { 0 };
        bool implied = false;

        if (at && (!text_utf8_valid(at, n) || strchr(at, '\t') || n >= PROJECT_SIZE))
                return false;
        text_add(&roles, at ? "" : "member");
        while (at && *at) {
                size_t length, end;

                at += strspn(at, " ,");
                length = end = strcspn(at, ",");
                while (length > 0 && at[length - 1] == ' ')
                        length--;
                if (length > 0 && roles.n > 0)
                        text_add(&roles, ",");
                text_add_n(&roles, at, length);
                at += end;
        }
        for (size_t i = 0; i < sizeof ladder / sizeof *ladder; i++) {
                bool has = check_has_role(roles.bytes, ladder[i]);

                if (implied && !has)
                        text_addf(&roles, ",%s", ladder[i]);
                implied = implied || has;
        }
        return !roles.failed && text_copy(ret, ROLES_SIZE, roles.bytes);
}

void caller_requests(const struct http_message *m, const char *request_id, struct caller *ret)
{
        const char *global = http_message_field(m, "x-openstack-request-id");

        TEXT_SET(ret->request_id, request_id);
        if (global && text_starts(global, "req-") && uuid_valid(global + 4))
                TEXT_SET(ret->global_request_id, global);
}

int caller_from_headers(const struct http_message *m, struct caller *ret, struct fault *why)
{
        if (!read_field(m, "x-project-id", ret->project_id))
                return refuse_header(why, "X-Project-Id");
        if (!read_field(m, "x-user-id", ret->user_id))
                return refuse_header(why, "X-User-Id");
        if (!read_roles(m, ret->roles))
                return refuse_header(why, "X-Roles");
        return ret->project_id[0] ? CALLER_OK : refuse_nobody(why);
}

void caller_from_identity(const struct identity *i, struct caller *ret)
{
        TEXT_SET(ret->project_id, i->project_id);
        TEXT_SET(ret->user_id, i->user_id);
        TEXT_SET(ret->roles, i->roles);
}

static json_t *roles_list(const char *roles)
{
        json_t *list = json_array();

        while (list && *roles) {
                size_t n = strcspn(roles, ",");

                json_array_append_new(list, json_stringn(roles, n));
                roles += n + (roles[n] == ',');
        }
        return list;
}

json_t *caller_context(const struct caller *c)
{
        json_t *context = json_pack("{ss ss ss so sb}", "request_id", c->request_id, "project_id",
                                    c->project_id, "user_id", c->user_id, "roles",
                                    roles_list(c->roles), "is_admin", c->all_projects);

        if (context && c->global_request_id[0])
                json_object_set_new(context, "global_request_id",
                                    json_string(c->global_request_id));
        return context;
}
