/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of atlas-manage. */
#include <stddef.h>

#include "manage/manage.h"

#define FIELD(field) offsetof(struct manage_settings, field)

/* clang-format off */
const struct setting manage_settings[] = {
        BUS_SETTINGS(struct manage_settings, bus),
        { "database", "connection", SETTING_SECRET, FIELD(connection), NULL, 0, 0,
          "PostgreSQL as its owner, as libpq writes it: postgresql://atlas_owner:password@host/cloud_atlas" },
        { "database", "sql_dir", SETTING_TEXT, FIELD(sql_dir), "", 0, 0,
          "Folder of the schema's steps, NNNN-*.sql; empty: that of this program" },
        { "bus", "rabbitmqctl", SETTING_TEXT, FIELD(rabbitmqctl), "rabbitmqctl", 0, 0,
          "Command that reaches the broker's node, words separated by blanks; users and permissions are made through it" },
        { "bus", "peers", SETTING_TEXT, FIELD(peers), "", 0, 0,
          "Programs of others: NAME:TOPIC,…>KEY,… separated by blanks; each gets user and exchange atlas-peer-NAME, serves its "
          "topics (or TOPIC.SERVER), and what it sends with those keys reaches ours" },
        { "bus", "client_certificates", SETTING_BOOL, FIELD(client_certificates), "false", 0, 0,
          "Users log in by a TLS client certificate with their name as its common name: new ones get no password" },
        KEYSTONE_SETTINGS(struct manage_settings, keystone),
        { "oslo_policy", "policy_file", SETTING_TEXT, FIELD(policy_file), "", 0, 0,
          "What `policy list` and `policy check` look at: that of atlas-api; empty: the defaults" },
        { 0 },
};
/* clang-format on */
