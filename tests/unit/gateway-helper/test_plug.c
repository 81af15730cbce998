/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that are refused before any tool runs. */
#include "support/unit.h"

#include <jansson.h>

#include "base/text.h"
#include "gateway-helper/plug.h"

static void a_field_of_a_bad_form_is_named(void **state)
{
        static const struct {
                const char *key, *value; /* NULL: left out */
        } cases[] = {
                { "verb", NULL },
                { "verb", "destroy" },
                { "interface", NULL },
                { "interface", "" },
                { "interface", "--all" },
                { "interface", "cav7 br" },
                { "interface", "a-name-too-long-" },
                { "bridge", "-x" },
                { "bridge", "br;int" },
                { "iface_id", "7" },
                { "iface_id", NULL },
                { "mac", "fa:16:3e:00:00:0" },
                { "mac", "fa:16:3e:00:00:0g" },
                { "mac", "fa-16-3e-00-00-00" },
                { "mac", "fa:16:3e:00:00:00,x=y" },
                { "attachment", "all" },
                { "attachment", NULL },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                json_auto_t *request =
                        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "verb", "plug", "interface", "cav7",
                                  "bridge", "br-int", "iface_id", "11111111-1111-4111-8111-111111111111",
                                  "mac", "fa:16:3e:00:00:07", "attachment",
                                  "33333333-3333-4333-8333-333333333333");
                json_auto_t *answer = NULL;
                json_t *fault;

                if (cases[i].value)
                        json_object_set_new(request, cases[i].key, json_string(cases[i].value));
                else
                        json_object_del(request, cases[i].key);
                answer = helper_plug(request);
                fault = json_object_get(answer, "fault");
                assert_non_null(fault);
                assert_string_equal(json_string_value(json_object_get(fault, "type")), "message.invalid");
                assert_true(text_starts(json_string_value(json_object_get(fault, "message")), cases[i].key));
        }
}

static void what_is_no_object_is_refused(void **state)
{
        json_auto_t *list = json_array(), *a = helper_plug(NULL), *b = helper_plug(list);

        (void)state;
        assert_non_null(json_object_get(a, "fault"));
        assert_non_null(json_object_get(b, "fault"));
}

UNIT_MAIN(UNIT(a_field_of_a_bad_form_is_named), UNIT(what_is_no_object_is_refused))
