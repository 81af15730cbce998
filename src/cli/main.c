/* SPDX-License-Identifier: Apache-2.0 */
/* atlas: the command line of tenants and operators. */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "cli/cli.h"
#include "openstack/cloud_env.h"
#include "openstack/pause.h"

enum { EXIT_BUG = 70 };

/* The real world. */
struct world {
        struct outside outside; /* first */
        struct openstack_session *session;
};

static int world_call(struct outside *o, const struct openstack_call *call,
                      struct openstack_reply *ret, struct fault *why)
{
        return openstack_call(((struct world *)o)->session, call, ret, why);
}

static int64_t world_now_ms(struct outside *o)
{
        (void)o;
        return clock_mono_ms();
}

static bool world_pause(struct outside *o, int64_t ms, int64_t deadline_ms)
{
        (void)o;
        return pause_ms(ms, deadline_ms);
}

/* Variables of the environment, and the options that stand in for them. */
static const struct arguments *given;

static char *get(const char *variable)
{
        for (enum option o = 0; o < OPT_N; o++)
                if (given->value[o] && text_equal(option_rows[o].variable, variable))
                        return (char *)(uintptr_t)given->value[o];
        return getenv(variable);
}

static int run(int argc, char **argv)
{
        struct world world = {
                .outside = { world_call, world_now_ms, world_pause, stdout, stderr },
        };
        OWN(cloud_env_done) struct cloud_env env = { 0 };
        OWN(openstack_session_free) struct openstack_session *session = NULL;
        struct arguments args;
        struct fault why = { 0 };
        int r;

        if (arguments_read(argc, argv, &args, &why))
                return cli_usage(&world.outside, &args, &why);
        if (cli_is_local(&args))
                return cli_run(&world.outside, &args);
        given = &args;
        r = cloud_env_read(get, &env, &why);
        if (r > 0)
                return cli_usage(&world.outside, &args, &why);
        r = r ? r : openstack_session_new(&env.openstack, "elastic-network", &session);
        world.session = session;
        r = r ? r : cli_run(&world.outside, &args);
        return r < 0 ? err_pass(r) : r;
}

int main(int argc, char **argv)
{
        int r;

        signal(SIGPIPE, SIG_IGN);
        if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1)
                setlocale(LC_CTYPE,
                          "C.UTF-8"); /* names are UTF-8 whatever the terminal's language is */
        r = run(argc, argv);
        if (r >= 0 && fflush(stdout) != 0)
                r = err_raise(-errno);
        if (r < 0)
                fprintf(stderr, "atlas: This should not have happened: %s\n", err_trace());
        return r < 0 ? EXIT_BUG : r;
}
