/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include <unistd.h>

#include "base/config.h"
#include "base/text.h"

struct settings {
        char *url, *password, *hosts;
        int64_t workers;
        bool debug;
};
struct gateway {
        char *driver;
        int64_t port;
};

/* clang-format off */
static const struct setting plain[] = {
        { "DEFAULT",  "debug",         SETTING_BOOL,   offsetof(struct settings, debug),    "false",   0, 0,   "Also write debugging lines." },
        { "DEFAULT",  "transport_url", SETTING_TEXT,   offsetof(struct settings, url),      "rabbit:", 0, 0,   "The bus." },
        { "DEFAULT",  "workers",       SETTING_INT,    offsetof(struct settings, workers),  "2",       1, 64,  "Threads." },
        { "database", "password",      SETTING_SECRET, offsetof(struct settings, password), "",        0, 0,   "A secret." },
        { "database", "hosts",         SETTING_LIST,   offsetof(struct settings, hosts),    "a,b",     0, 0,   "Where to look." },
        { 0 },
};
static const struct setting named[] = {
        { "gateway:", "driver", SETTING_TEXT, offsetof(struct gateway, driver), NULL, 0, 0,     "Which driver." },
        { "gateway:", "port",   SETTING_INT,  offsetof(struct gateway, port),   "22", 1, 65535, "Of sshd." },
        { 0 },
};
/* clang-format on */
static const struct setting *const tables[] = { plain, named, NULL };

static struct fault why;

static struct config_file *parsed(const char *text)
{
        struct config_file *f = NULL;

        fault_clear(&why);
        config_file_parse("a.conf", text, strlen(text), &f, &why);
        return f;
}

/* The settings that 'text' gives; NULL: refused, see 'why'. */
static struct settings *settings_of(const char *text)
{
        static struct settings s;
        OWN(config_file_free) struct config_file *f = parsed(text);

        config_done(plain, &s);
        if (!f || config_check(f, tables, &why) != CONFIG_OK ||
            config_apply(f, plain, NULL, &s, &why) != CONFIG_OK)
                return NULL;
        return &s;
}

static void assert_refused(const char *text, const char *message)
{
        assert_null(settings_of(text));
        assert_int_equal(why.code, 400);
        assert_string_equal(why.message, message);
}

static void without_a_file_the_fallbacks_hold(void **state)
{
        struct settings s;

        (void)state;
        assert_int_equal(config_apply(NULL, plain, NULL, &s, &why), CONFIG_OK);
        assert_string_equal(s.url, "rabbit:");
        assert_string_equal(s.password, "");
        assert_string_equal(s.hosts, "a,b");
        assert_int_equal(s.workers, 2);
        assert_false(s.debug);
        config_done(plain, &s);
        assert_null(s.url);
}

static void both_signs_and_all_kinds_are_read(void **state)
{
        struct settings *s;

        (void)state;
        s = settings_of("# c\n; c\n\n[DEFAULT]\r\ndebug: ON\r\nworkers=64 \n\n[database]\n"
                        "password = x\nhosts = one , two,,three\n[DEFAULT]\ntransport_url=u\n");
        assert_non_null(s);
        assert_true(s->debug);
        assert_int_equal(s->workers, 64);
        assert_string_equal(s->password, "x");
        assert_string_equal(s->hosts, "one,two,three");
        assert_string_equal(s->url, "u");
}

static void signs_inside_a_value_belong_to_it(void **state)
{
        /* clang-format off */
        static const struct { const char *written, *value; } cases[] = {
                { "a ; b # c",            "a ; b # c" },
                { "100% $HOME {x} a=b:c", "100% $HOME {x} a=b:c" },
                { "\"quoted \"",          "quoted " },
                { "'single'",             "single" },
                { "\"'both'\"",           "'both'" },
                { "\"half",               "\"half" },
                { "'mixed\"",             "'mixed\"" },
                { "say \"no\"",           "say \"no\"" },
                { "\"",                   "" },
                { "",                     "" },
        };
        /* clang-format on */
        char text[256];

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                snprintf(text, sizeof text, "[DEFAULT]\ntransport_url = %s\n", cases[i].written);
                assert_non_null(settings_of(text));
                assert_string_equal(settings_of(text)->url, cases[i].value);
        }
}

