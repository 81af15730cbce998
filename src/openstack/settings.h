#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* How to reach an OpenStack service, in the names of keystoneauth. */

#include <stdbool.h>
#include <stddef.h>

#include "base/config.h"
#include "base/fault.h"

struct openstack_settings {
        char *auth_type; /* "password" or "none"; of people also those of the second table below */
        char *auth_url;
        char *username, *password, *user_domain_name;
        char *project_name, *project_domain_name;
        char *project_id;  /* instead of the project's name; with auth_type none: X-Project-Id */
        char *roles;       /* auth_type none only: X-Roles */
        char *region_name; /* "" for any */
        char *valid_interfaces;  /* the first that the catalogue has */
        char *endpoint_override; /* "" to ask the catalogue */
        char *cafile;            /* "" for the system's certificates */
        bool insecure;

        /* Only people have these; NULL where the second table was not applied. */
        char *user_id, *user_domain_id, *project_domain_id; /* instead of the names */
        char *token;                                        /* auth_type token */
        char *application_credential_id, *application_credential_name,
                *application_credential_secret; /* auth_type v3applicationcredential */
};
/* clang-format off */
#define OPENSTACK_SETTINGS(section, type, member) \
        { section, "auth_type", SETTING_TEXT, offsetof(type, member.auth_type), "password", 0, 0, \
          "password, or none for a service without Keystone" }, \
        { section, "auth_url", SETTING_TEXT, offsetof(type, member.auth_url), "", 0, 0, \
          "Keystone, as http://keystone:5000/v3" }, \
        { section, "username", SETTING_TEXT, offsetof(type, member.username), "", 0, 0, \
          "User name" }, \
        { section, "password", SETTING_SECRET, offsetof(type, member.password), "", 0, 0, \
          "The user's password" }, \
        { section, "user_domain_name", SETTING_TEXT, offsetof(type, member.user_domain_name), "Default", 0, 0, \
          "The user's domain" }, \
        { section, "project_name", SETTING_TEXT, offsetof(type, member.project_name), "", 0, 0, \
          "Project to be scoped to" }, \
        { section, "project_domain_name", SETTING_TEXT, offsetof(type, member.project_domain_name), "Default", 0, 0, \
          "The project's domain" }, \
        { section, "project_id", SETTING_TEXT, offsetof(type, member.project_id), "", 0, 0, \
          "Project by its id; with auth_type none it is sent as X-Project-Id" }, \
        { section, "roles", SETTING_TEXT, offsetof(type, member.roles), "", 0, 0, \
          "With auth_type none: sent as X-Roles" }, \
        { section, "region_name", SETTING_TEXT, offsetof(type, member.region_name), "", 0, 0, \
          "Region of the endpoint; empty: any" }, \
        { section, "valid_interfaces", SETTING_LIST, offsetof(type, member.valid_interfaces), "internal,public", 0, 0, \
          "Interfaces of the endpoint, best first" }, \
        { section, "endpoint_override", SETTING_TEXT, offsetof(type, member.endpoint_override), "", 0, 0, \
          "The service's URL; empty: ask the catalogue" }, \
        { section, "cafile", SETTING_TEXT, offsetof(type, member.cafile), "", 0, 0, \
          "CA certificates (PEM); empty: the system's" }, \
        { section, "insecure", SETTING_BOOL, offsetof(type, member.insecure), "false", 0, 0, \
          "Accept any certificate" }
#define OPENSTACK_SETTINGS_OF_PEOPLE(section, type, member) \
        { section, "user_id", SETTING_TEXT, offsetof(type, member.user_id), "", 0, 0, \
          "The user by id" }, \
        { section, "user_domain_id", SETTING_TEXT, offsetof(type, member.user_domain_id), "", 0, 0, \
          "The user's domain by id" }, \
        { section, "project_domain_id", SETTING_TEXT, offsetof(type, member.project_domain_id), "", 0, 0, \
          "The project's domain by id" }, \
        { section, "token", SETTING_SECRET, offsetof(type, member.token), "", 0, 0, \
          "A token to get others with" }, \
        { section, "application_credential_id", SETTING_TEXT, offsetof(type, member.application_credential_id), "", 0, 0, \
          "An application credential" }, \
        { section, "application_credential_name", SETTING_TEXT, offsetof(type, member.application_credential_name), "", 0, 0, \
          "One of the user's, by its name" }, \
        { section, "application_credential_secret", SETTING_SECRET, offsetof(type, member.application_credential_secret), "", 0, 0, \
          "Its secret" }
/* clang-format on */
/* What 'auth_type' is, by any of its names. */
enum openstack_auth { AUTH_PASSWORD, AUTH_NONE, AUTH_TOKEN, AUTH_APPLICATION, AUTH_UNKNOWN };
enum openstack_auth openstack_auth_of(const struct openstack_settings *s);

/* The name of the first setting that the auth_type needs and lacks, or NULL. */
const char *openstack_settings_missing(const struct openstack_settings *s);
/* Whether what the auth_type needs is there; 'section' is named in the fault. */
enum { OPENSTACK_SETTINGS_OK, OPENSTACK_SETTINGS_BAD };
int openstack_settings_check(const struct openstack_settings *s, const char *section,
                             struct fault *why);
