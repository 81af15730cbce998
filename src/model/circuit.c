/* SPDX-License-Identifier: Apache-2.0 */
/* Circuits as JSON, both ways by the same tables; what is absent needs only its ids. */
#include "model/circuit.h"

#include <string.h>

#include "base/text.h"
#include "model/fields.h"

/* clang-format off */
static const struct field ids[] = {
        FIELD(struct circuit_want, link_id, FIELD_ID, JSON_REQUIRED),
        FIELD(struct circuit_want, domain, FIELD_TEXT, JSON_REQUIRED),
        FIELD_RANGE(struct circuit_want, generation, JSON_REQUIRED, 0, INT64_MAX),
        FIELD(struct circuit_want, present, FIELD_BOOL, JSON_REQUIRED),
        { 0 },
};
static const struct field parameters[] = {
        FIELD(struct circuit_want, vpn_id, FIELD_ID, JSON_REQUIRED),
        FIELD(struct circuit_want, project_id, FIELD_TEXT, JSON_REQUIRED),
        FIELD_RANGE(struct circuit_want, a_to_z_kbps, JSON_REQUIRED, 0, KBPS_MAX),
        FIELD_RANGE(struct circuit_want, z_to_a_kbps, JSON_REQUIRED, 0, KBPS_MAX),
        FIELD_RANGE(struct circuit_want, mtu, JSON_REQUIRED, 0, 65535),
        { 0 },
};
static const struct field end_ids[] = {
        FIELD(struct circuit_end, port_id, FIELD_ID, JSON_REQUIRED),
        FIELD_RANGE(struct circuit_end, generation, JSON_REQUIRED, 0, INT64_MAX),
        { 0 },
};
static const struct field end_parameters[] = {
        FIELD(struct circuit_end, site, FIELD_NAME, JSON_REQUIRED),
        FIELD(struct circuit_end, gateway, FIELD_NAME, JSON_REQUIRED),
        FIELD(struct circuit_end, address, FIELD_WORD, JSON_OPTIONAL),
        FIELD_RANGE(struct circuit_end, tag, JSON_REQUIRED, 1, 4094),
        { 0 },
};
/* clang-format on */

static bool same_end(const struct circuit_end *a, const struct circuit_end *b)
{
        return text_equal(a->site, b->site) && text_equal(a->gateway, b->gateway) &&
               a->tag == b->tag;
}

bool circuit_is(const struct circuit_state *s, const struct circuit_want *w)
{
        if (s->working || !w->present)
                return !s->working && !s->present && !s->partial;
        return s->present && !s->partial && s->a_to_z_kbps == w->a_to_z_kbps &&
               s->z_to_a_kbps == w->z_to_a_kbps && s->mtu == w->mtu &&
               same_end(&s->ends[SIDE_A], &w->ends[SIDE_A]) &&
               same_end(&s->ends[SIDE_Z], &w->ends[SIDE_Z]);
}

static bool read_ends(const json_t *list, struct circuit_want *w, struct fault *why)
{
        for (size_t side = 0; side < SIDE_N; side++) {
                const json_t *end = json_array_get(list, side);

                if (!fields_read(end, end_ids, &w->ends[side], why) ||
                    (w->present && !fields_read(end, end_parameters, &w->ends[side], why)))
                        return false;
        }
        return true;
}

int circuit_want_from_json(const json_t *j, struct circuit_want *ret, struct fault *why)
{
        struct circuit_want w = { 0 };

        if (!fields_read(j, ids, &w, why) || (w.present && !fields_read(j, parameters, &w, why)) ||
            !read_ends(json_object_get(j, "ends"), &w, why))
                return CIRCUIT_INVALID;
        *ret = w;
        return CIRCUIT_OK;
}

json_t *circuit_want_to_json(const struct circuit_want *w)
{
        json_auto_t *ret = json_pack("{s:[{},{}]}", "ends");
        bool failed = !ret || fields_write(ret, ids, w) != 0 ||
                      (w->present && fields_write(ret, parameters, w) != 0);

        for (size_t side = 0; side < SIDE_N && !failed; side++) {
                json_t *end = json_array_get(json_object_get(ret, "ends"), side);

                failed = fields_write(end, end_ids, &w->ends[side]) != 0 ||
                         (w->present && fields_write(end, end_parameters, &w->ends[side]) != 0);
        }
        return failed ? NULL : TAKE(ret);
}
