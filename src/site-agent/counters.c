/* SPDX-License-Identifier: Apache-2.0 */
/* One metric per row of labels, for the set of labels is closed. */
#include "site-agent/counters.h"

#include <string.h>

#include "base/metrics.h"

#define COMMANDS      "atlas_agent_commands_total"
#define COMMANDS_HELP "Commands done, by how they ended"
#define FAULTS        "atlas_agent_faults_total"
#define FAULTS_HELP   "Commands that failed as a whole, by why"

/* clang-format off */
#define ROW(method) \
        { method, \
          METRIC(METRIC_COUNTER, COMMANDS, "method=\"" method "\",result=\"ok\"", COMMANDS_HELP), \
          METRIC(METRIC_COUNTER, COMMANDS, "method=\"" method "\",result=\"fault\"", COMMANDS_HELP), \
          METRIC(METRIC_COUNTER, COMMANDS, "method=\"" method "\",result=\"expired\"", COMMANDS_HELP), \
          METRIC(METRIC_HISTOGRAM, "atlas_agent_command_ms", "method=\"" method "\"", "Milliseconds from turn to answer") }
static struct {
        const char *method;
        struct metric ok, fault, expired, took;
} commands[] = { ROW("apply"), ROW("audit"), ROW("plug"), ROW("unplug") };

#define FAULT(type) { type, METRIC(METRIC_COUNTER, FAULTS, "type=\"" type "\"", FAULTS_HELP) }
static struct {
        const char *type;
        struct metric count;
} faults[] = {
        FAULT("gateway.unreachable"), FAULT("gateway.timeout"), FAULT("gateway.quarantined"), FAULT("gateway.stale"),
        FAULT("gateway.observe_only"), FAULT("gateway.unknown"), FAULT("gateway.device_error"),
        FAULT("gateway.host_key_changed"), FAULT("gateway.bad_answer"),
        FAULT("cloud.unreachable"), FAULT("cloud.timeout"), FAULT("cloud.not_yours"), FAULT("cloud.mtu"), FAULT("cloud.refused"),
        FAULT("cloud.binding_failed"), FAULT("cloud.port_not_active"),
        FAULT("site.policy"), FAULT("command.expired"),
        FAULT("other"), /* the last row takes what no other does */
};
static struct metric open_work = METRIC(METRIC_GAUGE, "atlas_agent_open_commands", NULL, "Commands received and not yet answered");
static struct metric gateways = METRIC(METRIC_GAUGE, "atlas_agent_gateways", NULL, "Gateways of the file");
static struct metric reachable = METRIC(METRIC_GAUGE, "atlas_agent_gateways_reachable", NULL, "Gateways that answered when last asked");
/* clang-format on */

static void count_fault(const char *type)
{
        size_t i = 0, last = sizeof faults / sizeof *faults - 1;

        while (i < last && strcmp(faults[i].type, type) != 0)
                i++;
        metric_add(&faults[i].count, 1);
}

void counters_command(const char *method, const struct port_event *event, int64_t took_ms)
{
        for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
                if (strcmp(commands[i].method, method) != 0)
                        continue;
                metric_add(event->expired                ? &commands[i].expired
                           : fault_is_set(&event->fault) ? &commands[i].fault
                                                         : &commands[i].ok,
                           1);
                metric_observe_ms(&commands[i].took, took_ms);
        }
        if (fault_is_set(&event->fault))
                count_fault(event->fault.type);
}

void counters_open_work(int change)
{
        metric_add(&open_work, change);
}

void counters_gateways(int n, int n_reachable)
{
        metric_set(&gateways, n);
        metric_set(&reachable, n_reachable);
}
