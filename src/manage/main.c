/* SPDX-License-Identifier: Apache-2.0 */
/* atlas-manage: the schema, the bus, the sites. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "base/daemon.h"
#include "base/err.h"
#include "base/text.h"
#include "manage/manage.h"

static const char summary[] =
        "The operator's tool, for what comes before the running programs. Commands: db sync, db check, site add NAME, "
        "site list, bus sync; `atlas-manage help` tells about them.";

static int print_help(void)
{
        OWN(text_done) struct text text = { 0 };

        manage_help(&text);
        if (text.failed)
                return err_raise(-ENOMEM);
        return fputs(text.bytes, stdout) < 0 ? err_raise(-EIO) : CONFIG_EXIT;
}

static bool wants_help(int argc, char **argv)
{
        for (int i = 0; i < argc; i++)
                if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
                        return true;
        return argc > 0 && strcmp(argv[0], "help") == 0;
}

static int run(int argc, char **argv)
{
        static const struct setting *const tables[] = { manage_settings, NULL };
        struct manage_settings settings = { 0 };
        int n = config_argc(argc, argv), r;

        if (wants_help(argc - n, argv + n))
                return print_help();
        r = config_main("atlas-manage", summary, tables, &settings, n, argv, NULL);
        if (r == CONFIG_OK) {
                r = manage_run(&settings, argc - n, argv + n);
                config_done(manage_settings, &settings);
        }
        return r < 0 ? err_pass(r) : r;
}

DAEMON_MAIN("atlas-manage", run)
