/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that a proxy in front may take for something else. A file's name begins with what has to become of it: "done-2",
 * two requests and nothing left; a status, the one it is refused with; "more", nothing is there yet. Whole and byte by
 * byte it has to be the same. */
#include "support/unit.h"

#include <dirent.h>

#include "http/parse.h"

enum { ROOM = 64 * 1024, AT_LEAST = 70 };

#define CORPUS ATLAS_SOURCE_DIR "/tests/data/corpus/http_smuggling"

static size_t read_file(const char *name, char *ret)
{
        char path[600];
        FILE *f;
        size_t n;

        snprintf(path, sizeof path, CORPUS "/%s", name);
        f = fopen(path, "re");
        assert_non_null(f);
        n = fread(ret, 1, ROOM - 1, f);
        fclose(f);
        return n;
}

/* The verdict as in the names. With 'piecewise' one byte more at each look. */
static void judge(char *bytes, size_t n, bool piecewise, char ret[16])
{
        int n_done = 0;

        while (n > 0) {
                struct http_parse p = { 0 };
                const char *why = "";
                size_t used = 0;
                char saved = 0;
                int r = HTTP_MORE;

                for (size_t here = piecewise ? 1 : n; r == HTTP_MORE && here <= n; here++)
                        r = http_parse(&p, bytes, here, &used, &saved, &why);
                if (r == HTTP_MORE) {
                        strcpy(ret, "more");
                        return;
                }
                if (r != HTTP_DONE) {
                        assert_true(*why);
                        snprintf(ret, 16, "%d", r);
                        return;
                }
                n_done++;
                bytes[used] = saved;
                bytes += used;
                n -= used;
        }
        snprintf(ret, 16, "done-%d", n_done);
}

static void nothing_is_read_in_two_ways(void **state)
{
        static char bytes[ROOM], again[ROOM];
        DIR *dir = opendir(CORPUS);
        int n_files = 0, n_wrong = 0;

        (void)state;
        assert_non_null(dir);
        for (struct dirent *e; (e = readdir(dir));) {
                char expected[16], whole[16], pieces[16];
                size_t n;

                if (e->d_name[0] == '.')
                        continue;
                snprintf(expected, sizeof expected, "%.*s", (int)strcspn(e->d_name, "."), e->d_name);
                n = read_file(e->d_name, bytes);
                memcpy(again, bytes, n);
                judge(bytes, n, false, whole);
                judge(again, n, true, pieces);
                if (strcmp(expected, whole) != 0 || strcmp(expected, pieces) != 0) {
                        print_error("%s: whole %s, in pieces %s\n", e->d_name, whole, pieces);
                        n_wrong++;
                }
                n_files++;
        }
        closedir(dir);
        assert_int_equal(n_wrong, 0);
        assert_true(n_files >= AT_LEAST);
}

UNIT_MAIN(UNIT(nothing_is_read_in_two_ways))
