/* SPDX-License-Identifier: Apache-2.0 */
#include "api-server/api.h"
#include "base/daemon.h"
#include "base/log.h"

static const struct setting *const tables[] = { api_settings, NULL };

static int serve(const struct api_config *config)
{
        log_open("atlas-api", config->debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
        daemon_stop_fd();
        return api_run(config);
}

static int run(int argc, char **argv)
{
        struct api_config config = { 0 };
        int r = config_main("atlas-api", "serves the REST API of Cloud Atlas", tables, &config,
                            argc, argv, NULL);

        r = r ? r : serve(&config);
        config_done(api_settings, &config);
        return r;
}
DAEMON_MAIN("atlas-api", run)
