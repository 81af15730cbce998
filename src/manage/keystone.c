/* SPDX-License-Identifier: Apache-2.0 */
/* Registers the service: each thing is looked for, and made only where it is not there; so it may
 * be run again at any time. */
#include "manage/keystone.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "manage/manage.h"
#include "model/limits.h"
#include "openstack/session.h"

#define SERVICE_TYPE "elastic-network"
#define SERVICE_NAME "cloud-atlas"

enum { ANSWER_MS = 30000, PATH_SIZE = 1024, OBJECT_ID_SIZE = 65 };

struct sync {
        const struct keystone_settings *s;
        struct openstack_session *session;
        char domain[OBJECT_ID_SIZE];
        struct fault why;
};

/* ---- words to Keystone ---- */

/* OPENSTACK_… or negative; 'body' is taken. */
static int call(struct sync *k, const char *method, const char *path, json_t *body,
                struct openstack_reply *ret)
{
        json_auto_t *own = body;

        return openstack_call(k->session,
                              &(struct openstack_call){
                                      .method = method,
                                      .path = path,
                                      .body = own,
                                      .deadline_mono_ms = clock_mono_ms() + ANSWER_MS,
                              },
                              ret, &k->why);
}

static int told(struct sync *k, int r)
{
        return r == OPENSTACK_OK ? MANAGE_OK : r < 0 ? err_pass(r) : manage_refuse(&k->why);
}

/* "&name=value" with the value percent-encoded. */
static void add_filter(struct text *path, const char *name, const char *value)
{
        text_addf(path, "%s%s=", strchr(path->bytes, '?') ? "&" : "?", name);
        for (; *value; value++)
                text_addf(path, isalnum((unsigned char)*value) ? "%c" : "%%%02X",
                          (unsigned char)*value);
}

/* The thing that 'path' lists, or a new one of 'fields' (taken): its id, and what it is now in
 * '*ret_object' (may be NULL). */
static int ensure(struct sync *k, const char *noun, const char *path, json_t *fields,
                  char ret[OBJECT_ID_SIZE], json_t **ret_object)
{
        OWN(openstack_reply_done) struct openstack_reply found = { 0 }, made = { 0 };
        json_auto_t *own = fields;
        char collection[64], to[80];
        json_t *object;
        int r;

        snprintf(collection, sizeof collection, "%ss", noun);
        snprintf(to, sizeof to, "/v3/%s", collection);
        r = call(k, "GET", path, NULL, &found);
        if (r != OPENSTACK_OK)
                return told(k, r);
        object = json_array_get(json_object_get(found.body, collection), 0);
        if (!object) {
                r = call(k, "POST", to, json_pack("{sO}", noun, own), &made);
                if (r != OPENSTACK_OK)
                        return told(k, r);
                object = json_object_get(made.body, noun);
                printf("Made %s %s.\n", noun,
                       json_string_value(json_object_get(own, "name"))
                               ? json_string_value(json_object_get(own, "name"))
                               : json_string_value(json_object_get(own, "interface")));
        }
        if (!text_copy(ret, OBJECT_ID_SIZE, json_string_value(json_object_get(object, "id"))) ||
            !*ret) {
                fault_set(&k->why, 502, "openstack.bad_answer", "Keystone's %s has no id.", noun);
                return manage_refuse(&k->why);
        }
        if (ret_object)
                *ret_object = json_incref(object);
        return MANAGE_OK;
}

/* The same for what has a name, and a domain if that is not NULL. */
static int ensure_named(struct sync *k, const char *noun, const char *name, const char *domain,
                        json_t *more, char ret[OBJECT_ID_SIZE])
{
        OWN(text_done) struct text path = { 0 };
        json_t *fields = json_pack("{ss}", "name", name);

        text_addf(&path, "/v3/%ss", noun);
        add_filter(&path, "name", name);
        if (domain) {
                add_filter(&path, "domain_id", domain);
                json_object_set_new(fields, "domain_id", json_string(domain));
        }
        if (more)
                json_object_update_new(fields, more);
        if (path.failed || !fields) {
                json_decref(fields);
                return err_raise(-ENOMEM);
        }
        return ensure(k, noun, path.bytes, fields, ret, NULL);
}

/* ---- the user ---- */

/* Whether Keystone takes the password: setting it anew would end all of the user's tokens. */
static int password_works(struct sync *k, bool *ret)
{
        OWN(openstack_session_free) struct openstack_session *session = NULL;
        OWN(openstack_reply_done) struct openstack_reply reply = { 0 };
        struct openstack_settings as = k->s->admin;
        struct fault why = { 0 };
        int r;

        as.username = k->s->service_user;
        as.password = k->s->service_password;
        as.user_domain_name = as.project_domain_name;
        as.project_name = k->s->service_project;
        as.project_id = (char[]){ "" };
        if (!as.endpoint_override[0])
                as.endpoint_override = as.auth_url;
        r = openstack_session_new(&as, "identity", &session);
        if (r)
                return err_pass(r);
        r = openstack_call(
                session,
                &(struct openstack_call){ .method = "GET",
                                          .path = "/v3/auth/projects",
                                          .deadline_mono_ms = clock_mono_ms() + ANSWER_MS },
                &reply, &why);
        if (r == OPENSTACK_UNAVAILABLE)
                return manage_refuse(&why);
        *ret = r == OPENSTACK_OK;
        return r < 0 ? err_pass(r) : MANAGE_OK;
}

