/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of atlas-conductor, and the tables that make up its file. */
#include "base/config.h"
#include "conductor/service.h"
#include "conductor/wan_host.h"
#include "drivers/wan/wan_driver.h"

#define FIELD(field) offsetof(struct conductor_settings, field)

/* clang-format off */
const struct setting conductor_settings[] = {
        BUS_SETTINGS(struct conductor_settings, bus),
        { "DEFAULT", "host", SETTING_TEXT, FIELD(host), "", 0, 0,
          "Name of this host in the table of conductors; empty: the system's" },
        { "DEFAULT", "debug", SETTING_BOOL, FIELD(debug), "false", 0, 0, "Log more" },
        { "DEFAULT", "metrics_host", SETTING_TEXT, FIELD(metrics_host), "127.0.0.1", 0, 0, "Address of /metrics" },
        { "DEFAULT", "metrics_port", SETTING_INT, FIELD(metrics_port), "9798", 0, 65535, "Port of /metrics; 0: a free one" },
        { "database", "connection", SETTING_SECRET, FIELD(connection), NULL, 0, 0,
          "PostgreSQL, as libpq writes it: postgresql://atlas_conductor:password@host/cloud_atlas" },
        { "conductor", "workers", SETTING_INT, FIELD(n_workers), "1", 1, 64, "Batches at the same time; each has a database connection" },
        { "conductor", "batch_max", SETTING_INT, FIELD(batch_max), "128", 1, 1024, "Messages in one transaction" },
        { "conductor", "prefetch", SETTING_INT, FIELD(prefetch), "512", 1, 10000, "Messages taken from the broker before they are done" },
        { "conductor", "redeliveries", SETTING_INT, FIELD(redeliveries), "5", 1, 1000,
          "Times that a message which came again is begun, before it is a dead letter" },
        { "conductor", "open_operations", SETTING_INT, FIELD(open_max), "1000", 0, 1000000,
          "Operations that a project may have under way, before more are refused (429); 0: any number" },
        { "conductor", "step_percent", SETTING_INT, FIELD(step_percent), "100", 1, 10000,
          "Scales the deadlines of all workflow steps" },
        { "conductor", "apply_timeout", SETTING_INT, FIELD(apply_timeout_s), "10", 1, 3600,
          "Seconds that an agent may take for one command" },
        { "conductor", "audit_interval", SETTING_INT, FIELD(audit_s), "600", 1, 86400,
          "Seconds between full reads of a gateway; what its digest tells is noticed with the next heartbeat" },
        { "conductor", "quarantine", SETTING_INT, FIELD(quarantine_s), "60", 0, 86400,
          "Seconds before a released label or tag is handed out again" },
        { "conductor", "brake_percent", SETTING_INT, FIELD(brake_percent), "10", 0, 100,
          "A repair of more of a gateway's objects than this waits for an operator; 100: none does" },
        { "conductor", "brake_least", SETTING_INT, FIELD(brake_least), "20", 0, 1000000,
          "… unless there are no more objects than this to repair" },
        { "quotas", "quota_vpn", SETTING_INT, FIELD(quota.vpns), "-1", -1, INT32_MAX,
          "VPNs that a project may have, unless `atlas-manage quota set` says otherwise for it; -1: any number" },
        { "quotas", "quota_virtual_link", SETTING_INT, FIELD(quota.links), "-1", -1, INT32_MAX, "Virtual links, likewise" },
        { "quotas", "quota_kbps", SETTING_INT, FIELD(quota.kbps), "-1", -1, INT64_MAX,
          "kbit/s of all its virtual links together, each with the greater of its directions; likewise" },
        { "conductor", "keep_history_days", SETTING_INT, FIELD(keep_history_days), "400", 31, 36500,
          "Days after which a month of history is dropped" },
        { "oslo_messaging_notifications", "driver", SETTING_TEXT, FIELD(notify_driver), "noop", 0, 0,
          "messagingv2: tell other services what happens to links, ports and VPNs; noop: do not" },
        { "oslo_messaging_notifications", "topics", SETTING_LIST, FIELD(notify_topics), "notifications", 0, 0,
          "Queues of the notifications, each with \".info\" and \".error\" behind it; made by those who listen" },
        { 0 },
};
/* clang-format on */

const struct setting *const *conductor_tables(void)
{
        static const struct setting *tables[16] = { conductor_settings, wan_settings };
        const size_t room = sizeof tables / sizeof *tables - 1;

        for (size_t i = 0; wan_drivers[i] && 2 + i < room; i++)
                tables[2 + i] = wan_drivers[i]->settings;
        return tables;
}
