/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's own settings, and the tables that make up its file. */
#include <stddef.h>

#include "drivers/cloud/cloud_driver.h"
#include "drivers/gateway/gateway_driver.h"
#include "site-agent/agent.h"
#include "site-agent/gateway_unit.h"

#define AT(member) offsetof(struct agent_settings, member)
/* clang-format off */
const struct setting agent_settings[] = {
        { "DEFAULT", "site", SETTING_TEXT, AT(site), NULL, 0, 0,
          "Name of the site that this agent serves, as `atlas-manage site add` has it" },
        { "DEFAULT", "host", SETTING_TEXT, AT(host), "", 0, 0,
          "Unique name of this agent among those of the site; empty: the host's name" },
        { "DEFAULT", "debug", SETTING_BOOL, AT(debug), "false", 0, 0, "Log what is wanted and found of every object" },
        { "DEFAULT", "metrics_host", SETTING_TEXT, AT(metrics_host), "127.0.0.1", 0, 0, "Address of /metrics" },
        { "DEFAULT", "metrics_port", SETTING_INT, AT(metrics_port), "9799", 0, 65535, "Port of /metrics; 0: a free one" },
        BUS_SETTINGS(struct agent_settings, bus),
        POLICY_SETTINGS(struct agent_settings, policy),
        { "cloud", "driver", SETTING_TEXT, AT(cloud_driver), "neutron", 0, 0,
          "How the site's cloud is worked; the options of the drivers follow" },
        { "cloud", "workers", SETTING_INT, AT(cloud_workers), "4", 1, 64,
          "Attachments that are plugged or unplugged at the same time" },
        { 0 },
};
/* clang-format on */

const struct setting *const *agent_tables(void)
{
        static const struct setting *tables[32] = { agent_settings };
        const size_t room = sizeof tables / sizeof *tables - 1;
        size_t n = 1;

        for (size_t i = 0; cloud_drivers[i] && n < room; i++)
                tables[n++] = cloud_drivers[i]->settings;
        tables[n++] = gateway_unit_settings;
        for (size_t i = 0; gateway_drivers[i] && n < room; i++)
                tables[n++] = gateway_drivers[i]->settings;
        tables[n] = NULL;
        return tables;
}