static int sync_user(struct sync *k)
{
        OWN(openstack_reply_done) struct openstack_reply reply = { 0 };
        char project[OBJECT_ID_SIZE], user[OBJECT_ID_SIZE], role[OBJECT_ID_SIZE], path[PATH_SIZE];
        const struct keystone_settings *s = k->s;
        bool works = false;
        int r = ensure_named(k, "project", s->service_project, k->domain, NULL, project);

        r = r ? r : ensure_named(k, "role", "service", NULL, NULL, role);
        r = r ? r
              : ensure_named(k, "user", s->service_user, k->domain,
                             json_pack("{ss}", "password", s->service_password), user);
        if (r)
                return r;
        snprintf(path, sizeof path, "/v3/projects/%s/users/%s/roles/%s", project, user, role);
        r = told(k, call(k, "PUT", path, NULL, &reply));
        r = r ? r : password_works(k, &works);
        if (r || works)
                return r;
        snprintf(path, sizeof path, "/v3/users/%s", user);
        r = told(k, call(k, "PATCH", path,
                         json_pack("{s{ss}}", "user", "password", s->service_password), &reply));
        if (r == MANAGE_OK)
                printf("Set the password of user %s.\n", s->service_user);
        return r;
}

/* ---- the catalogue ---- */

static int sync_region(struct sync *k, const char *region)
{
        OWN(openstack_reply_done) struct openstack_reply reply = { 0 };
        OWN(text_done) struct text path = { 0 };
        int r;

        text_add(&path, "/v3/regions/");
        for (const char *c = region; *c; c++)
                text_addf(&path, isalnum((unsigned char)*c) ? "%c" : "%%%02X", (unsigned char)*c);
        if (path.failed)
                return err_raise(-ENOMEM);
        r = call(k, "GET", path.bytes, NULL, &reply);
        if (r != OPENSTACK_NOT_FOUND)
                return told(k, r);
        r = call(k, "POST", "/v3/regions", json_pack("{s{ss}}", "region", "id", region), &reply);
        if (r == OPENSTACK_OK)
                printf("Made region %s.\n", region);
        return told(k, r);
}

static int sync_endpoint(struct sync *k, const char *service, const char *interface,
                         const char *url, const char *region)
{
        OWN(openstack_reply_done) struct openstack_reply reply = { 0 };
        OWN(text_done) struct text path = { 0 };
        json_auto_t *now = NULL;
        char id[OBJECT_ID_SIZE], to[PATH_SIZE];
        json_t *fields =
                json_pack("{ss ss ss}", "service_id", service, "interface", interface, "url", url);
        int r;

        text_add(&path, "/v3/endpoints");
        add_filter(&path, "service_id", service);
        add_filter(&path, "interface", interface);
        if (*region) {
                add_filter(&path, "region_id", region);
                json_object_set_new(fields, "region_id", json_string(region));
        }
        if (path.failed || !fields) {
                json_decref(fields);
                return err_raise(-ENOMEM);
        }
        r = ensure(k, "endpoint", path.bytes, fields, id, &now);
        if (r || text_equal(json_string_value(json_object_get(now, "url")), url))
                return r;
        snprintf(to, sizeof to, "/v3/endpoints/%s", id);
        r = told(k, call(k, "PATCH", to, json_pack("{s{ss}}", "endpoint", "url", url), &reply));
        if (r == MANAGE_OK)
                printf("Moved endpoint %s to %s.\n", interface, url);
        return r;
}

static int sync_catalogue(struct sync *k)
{
        OWN(text_done) struct text path = { 0 };
        char service[OBJECT_ID_SIZE];
        const struct keystone_settings *s = k->s;
        const char *region = s->admin.region_name;
        const char *internal = s->internal_url[0] ? s->internal_url : s->public_url;
        const char *admin = s->admin_url[0] ? s->admin_url : internal;
        int r;

        text_add(&path, "/v3/services");
        add_filter(&path, "type", SERVICE_TYPE);
        if (path.failed)
                return err_raise(-ENOMEM);
        r = ensure(k, "service", path.bytes,
                   json_pack("{ss ss ss}", "type", SERVICE_TYPE, "name", SERVICE_NAME,
                             "description", "Networks across the WAN"),
                   service, NULL);
        r = r || !*region ? r : sync_region(k, region);
        r = r ? r : sync_endpoint(k, service, "public", s->public_url, region);
        r = r ? r : sync_endpoint(k, service, "internal", internal, region);
        return r ? r : sync_endpoint(k, service, "admin", admin, region);
}

int keystone_sync(struct manage *m)
{
        OWN(openstack_session_free) struct openstack_session *session = NULL;
        const struct keystone_settings *s = &m->settings->keystone;
        struct openstack_settings as = s->admin;
        OWN(text_done) struct text path = { 0 };
        struct sync k = { .s = s };
        int r;

        if (openstack_settings_check(&as, "keystone", &k.why) != OPENSTACK_SETTINGS_OK)
                return manage_refuse(&k.why);
        if (!as.endpoint_override[0])
                as.endpoint_override = as.auth_url;
        r = openstack_session_new(&as, "identity", &session);
        if (r)
                return err_pass(r);
        k.session = session;
        r = ensure_named(&k, "domain", as.project_domain_name, NULL, NULL, k.domain);
        if (r == MANAGE_OK && s->service_password[0])
                r = sync_user(&k);
        if (r == MANAGE_OK && s->public_url[0])
                r = sync_catalogue(&k);
        if (r == MANAGE_OK)
                printf("Keystone knows the service.\n");
        return r;
}
