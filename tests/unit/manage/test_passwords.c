/* SPDX-License-Identifier: Apache-2.0 */
#include "manage/passwords.h"

#include <sys/stat.h>
#include <unistd.h>

#include "support/unit.h"

/* A file with 'text' in a folder of its own; both are removed by done(). */
struct file {
        char dir[64], path[80];
};

static struct file file_with(const char *text)
{
        struct file f = { "/tmp/atlas-passwords-XXXXXX", "" };
        FILE *stream;

        assert_non_null(mkdtemp(f.dir));
        snprintf(f.path, sizeof f.path, "%s/file", f.dir);
        if (!text)
                return f;
        stream = fopen(f.path, "we");
        assert_non_null(stream);
        fputs(text, stream);
        assert_int_equal(fclose(stream), 0);
        return f;
}

static void file_done(const struct file *f)
{
        unlink(f->path);
        assert_int_equal(rmdir(f->dir), 0); /* nothing else is left behind */
}

static void lines_are_read_as_people_write_them(void **state)
{
        const struct file f = file_with("# users\n\natlas-api=one\n  atlas-conductor =  two words = three \r\n; no\natlas-api = 1\n"
                                        "atlas-site-paris = last");
        OWN(passwords_done) struct passwords p = { 0 };
        static const char *const known[] = { "atlas-api", "atlas-conductor", NULL };
        struct fault why = { 0 };

        (void)state;
        assert_int_equal(passwords_read(&p, f.path, false, &why), PASSWORDS_OK);
        assert_int_equal(p.n, 3);
        assert_string_equal(passwords_get(&p, "atlas-api"), "1");
        assert_string_equal(passwords_get(&p, "atlas-conductor"), "two words = three");
        assert_string_equal(passwords_get(&p, "atlas-site-paris"), "last");
        assert_null(passwords_get(&p, "atlas"));
        assert_string_equal(passwords_stranger(&p, known), "atlas-site-paris");
        file_done(&f);
}

static void a_bad_line_is_named_but_never_shown(void **state)
{
        static const char *const lines[] = { "geheim", "= geheim", "user =", "user = \t" };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(lines); i++) {
                OWN(passwords_done) struct passwords p = { 0 };
                struct fault why = { 0 };
                char text[64], message[160];
                struct file f;

                snprintf(text, sizeof text, "a = b\n%s\n", lines[i]);
                f = file_with(text);
                assert_int_equal(passwords_read(&p, f.path, false, &why), PASSWORDS_BAD);
                snprintf(message, sizeof message, "%s:2: expected \"user = password\".", f.path);
                assert_string_equal(why.message, message);
                file_done(&f);
        }
}

static void a_file_that_is_not_there_may_be_an_empty_one(void **state)
{
        const struct file f = file_with(NULL);
        OWN(passwords_done) struct passwords p = { 0 };
        struct fault why = { 0 };

        (void)state;
        assert_int_equal(passwords_read(&p, f.path, true, &why), PASSWORDS_OK);
        assert_int_equal(p.n, 0);
        assert_int_equal(passwords_read(&p, f.path, false, &why), PASSWORDS_BAD);
        file_done(&f);
}

static void what_is_written_only_its_owner_reads_back(void **state)
{
        const struct file f = file_with("old = gone\n");
        OWN(passwords_done) struct passwords p = { 0 };
        OWN(passwords_done) struct passwords back = { 0 };
        struct fault why = { 0 };
        struct stat st;
        char user[16];

        (void)state;
        for (int i = 0; i < 40; i++) {
                snprintf(user, sizeof user, "user-%d", i);
                assert_int_equal(passwords_set(&p, user, "first"), PASSWORDS_OK);
                assert_int_equal(passwords_set(&p, user, user), PASSWORDS_OK);
        }
        assert_int_equal(passwords_write(&p, f.path, &why), PASSWORDS_OK);
        assert_int_equal(stat(f.path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(passwords_read(&back, f.path, false, &why), PASSWORDS_OK);
        assert_int_equal(back.n, 40);
        assert_string_equal(passwords_get(&back, "user-39"), "user-39");
        file_done(&f);
}

static void a_folder_that_is_not_there_is_told(void **state)
{
        OWN(passwords_done) struct passwords p = { 0 };
        struct fault why = { 0 };

        (void)state;
        assert_int_equal(passwords_write(&p, "/no/such/folder/file", &why), PASSWORDS_BAD);
        assert_string_equal(why.message, "/no/such/folder/file cannot be written: No such file or directory.");
}

UNIT_MAIN(UNIT(lines_are_read_as_people_write_them), UNIT(a_bad_line_is_named_but_never_shown),
          UNIT(a_file_that_is_not_there_may_be_an_empty_one), UNIT(what_is_written_only_its_owner_reads_back),
          UNIT(a_folder_that_is_not_there_is_told))
