/* SPDX-License-Identifier: Apache-2.0 */
#include "openstack/keystone.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "openstack/identity.h"

enum { TOKEN_MAX = 16 << 10, INTERFACE_MAX = 32 };

void keystone_token_done(struct keystone_token *t)
{
        free(t->id);
        json_decref(t->catalog);
        *t = (struct keystone_token){ 0 };
}

char *keystone_tokens_url(const char *auth_url)
{
        OWN(text_done) struct text url = { 0 };
        size_t n = strlen(auth_url);

        while (n > 0 && auth_url[n - 1] == '/')
                n--;
        text_add_n(&url, auth_url, n);
        if (n < 3 || memcmp(auth_url + n - 3, "/v3", 3) != 0)
                text_add(&url, "/v3");
        text_add(&url, "/auth/tokens");
        return text_take(&url);
}

static bool given(const char *value)
{
        return value && *value;
}

/* {"id": …}, or the name with its domain. */
static json_t *by_id_or_name(const char *id, const char *name, const char *domain_id,
                             const char *domain_name)
{
        if (given(id))
                return json_pack("{s:s}", "id", id);
        if (given(domain_id))
                return json_pack("{s:s, s:{s:s}}", "name", name, "domain", "id", domain_id);
        return json_pack("{s:s, s:{s:s}}", "name", name, "domain", "name", domain_name);
}

static json_t *user_of(const struct openstack_settings *s)
{
        return by_id_or_name(s->user_id, s->username, s->user_domain_id, s->user_domain_name);
}

static json_t *by_password(const struct openstack_settings *s)
{
        json_t *user = user_of(s);

        if (json_object_set_new(user, "password", json_string(s->password)) != 0) {
                json_decref(user);
                return NULL;
        }
        return json_pack("{s:[s], s:{s:o}}", "methods", "password", "password", "user", user);
}

static json_t *by_application(const struct openstack_settings *s)
{
        static const char method[] = "application_credential";

        if (given(s->application_credential_id))
                return json_pack("{s:[s], s:{s:s, s:s}}", "methods", method, method, "id",
                                 s->application_credential_id, "secret",
                                 s->application_credential_secret);
        return json_pack("{s:[s], s:{s:s, s:s, s:o}}", "methods", method, method, "name",
                         s->application_credential_name, "secret", s->application_credential_secret,
                         "user", user_of(s));
}

json_t *keystone_auth_body(const struct openstack_settings *s)
{
        enum openstack_auth auth = openstack_auth_of(s);
        json_t *project;

        if (auth == AUTH_APPLICATION) /* it has its project with it */
                return json_pack("{s:{s:o}}", "auth", "identity", by_application(s));
        if (auth == AUTH_TOKEN && !given(s->project_id) && !given(s->project_name))
                return json_pack("{s:{s:{s:[s], s:{s:s}}}}", "auth", "identity", "methods", "token",
                                 "token", "id", s->token);
        project = by_id_or_name(s->project_id, s->project_name, s->project_domain_id,
                                s->project_domain_name);
        if (auth == AUTH_TOKEN)
                return json_pack("{s:{s:{s:[s], s:{s:s}}, s:{s:o}}}", "auth", "identity", "methods",
                                 "token", "token", "id", s->token, "scope", "project", project);
        return json_pack("{s:{s:o, s:{s:o}}}", "auth", "identity", by_password(s), "scope",
                         "project", project);
}

/* A token goes into a header: printable ASCII only. */
static bool token_id_valid(const char *id)
{
        size_t n = strlen(id);

        for (size_t i = 0; i < n; i++)
                if (id[i] <= ' ' || id[i] > '~')
                        return false;
        return n > 0 && n <= TOKEN_MAX;
}

int keystone_token_read(const char *id, const json_t *body, struct keystone_token *ret,
                        struct fault *why)
{
        const json_t *token = json_object_get(body, "token");
        json_t *catalog = json_object_get(token, "catalog");
        int64_t issued, expires;

        if (!token_id_valid(id) ||
            !identity_time_read(json_string_value(json_object_get(token, "issued_at")), &issued) ||
            !identity_time_read(json_string_value(json_object_get(token, "expires_at")),
                                &expires) ||
            expires <= issued || (catalog && !json_is_array(catalog))) {
                fault_set(why, 502, "openstack.bad_answer",
                          "Keystone's answer is not a token as version 3 has it.");
                return KEYSTONE_BAD_ANSWER;
        }
        *ret = (struct keystone_token){
                .id = strdup(id),
                .catalog = catalog ? json_incref(catalog) : json_array(),
                .lifetime_ms = expires - issued,
        };
        if (ret->id && ret->catalog)
                return KEYSTONE_OK;
        keystone_token_done(ret);
        return err_raise(-ENOMEM);
}

static bool field_is(const json_t *object, const char *key, const char *value)
{
        return text_equal(json_string_value(json_object_get(object, key)), value);
}

static const char *endpoint_of(const json_t *service, const char *interface, const char *region)
{
        size_t i;
        json_t *e;

        json_array_foreach (json_object_get(service, "endpoints"), i, e) {
                bool here = !region[0] || field_is(e, "region_id", region) ||
                            field_is(e, "region", region);

                if (here && field_is(e, "interface", interface))
                        return json_string_value(json_object_get(e, "url"));
        }
        return NULL;
}

const char *keystone_endpoint(const json_t *catalog, const char *type, const char *interfaces,
                              const char *region)
{
        for (const char *at = interfaces; *at;) {
                size_t n = strcspn(at, ", "), i;
                char interface[INTERFACE_MAX] = "";
                json_t *service;

                if (n > 0 && n < sizeof interface)
                        memcpy(interface, at, n);
                json_array_foreach (catalog, i, service) {
                        const char *url = field_is(service, "type", type) && interface[0]
                                                  ? endpoint_of(service, interface, region)
                                                  : NULL;

                        if (url)
                                return url;
                }
                at += n;
                at += strspn(at, ", ");
        }
        return NULL;
}