static void a_long_line_arrives_whole(void **state)
{
        static char text[200000] = "[DEFAULT]\ntransport_url=";
        size_t n = strlen(text);

        (void)state;
        memset(text + n, 'u', sizeof text - n - 1);
        assert_non_null(settings_of(text));
        assert_int_equal(strlen(settings_of(text)->url), sizeof text - n - 1);
}

static void a_line_that_begins_with_blanks_continues_the_value(void **state)
{
        (void)state;
        assert_string_equal(settings_of("[DEFAULT]\ntransport_url = a\n  b\n\t# c \n")->url,
                            "a\nb\n# c");
        assert_string_equal(settings_of("[database]\nhosts = a,\n b,\n c\n")->hosts, "a,b,c");
        assert_refused("[DEFAULT]\ntransport_url = a\n\n b\n",
                       "a.conf:4: the line begins with blanks but continues no option");
        assert_refused("[DEFAULT]\ntransport_url = a\n# c\n b\n",
                       "a.conf:4: the line begins with blanks but continues no option");
}

static void of_a_repeated_option_the_last_wins_and_lists_add_up(void **state)
{
        struct settings *s = settings_of("[DEFAULT]\nworkers=3\nworkers=4\n"
                                         "[database]\nhosts=x\nhosts=y,z\n");

        (void)state;
        assert_int_equal(s->workers, 4);
        assert_string_equal(s->hosts, "x,y,z");
}

static void a_mistake_is_told_with_file_line_and_the_nearest_option(void **state)
{
        (void)state;
        assert_refused(
                "[DEFAULT]\n\ntransport_uri = x\n",
                "a.conf:3: [DEFAULT] has no option \"transport_uri\"; did you mean \"transport_url\"?");
        assert_refused("[DEFAULT]\npassword = x\n",
                       "a.conf:2: [DEFAULT] has no option \"password\"; it belongs to [database]");
        assert_refused("[DEFAULT]\nzzz = x\n", "a.conf:2: [DEFAULT] has no option \"zzz\"");
        assert_refused("[databse]\n",
                       "a.conf:1: there is no section [databse]; did you mean [database]?");
        assert_refused(
                "[gatewy:north]\n",
                "a.conf:1: there is no section [gatewy:north]; did you mean [gateway:NAME]?");
        assert_refused("[gateway:n]\ndrivr = x\n",
                       "a.conf:2: [gateway:n] has no option \"drivr\"; did you mean \"driver\"?");
}

static void a_line_that_cannot_be_read_is_refused_without_quoting_it(void **state)
{
        (void)state;
        assert_refused("[DEFAULT]\nsecret words\n",
                       "a.conf:2: expected \"option = value\", \"[section]\" or a comment");
        assert_refused("[DEFAULT\n", "a.conf:1: a section's name has to end with \"]\"");
        assert_refused("[]\n", "a.conf:1: the section has no name");
        assert_refused("workers = 1\n",
                       "a.conf:1: an option has to stand in a section, such as [DEFAULT]");
        assert_refused("[DEFAULT]\n = 1\n",
                       "a.conf:2: the line begins with blanks but continues no option");
        assert_refused("[DEFAULT]\n= 1\n", "a.conf:2: there is no option before the \"=\"");
        assert_refused("[DEFAULT]\r\n\r\ndebug = \xff\n", "a.conf:3: this is not UTF-8");
}

static void a_nul_byte_is_refused(void **state)
{
        static const char text[] = "[DEFAULT]\ndebug = 1\0\n";
        struct config_file *f = NULL;

        (void)state;
        assert_int_equal(config_file_parse("a.conf", text, sizeof text - 1, &f, &why), CONFIG_BAD);
        assert_null(f);
        assert_string_equal(why.message, "a.conf:2: there is a NUL byte");
}

