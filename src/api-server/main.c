/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api-server/api.h"
#include "api-server/openapi.h"
#include "base/daemon.h"
#include "base/err.h"
#include "base/log.h"

static const struct setting *const tables[] = { api_settings, NULL };

static int serve(const struct api_config *config)
{
        log_open("atlas-api", config->debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
        daemon_stop_fd();
        return api_run(config);
}

static int print_openapi(void)
{
        char *text = openapi_text();

        if (!text)
                return err_raise(-ENOMEM);
        puts(text);
        free(text);
        return 0;
}

static int run(int argc, char **argv)
{
        struct api_config config = { 0 };
        int r;

        if (argc == 2 && strcmp(argv[1], "--print-openapi") == 0)
                return print_openapi();
        r = config_main("atlas-api", "serves the REST API of Cloud Atlas", tables, &config, argc,
                        argv, NULL);

        r = r ? r : serve(&config);
        config_done(api_settings, &config);
        return r;
}
DAEMON_MAIN("atlas-api", run)
