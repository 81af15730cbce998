/* SPDX-License-Identifier: Apache-2.0 */
/* atlas-agent: works a site's gateways and its Quantum or Neutron. */
#include <stdio.h>

#include "base/daemon.h"
#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"
#include "site-agent/agent.h"

static int serve(const struct agent_settings *settings, const struct config_file *file)
{
        OWN(metrics_server_free) struct metrics_server *metrics = NULL;
        OWN(agent_free) struct agent *agent = NULL;
        struct fault why = { 0 };
        int r = agent_new(settings, file, &agent, &why);

        if (r > 0) {
                fprintf(stderr, "atlas-agent: %s\n", why.message);
                return r;
        }
        r = r ? r
              : metrics_server_new(settings->metrics_host, (int)settings->metrics_port, &metrics);
        if (r != 0)
                return err_pass(r);
        log_info("metrics", "port=%d", metrics_server_port(metrics));
        return agent_run(agent);
}

static int run(int argc, char **argv)
{
        struct agent_settings settings = { 0 };
        OWN(config_file_free) struct config_file *file = NULL;
        int r = config_main("atlas-agent", "works a site's gateways and its cloud", agent_tables(),
                            &settings, argc, argv, &file);

        if (r != 0)
                return r;
        log_open("atlas-agent", settings.debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
        r = daemon_stop_fd(); /* starts a thread, which logs */
        r = r < 0 ? err_pass(r) : serve(&settings, file);
        config_done(agent_settings, &settings);
        return r;
}

DAEMON_MAIN("atlas-agent", run)