static void a_value_of_the_wrong_kind_is_told(void **state)
{
        (void)state;
        assert_refused("[DEFAULT]\nworkers = 65\n",
                       "a.conf:2: [DEFAULT] workers has to be an integer from 1 to 64, not \"65\"");
        assert_refused(
                "[DEFAULT]\nworkers = 1 2\n",
                "a.conf:2: [DEFAULT] workers has to be an integer from 1 to 64, not \"1 2\"");
        assert_refused("[DEFAULT]\ndebug = maybe\n",
                       "a.conf:2: [DEFAULT] debug has to be true or false, not \"maybe\"");
}

static void sections_with_names_are_listed_and_read_one_by_one(void **state)
{
        OWN(config_file_free)
        struct config_file *f =
                parsed("[gateway:b]\ndriver=fake\n[gateway:a]\nport=23\n[gateway:b]\nport=24\n");
        struct gateway g;

        (void)state;
        assert_non_null(f);
        assert_int_equal(config_check(f, tables, &why), CONFIG_OK);
        assert_string_equal(config_section_name(f, "gateway:", 0), "b");
        assert_string_equal(config_section_name(f, "gateway:", 1), "a");
        assert_null(config_section_name(f, "gateway:", 2));
        assert_int_equal(config_apply(f, named, "b", &g, &why), CONFIG_OK);
        assert_string_equal(g.driver, "fake");
        assert_int_equal(g.port, 24);
        config_done(named, &g);
        assert_int_equal(config_apply(f, named, "a", &g, &why), CONFIG_BAD);
        assert_string_equal(why.message, "a.conf: [gateway:a] driver has to be set: Which driver.");
        assert_null(g.driver);
}

static void the_sample_is_a_configuration_with_the_fallbacks(void **state)
{
        struct text text = { 0 };

        (void)state;
        config_sample("atlas-test", tables, &text);
        assert_non_null(settings_of(text.bytes));
        assert_int_equal(settings_of(text.bytes)->workers, 2);
        assert_non_null(strstr(text.bytes, "\n[database]\n"));
        assert_non_null(
                strstr(text.bytes, "\n# Threads.\n# (integer from 1 to 64)\n#workers = 2\n"));
        assert_non_null(strstr(text.bytes, "\n#[gateway:NAME]\n"));
        assert_non_null(strstr(text.bytes, "\n# (text, required)\n#driver =\n"));
        text_done(&text);
}

static void each_option_of_the_sample_counts_once_it_is_uncommented(void **state)
{
        struct text text = { 0 };
        size_t n_options = 0;

        (void)state;
        config_sample("atlas-test", tables, &text);
        for (char *p = text.bytes; (p = strstr(p, "\n#")); p++)
                if (p[2] != ' ') {
                        memmove(p + 1, p + 2, strlen(p + 2) + 1);
                        n_options++;
                }
        assert_int_equal(n_options, 5 + 1 + 2);
        assert_non_null(settings_of(text.bytes));
        for (char *p = text.bytes; (p = strstr(p, "\ndriver =")); p++)
                p[1] = 'D';
        assert_null(settings_of(text.bytes));
        text_done(&text);
}

static int main_with(struct settings *s, const char *a, const char *b)
{
        char first[128], second[128], *argv[] = { (char[]){ "atlas-test" }, first, second, NULL };

        snprintf(first, sizeof first, "%s", a ? a : "");
        snprintf(second, sizeof second, "%s", b ? b : "");
        return config_main("atlas-test", "A test.", tables, s, 1 + !!a + !!b, argv, NULL);
}

