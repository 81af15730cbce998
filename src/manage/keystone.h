#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* What Keystone is to know of us: the catalogue's entry and the service's user. */

#include "base/config.h"
#include "openstack/settings.h"

struct keystone_settings {
        struct openstack_settings admin; /* who may change these things */
        char *service_user, *service_password, *service_project;
        char *public_url, *internal_url, *admin_url;
};
/* clang-format off */
#define KEYSTONE_SETTINGS(type, member) \
        OPENSTACK_SETTINGS("keystone", type, member.admin), \
        { "keystone", "service_user", SETTING_TEXT, offsetof(type, member.service_user), "cloud-atlas", 0, 0, \
          "User as whom atlas-api asks about tokens; `keystone sync` makes it" }, \
        { "keystone", "service_password", SETTING_SECRET, offsetof(type, member.service_password), "", 0, 0, \
          "Its password; empty: no user is made" }, \
        { "keystone", "service_project", SETTING_TEXT, offsetof(type, member.service_project), "service", 0, 0, \
          "Its project" }, \
        { "keystone", "public_url", SETTING_TEXT, offsetof(type, member.public_url), "", 0, 0, \
          "atlas-api as tenants reach it, for the catalogue; empty: no endpoint is made" }, \
        { "keystone", "internal_url", SETTING_TEXT, offsetof(type, member.internal_url), "", 0, 0, \
          "The same from inside the cloud; empty: public_url" }, \
        { "keystone", "admin_url", SETTING_TEXT, offsetof(type, member.admin_url), "", 0, 0, \
          "The same for operators; empty: internal_url" }
/* clang-format on */
