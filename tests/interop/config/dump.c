/* SPDX-License-Identifier: Apache-2.0 */
/* Prints what the files named as arguments say, one JSON list per file, or null where it is
 * refused. */
#include <inttypes.h>
#include <stdio.h>

#include "base/config.h"

struct settings {
        char *text, *other;
        int64_t number;
        bool flag;
};

/* clang-format off */
static const struct setting plain[] = {
        { "DEFAULT", "text",   SETTING_TEXT, offsetof(struct settings, text),   "none", 0, 0,         "" },
        { "DEFAULT", "number", SETTING_INT,  offsetof(struct settings, number), "1",    -1000, 1000,  "" },
        { "section", "other",  SETTING_TEXT, offsetof(struct settings, other),  "none", 0, 0,         "" },
        { "section", "flag",   SETTING_BOOL, offsetof(struct settings, flag),   "true", 0, 0,         "" },
        { 0 },
};
/* clang-format on */
static const struct setting *const tables[] = { plain, NULL };

static void print_text(const char *text)
{
        putchar('"');
        for (; *text; text++)
                if ((unsigned char)*text < ' ' || *text == '"' || *text == '\\')
                        printf("\\u%04x", (unsigned char)*text);
                else
                        putchar(*text);
        putchar('"');
}

int main(int argc, char **argv)
{
        for (int i = 1; i < argc; i++) {
                OWN(config_file_free) struct config_file *f = NULL;
                struct settings s;
                struct fault why;

                if (config_file_load(argv[i], &f, &why) != CONFIG_OK ||
                    config_check(f, tables, &why) != CONFIG_OK ||
                    config_apply(f, plain, NULL, &s, &why) != CONFIG_OK) {
                        puts("null");
                        continue;
                }
                putchar('[');
                print_text(s.text);
                printf(", %" PRId64 ", ", s.number);
                print_text(s.other);
                printf(", %s]\n", s.flag ? "true" : "false");
                config_done(plain, &s);
        }
        return 0;
}