static void flags_override_plain_settings(void **state)
{
        struct settings s = { 0 };

        (void)state;
        assert_int_equal(main_with(&s, "--debug", "--database-hosts=q"), CONFIG_OK);
        assert_true(s.debug);
        assert_string_equal(s.hosts, "q");
        config_done(plain, &s);
        assert_int_equal(main_with(&s, "--transport-url=x", "--debug=no"), CONFIG_OK);
        assert_string_equal(s.url, "x");
        assert_false(s.debug);
        config_done(plain, &s);
}

static void a_program_tells_the_file_that_lacks_a_required_setting(void **state)
{
        static const struct setting *const required[] = { named, NULL };
        char path[] = "/tmp/test_config.XXXXXX", flag[64];
        char *argv[] = { (char[]){ "p" }, flag, NULL };
        char printed[512] = "", expected[128];
        int fd = mkstemp(path), ends[2], old = dup(STDERR_FILENO), r;
        struct gateway g;

        (void)state;
        assert_true(fd >= 0 && pipe(ends) == 0);
        snprintf(flag, sizeof flag, "--config-file=%s", path);
        dup2(ends[1], STDERR_FILENO);
        r = config_main("p", "A test.", required, &g, 2, argv, NULL);
        dup2(old, STDERR_FILENO);
        close(ends[1]);
        assert_true(read(ends[0], printed, sizeof printed - 1) > 0);
        snprintf(expected, sizeof expected,
                 "p: %s: [gateway:] driver has to be set: Which driver.\n", path);
        assert_int_equal(r, CONFIG_BAD);
        assert_string_equal(printed, expected);
        close(ends[0]);
        close(old);
        close(fd);
        unlink(path);
}

static void wrong_arguments_are_refused(void **state)
{
        struct settings s = { 0 };

        (void)state;
        assert_int_equal(main_with(&s, "--workers=0", NULL), CONFIG_BAD);
        assert_int_equal(main_with(&s, "--workers", NULL), CONFIG_BAD);
        assert_int_equal(main_with(&s, "--database-password=x", NULL), CONFIG_BAD);
        assert_int_equal(main_with(&s, "--no-such", NULL), CONFIG_BAD);
        assert_int_equal(main_with(&s, "word", NULL), CONFIG_BAD);
        assert_int_equal(main_with(&s, "--config-file", NULL), CONFIG_BAD);
        assert_int_equal(main_with(&s, "--config-file", "/nowhere/a.conf"), CONFIG_BAD);
        assert_int_equal(main_with(&s, "--config-file=/", NULL), CONFIG_BAD);
}

static void a_command_begins_behind_the_options(void **state)
{
        char *argv[] = { (char[]){ "p" },
                         (char[]){ "--config-file" },
                         (char[]){ "f" },
                         (char[]){ "-x" },
                         (char[]){ "db" },
                         (char[]){ "--y" },
                         NULL };

        (void)state;
        assert_int_equal(config_argc(6, argv), 4);
        assert_int_equal(config_argc(3, argv), 3);
        assert_int_equal(config_argc(1, argv), 1);
}

UNIT_MAIN(UNIT(without_a_file_the_fallbacks_hold), UNIT(both_signs_and_all_kinds_are_read),
          UNIT(signs_inside_a_value_belong_to_it), UNIT(a_long_line_arrives_whole),
          UNIT(a_line_that_begins_with_blanks_continues_the_value),
          UNIT(of_a_repeated_option_the_last_wins_and_lists_add_up),
          UNIT(a_mistake_is_told_with_file_line_and_the_nearest_option),
          UNIT(a_line_that_cannot_be_read_is_refused_without_quoting_it),
          UNIT(a_nul_byte_is_refused), UNIT(a_value_of_the_wrong_kind_is_told),
          UNIT(sections_with_names_are_listed_and_read_one_by_one),
          UNIT(the_sample_is_a_configuration_with_the_fallbacks),
          UNIT(each_option_of_the_sample_counts_once_it_is_uncommented),
          UNIT(flags_override_plain_settings),
          UNIT(a_program_tells_the_file_that_lacks_a_required_setting),
          UNIT(wrong_arguments_are_refused), UNIT(a_command_begins_behind_the_options))
