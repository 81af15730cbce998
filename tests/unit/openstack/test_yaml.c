/* SPDX-License-Identifier: Apache-2.0 */
#include "openstack/yaml.h"

#include "base/text.h"
#include "support/unit.h"

static int write_down(const struct yaml_scalar *s, void *user, struct fault *why)
{
        struct text *all = user;

        (void)why;
        for (size_t i = 0; i < s->n_keys; i++)
                text_addf(all, "%s%s", i ? "." : "", s->keys[i]);
        text_addf(all, "=%s@%d%s;", s->value, s->line, s->null ? "(null)" : "");
        return YAML_OK;
}

static void scalars_come_with_the_keys_that_lead_to_them(void **state)
{
        static const struct {
                const char *yaml, *says;
        } cases[] = {
                { "", "" },
                { "---\n", "" },
                { "# nothing\n", "" },
                { "a: b\n", "a=b@1;" },
                { "\"a:b\": 'c d' # e\nf: \"\"\n", "a:b=c d@1;f=@2;" },
                { "a:\n  b: 1\n  c:\n    d: 2\ne: ~\n", "a.b=1@2;a.c.d=2@4;e=~@5(null);" },
                { "a:\n- x\n- y: z\n", "a.0=x@2;a.1.y=z@3;" },
                { "a: >\n  one\n  two\nb:\n", "a=one two\n@1;b=@4(null);" },
                { "{\"a\": \"b\", \"c\": {\"d\": [\"e\"]}}", "a=b@1;c.d.0=e@1;" },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                struct text all = { 0 };
                struct fault why = { 0 };

                text_add(&all, "");
                if (yaml_walk("f", cases[i].yaml, strlen(cases[i].yaml), write_down, &all, &why) != YAML_OK)
                        fail_msg("%s: %s", cases[i].yaml, why.message);
                assert_string_equal(all.bytes, cases[i].says);
                text_done(&all);
        }
}

static void what_is_no_settings_file_is_refused_with_its_line(void **state)
{
        static const struct {
                const char *yaml, *says;
        } cases[] = {
                { "a\n", "f:1: it is no mapping" },
                { "a: b\n c: d\n", "f:2: " },
                { "a: &x b\nc: *x\n", "f:1: anchors" },
                { "a: *x\n", "f:1: aliases" },
                { "a: b\n---\nc: d\n", "f:2: a second document" },
                { "a: b\n? [x]\n: c\n", "f:2: a key is a text" },
                { "a: \"x\\0y\"\n", "f:1: there is a NUL" },
                { "a: [", "f:" },
                { "[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]", "f:1: it is nested too deeply" },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                struct text all = { 0 };
                struct fault why = { 0 };

                assert_int_equal(yaml_walk("f", cases[i].yaml, strlen(cases[i].yaml), write_down, &all, &why),
                                 YAML_BAD);
                if (!strstr(why.message, cases[i].says))
                        fail_msg("%s: %s", cases[i].yaml, why.message);
                text_done(&all);
        }
}

UNIT_MAIN(UNIT(scalars_come_with_the_keys_that_lead_to_them), UNIT(what_is_no_settings_file_is_refused_with_its_line))
