/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a configuration file: read, checked against a table, and applied. What was accepted
 * has to come out the same when it is read a second time. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"

struct settings {
        char *url, *hosts;
        int64_t workers;
        bool debug;
};

/* clang-format off */
static const struct setting plain[] = {
        { "DEFAULT",  "debug",   SETTING_BOOL, offsetof(struct settings, debug),   "false", 0, 0,  "" },
        { "DEFAULT",  "url",     SETTING_TEXT, offsetof(struct settings, url),     "",      0, 0,  "" },
        { "DEFAULT",  "workers", SETTING_INT,  offsetof(struct settings, workers), "2",     1, 64, "" },
        { "database", "hosts",   SETTING_LIST, offsetof(struct settings, hosts),   "a,b",   0, 0,  "" },
        { 0 },
};
static const struct setting named[] = {
        { "gateway:", "url", SETTING_SECRET, offsetof(struct settings, url), NULL, 0, 0, "" },
        { 0 },
};
/* clang-format on */
static const struct setting *const tables[] = { plain, named, NULL };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        OWN(config_file_free) struct config_file *f = NULL;
        struct settings s, again;
        struct fault why;
        const char *name;

        if (config_file_parse("fuzz", (const char *)data, size, &f, &why) != 0)
                return 0;
        config_check(f, tables, &why);
        for (size_t i = 0; (name = config_section_name(f, "gateway:", i)); i++)
                if (config_apply(f, named, name, &s, &why) == 0)
                        config_done(named, &s);
        if (config_apply(f, plain, NULL, &s, &why) != 0)
                return 0;
        if (config_apply(f, plain, NULL, &again, &why) != 0 || strcmp(s.url, again.url) != 0 ||
            strcmp(s.hosts, again.hosts) != 0 || s.workers < 1 || s.workers > 64)
                abort();
        config_done(plain, &s);
        config_done(plain, &again);
        return 0;
}
