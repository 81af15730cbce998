/* SPDX-License-Identifier: Apache-2.0 */
/* atlas-conductor: runs the workflows. */
#include "base/config.h"
#include "base/daemon.h"
#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"
#include "conductor/service.h"

static int refuse(const struct fault *why)
{
        log_error("start_refused", "type=%s reason=\"%s\"", why->type, why->message);
        return why->code;
}

static int serve(const struct conductor_settings *settings, const struct config_file *file)
{
        OWN(metrics_server_free) struct metrics_server *metrics = NULL;
        OWN(service_free) struct service *service = NULL;
        struct fault why = { 0 };
        int r = metrics_server_new(settings->metrics_host, (int)settings->metrics_port, &metrics);

        r = r ? r : service_new(settings, file, &service, &why);
        if (r)
                return r > 0 ? refuse(&why) : err_pass(r);
        daemon_ready();
        log_info("started", "metrics_port=%d", metrics_server_port(metrics));
        daemon_wait_stop(-1);
        log_info("stopping", "reason=signal");
        return 0;
}

static int run(int argc, char **argv)
{
        struct conductor_settings settings = { 0 };
        OWN(config_file_free) struct config_file *file = NULL;
        int r;

        daemon_stop_fd();
        r = config_main("atlas-conductor", "runs the workflows of virtual links",
                        conductor_tables(), &settings, argc, argv, &file);
        if (r)
                return r;
        log_open("atlas-conductor", settings.debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
        r = serve(&settings, file);
        config_done(conductor_settings, &settings);
        return r;
}

DAEMON_MAIN("atlas-conductor", run)
