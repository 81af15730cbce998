/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor/wan_call.h"

#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "base/text.h"
#include "model/want.h"
#include "store/tables.h"

static int read_work(struct store *store, const char *link_id, struct store_rows *ret)
{
        int r = store_begin(store);

        r = r ? r
              : store_select(store, &store_tables[T_WORK], "object_id", &link_id, 1, false, ret);
        r = r ? r : store_flush(store);
        store_rollback(store);
        return r;
}

int wan_look(struct store *store, const char *link_id, struct circuit_want *ret,
             char request_id[REQUEST_ID_SIZE])
{
        OWN(store_rows_done) struct store_rows rows = { 0 };
        json_auto_t *want = NULL;
        const struct work *w;
        struct fault why;
        int r = read_work(store, link_id, &rows);

        if (r)
                return r < 0 ? err_pass(r) : WAN_LOOK_AWAY;
        w = rows.rows;
        if (!rows.n || w->kind != WORK_CIRCUIT)
                return WAN_LOOK_NOTHING;
        want = json_loads(w->want, 0, NULL);
        if (circuit_want_from_json(want, ret, &why))
                return err_raise(-EBADMSG);
        snprintf(request_id, REQUEST_ID_SIZE, "%s", w->request_id);
        return WAN_LOOK_WANTED;
}

json_t *wan_answer(const struct circuit_want *want, bool changed, const struct fault *why)
{
        struct want_result ends[SIDE_N] = { 0 };
        struct apply_result result = { .fault = *why, .ports = ends, .n_ports = SIDE_N };
        json_auto_t *ret = NULL;

        for (int side = 0; side < SIDE_N; side++) {
                TEXT_SET(ends[side].id, want->ends[side].port_id);
                ends[side].generation = want->ends[side].generation;
                ends[side].present = want->present;
        }
        ret = apply_result_to_json(&(struct apply_want){ 0 }, &result);
        if (!ret || json_object_set_new(ret, "changed", json_boolean(changed)) < 0 ||
            json_object_set_new(ret, "link_id", json_string(want->link_id)) < 0 ||
            json_object_set_new(ret, "generation", json_integer(want->generation)) < 0)
                return NULL;
        return TAKE(ret);
}
