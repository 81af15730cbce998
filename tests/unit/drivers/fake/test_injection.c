/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include <unistd.h>

#include "drivers/fake/injection.h"

#define ID "6b1c2a52-3c0f-4f2e-9d55-000000000001"

static void write_file(const char *path, const char *text)
{
        FILE *f = fopen(path, "w");

        assert_non_null(f);
        fputs(text, f);
        assert_int_equal(fclose(f), 0);
}

static void a_control_file_is_read_when_it_changed(void **state)
{
        char path[] = "/tmp/atlas-control-XXXXXX";
        struct control_file c = { .path = path };
        struct injection told = { 0 };
        struct fault why = { 0 };
        json_t *doc = NULL;

        (void)state;
        close(mkstemp(path));
        write_file(path, "{\"hang\": true, \"refuse_ports\": [\"" ID "\"]}");
        assert_int_equal(control_file_read(&c, &doc, &why), CONTROL_OK);
        assert_int_equal(injection_from_json(doc, &told, &why), CONTROL_OK);
        assert_true(told.hang);
        assert_non_null(injection_refuses(&told, ID));
        assert_null(injection_refuses(&told, "other"));
        json_decref(doc);
        assert_int_equal(control_file_read(&c, &doc, &why), CONTROL_OK);
        assert_null(doc);
        write_file(path, "{\"hang\": 1}");
        assert_int_equal(control_file_read(&c, &doc, &why), CONTROL_OK);
        assert_int_equal(injection_from_json(doc, &told, &why), CONTROL_BAD);
        assert_true(told.hang);
        json_decref(doc);
        write_file(path, "nonsense");
        assert_int_equal(control_file_read(&c, &doc, &why), CONTROL_BAD);
        assert_string_equal(why.type, "fake.control_file");
        unlink(path);
        assert_int_equal(control_file_read(&c, &doc, &why), CONTROL_OK);
        assert_int_equal(json_object_size(doc), 0);
        assert_non_null(doc);
        json_decref(doc);
}

static void without_real_time_nothing_is_waited_for(void **state)
{
        struct injection told = { .latency_ms = 600000 };
        struct fault why = { 0 };

        (void)state;
        assert_true(injection_enter(&told, "gateway", false, 0, &why));
        told.hang = true;
        assert_false(injection_enter(&told, "gateway", false, INT64_MAX, &why));
        assert_string_equal(why.type, "gateway.timeout");
        assert_int_equal(why.code, 503);
}

static void a_state_file_is_replaced_in_one_step(void **state)
{
        char folder[] = "/tmp/atlas-state-XXXXXX", path[64], other[80];
        json_auto_t *doc = json_pack("{si}", "n", 7);
        json_t *back = NULL;
        int fd = -1;

        (void)state;
        assert_non_null(mkdtemp(folder));
        snprintf(path, sizeof path, "%s/s", folder);
        assert_int_equal(state_file_lock(path, &fd), 0);
        assert_int_equal(state_file_load(path, &back), 0);
        assert_null(back);
        assert_int_equal(state_file_store(path, doc), 0);
        assert_int_equal(state_file_load(path, &back), 0);
        assert_true(json_equal(doc, back));
        json_decref(back);
        state_file_unlock(fd);
        write_file(path, "{");
        assert_int_equal(state_file_load(path, &back), -EBADMSG);
        unlink(path);
        snprintf(other, sizeof other, "%s.lock", path);
        unlink(other);
        assert_int_equal(rmdir(folder), 0);
}

UNIT_MAIN(UNIT(a_control_file_is_read_when_it_changed),
          UNIT(without_real_time_nothing_is_waited_for), UNIT(a_state_file_is_replaced_in_one_step))
