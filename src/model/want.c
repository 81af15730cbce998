/* SPDX-License-Identifier: Apache-2.0 */
/* Wants and results as JSON, both ways by the same tables; what is absent needs only its ids. */
#include "model/want.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "model/fields.h"
#include "model/vif_id.h"
#include "model/vlink.h"

enum { INTEGER_MAX = 16777215, TAG_MAX = 4094, MTU_MIN = 68, MTU_MAX = 65535, WANTS_MAX = 16384 };
#define TIMEOUT_MAX_MS (60 * 60 * 1000)

/* clang-format off */
static const struct field port_ids[] = {
        FIELD(struct port_want, id, FIELD_ID, JSON_REQUIRED),
        FIELD(struct port_want, link_id, FIELD_ID, JSON_REQUIRED),
        FIELD(struct port_want, vpn_id, FIELD_ID, JSON_REQUIRED),
        FIELD_RANGE(struct port_want, generation, JSON_REQUIRED, 0, INT64_MAX),
        FIELD(struct port_want, present, FIELD_BOOL, JSON_REQUIRED),
        { 0 },
};
static const struct field port_parameters[] = {
        FIELD(struct port_want, attachment_id, FIELD_ID, JSON_REQUIRED),
        FIELD(struct port_want, project_id, FIELD_TEXT, JSON_REQUIRED),
        FIELD(struct port_want, site, FIELD_NAME, JSON_REQUIRED),
        FIELD(struct port_want, peer_site, FIELD_NAME, JSON_REQUIRED),
        FIELD_RANGE(struct port_want, local_label, JSON_REQUIRED, 1, INTEGER_MAX),
        FIELD_RANGE(struct port_want, peer_label, JSON_REQUIRED, 1, INTEGER_MAX),
        FIELD(struct port_want, peer_address, FIELD_WORD, JSON_REQUIRED),
        FIELD_RANGE(struct port_want, tx_kbps, JSON_REQUIRED, 0, KBPS_MAX),
        FIELD_RANGE(struct port_want, rx_kbps, JSON_REQUIRED, 0, KBPS_MAX),
        FIELD_RANGE(struct port_want, mtu, JSON_REQUIRED, MTU_MIN, MTU_MAX),
        FIELD(struct port_want, peer_object, FIELD_WORD, JSON_OPTIONAL),
        { 0 },
};
static const struct field attachment_ids[] = {
        FIELD(struct attachment_want, id, FIELD_ID, JSON_REQUIRED),
        FIELD(struct attachment_want, vpn_id, FIELD_ID, JSON_REQUIRED),
        FIELD_RANGE(struct attachment_want, generation, JSON_REQUIRED, 0, INT64_MAX),
        FIELD(struct attachment_want, present, FIELD_BOOL, JSON_REQUIRED),
        { 0 },
};
static const struct field attachment_parameters[] = {
        FIELD(struct attachment_want, project_id, FIELD_TEXT, JSON_REQUIRED),
        FIELD_RANGE(struct attachment_want, tag, JSON_REQUIRED, 1, TAG_MAX),
        { 0 },
};
static const struct field plug_fields[] = {
        FIELD(struct plug_want, id, FIELD_ID, JSON_REQUIRED),
        FIELD(struct plug_want, vpn_id, FIELD_ID, JSON_REQUIRED),
        FIELD(struct plug_want, project_id, FIELD_TEXT, JSON_REQUIRED),
        FIELD_RANGE(struct plug_want, generation, JSON_REQUIRED, 0, INT64_MAX),
        FIELD(struct plug_want, vif_id, FIELD_WORD, JSON_REQUIRED),
        FIELD_RANGE(struct plug_want, tag, JSON_REQUIRED, 1, TAG_MAX),
        FIELD_RANGE(struct plug_want, mtu, JSON_REQUIRED, MTU_MIN, MTU_MAX),
        FIELD(struct plug_want, network_id, FIELD_ID, JSON_OPTIONAL),
        FIELD(struct plug_want, port_id, FIELD_ID, JSON_OPTIONAL),
        FIELD(struct plug_want, neutron_port_id, FIELD_ID, JSON_OPTIONAL),
        { 0 },
};
static const struct field detail_fields[] = {
        FIELD(struct object_detail, id, FIELD_ID, JSON_REQUIRED),
        FIELD(struct object_detail, link_id, FIELD_ID, JSON_OPTIONAL),
        FIELD(struct object_detail, vpn_id, FIELD_ID, JSON_REQUIRED),
        FIELD_RANGE(struct object_detail, generation, JSON_REQUIRED, 0, INT64_MAX),
        FIELD_RANGE(struct object_detail, number, JSON_REQUIRED, 1, INT32_MAX),
        FIELD_RANGE(struct object_detail, peer_label, JSON_OPTIONAL, 0, INT32_MAX),
        FIELD(struct object_detail, peer_address, FIELD_WORD, JSON_OPTIONAL),
        FIELD_RANGE(struct object_detail, tx_kbps, JSON_OPTIONAL, 0, INT32_MAX),
        FIELD_RANGE(struct object_detail, rx_kbps, JSON_OPTIONAL, 0, INT32_MAX),
        FIELD_RANGE(struct object_detail, mtu, JSON_OPTIONAL, 0, 65535),
        FIELD(struct object_detail, vif_id, FIELD_WORD, JSON_OPTIONAL),
        { 0 },
};
static const struct field command_fields[] = {
        FIELD(struct apply_want, gateway, FIELD_NAME, JSON_REQUIRED),
        FIELD_RANGE(struct apply_want, epoch, JSON_REQUIRED, 0, INT64_MAX),
        FIELD_RANGE(struct apply_want, seq, JSON_REQUIRED, 0, INT64_MAX),
        FIELD_RANGE(struct apply_want, timeout_ms, JSON_REQUIRED, 1, TIMEOUT_MAX_MS),
        { 0 },
};
static const struct field result_fields[] = {
        FIELD(struct want_result, id, FIELD_ID, JSON_REQUIRED),
        FIELD_RANGE(struct want_result, generation, JSON_REQUIRED, 0, INT64_MAX),
        FIELD(struct want_result, present, FIELD_BOOL, JSON_REQUIRED),
        FIELD(struct want_result, vif_id, FIELD_WORD, JSON_OPTIONAL),
        FIELD(struct want_result, object, FIELD_WORD, JSON_OPTIONAL),
        { 0 },
};
static const struct field fault_fields[] = {
        FIELD(struct fault, type, FIELD_WORD, JSON_REQUIRED),
        FIELD(struct fault, message, FIELD_TEXT, JSON_REQUIRED),
        FIELD_RANGE(struct fault, retry_after_ms, JSON_OPTIONAL, 0, TIMEOUT_MAX_MS),
        { 0 },
};
/* clang-format on */

void apply_want_done(struct apply_want *w)
{
        free(w->ports);
        free(w->attachments);
        *w = (struct apply_want){ 0 };
}

void apply_result_done(struct apply_result *r)
{
        free(r->ports);
        free(r->attachments);
        *r = (struct apply_result){ 0 };
}

static json_t *object_of(const struct field *fields, const void *source)
{
        json_auto_t *ret = json_object();

        if (!ret || fields_write(ret, fields, source) != 0)
                return NULL;
        return TAKE(ret);
}

int port_want_from_json(const json_t *j, struct port_want *ret, struct fault *why)
{
        struct port_want w = { 0 };

        if (!fields_read(j, port_ids, &w, why))
                return WANT_INVALID;
        if (w.present && !fields_read(j, port_parameters, &w, why))
                return WANT_INVALID;
        *ret = w;
        return WANT_OK;
}

json_t *port_want_to_json(const struct port_want *w)
{
        json_auto_t *ret = object_of(port_ids, w);

        if (ret && w->present && fields_write(ret, port_parameters, w) != 0)
                return NULL;
        return TAKE(ret);
}

int attachment_want_from_json(const json_t *j, struct attachment_want *ret, struct fault *why)
{
        struct attachment_want w = { 0 };

        if (!fields_read(j, attachment_ids, &w, why))
                return WANT_INVALID;
        if (w.present && !fields_read(j, attachment_parameters, &w, why))
                return WANT_INVALID;
        *ret = w;
        return WANT_OK;
}

json_t *attachment_want_to_json(const struct attachment_want *w)
{
        json_auto_t *ret = object_of(attachment_ids, w);

        if (ret && w->present && fields_write(ret, attachment_parameters, w) != 0)
                return NULL;
        return TAKE(ret);
}

int plug_want_from_json(const json_t *j, struct plug_want *ret, struct fault *why)
{
        struct plug_want w = { 0 };
        struct vif_id vif;

        if (!fields_read(j, plug_fields, &w, why))
                return WANT_INVALID;
        if (!vif_id_parse(w.vif_id, &vif) || vif.tag != w.tag ||
            strcmp(vif.attachment_id, w.id) != 0) {
                fault_set(why, 400, "message.invalid", "vif_id: is not of this attachment.");
                return WANT_INVALID;
        }
        if (!*w.network_id && !*w.port_id && !*w.neutron_port_id) {
                fault_set(why, 400, "message.invalid", "network_id: it or port_id is needed.");
                return WANT_INVALID;
        }
        *ret = w;
        return WANT_OK;
}

json_t *plug_want_to_json(const struct plug_want *w)
{
        return object_of(plug_fields, w);
}

int object_detail_from_json(const json_t *j, struct object_detail *ret, struct fault *why)
{
        struct object_detail d = { 0 };

        if (!fields_read(j, detail_fields, &d, why))
                return WANT_INVALID;
        *ret = d;
        return WANT_OK;
}

json_t *object_detail_to_json(const struct object_detail *d)
{
        return object_of(detail_fields, d);
}

/* The list args[key], decoded one by one into a new array; a missing list is an empty one. */
#define READ_LIST(args, key, decode, ret_items, ret_n, why)                                        \
        __extension__({                                                                            \
                const json_t *list_ = json_object_get((args), (key));                              \
                int read_ = list_check(list_, (key), sizeof **(ret_items), (void **)(ret_items),   \
                                       (why));                                                     \
                for (size_t i_ = 0; read_ == 0 && i_ < json_array_size(list_); i_++) {             \
                        read_ = (decode)(json_array_get(list_, i_), &(*(ret_items))[i_], (why));   \
                        if (read_ == 0)                                                            \
                                *(ret_n) = i_ + 1;                                                 \
                        else if (read_ > 0)                                                        \
                                name_item((why), (key), i_);                                       \
                }                                                                                  \
                read_;                                                                             \
        })

/* Puts the item before the field's name: "ports[3].mtu: …". */
static void name_item(struct fault *why, const char *key, size_t i)
{
        struct fault inner = *why;

        fault_set(why, inner.code, inner.type, "%s[%zu].%s", key, i, inner.message);
}

static int list_check(const json_t *list, const char *key, size_t item_size, void **ret,
                      struct fault *why)
{
        if (list && !json_is_array(list)) {
                fault_set(why, 400, "message.invalid", "%s: must be a list.", key);
                return WANT_INVALID;
        }
        if (json_array_size(list) > WANTS_MAX) {
                fault_set(why, 400, "message.invalid", "%s: has more than %d items.", key,
                          WANTS_MAX);
                return WANT_INVALID;
        }
        *ret = json_array_size(list) ? calloc(json_array_size(list), item_size) : NULL;
        return *ret || json_array_size(list) == 0 ? 0 : err_raise(-ENOMEM);
}

int apply_want_head_from_json(const json_t *args, struct apply_want *ret, struct fault *why)
{
        struct apply_want w = { 0 };

        if (!fields_read(args, command_fields, &w, why))
                return WANT_INVALID;
        *ret = w;
        return WANT_OK;
}

int apply_want_from_json(const json_t *args, struct apply_want *ret, struct fault *why)
{
        OWN(apply_want_done) struct apply_want w = { 0 };
        int r = apply_want_head_from_json(args, &w, why);

        r = r ? r : READ_LIST(args, "ports", port_want_from_json, &w.ports, &w.n_ports, why);
        r = r ? r
              : READ_LIST(args, "attachments", attachment_want_from_json, &w.attachments,
                          &w.n_attachments, why);
        if (r != 0)
                return r;
        *ret = w;
        w = (struct apply_want){ 0 };
        return WANT_OK;
}

/* A new list of 'n' items, each made by 'encode(&items[i])'. */
#define WRITE_LIST(object, key, encode, items, n)                                                  \
        __extension__({                                                                            \
                json_t *list_ = json_array();                                                      \
                int wrote_ = json_object_set_new((object), (key), list_);                          \
                for (size_t i_ = 0; wrote_ == 0 && i_ < (n); i_++)                                 \
                        wrote_ = json_array_append_new(list_, (encode)(&(items)[i_]));             \
                wrote_;                                                                            \
        })

json_t *apply_want_to_json(const struct apply_want *w)
{
        json_auto_t *ret = object_of(command_fields, w);

        if (!ret || WRITE_LIST(ret, "ports", port_want_to_json, w->ports, w->n_ports) != 0 ||
            WRITE_LIST(ret, "attachments", attachment_want_to_json, w->attachments,
                       w->n_attachments) != 0)
                return NULL;
        return TAKE(ret);
}

static int fault_member_from_json(const json_t *j, struct fault *ret, struct fault *why)
{
        const json_t *fault = json_object_get(j, "fault");

        if (!fault || json_is_null(fault) || fault_from_json(fault, ret))
                return WANT_OK;
        fault_set(why, 400, "message.invalid", "fault: must have code, type and message.");
        return WANT_INVALID;
}

static int result_from_json(const json_t *j, struct want_result *ret, struct fault *why)
{
        struct want_result r = { 0 };

        if (!fields_read(j, result_fields, &r, why) || fault_member_from_json(j, &r.fault, why))
                return WANT_INVALID;
        *ret = r;
        return WANT_OK;
}

int apply_result_from_json(const json_t *args, struct apply_result *ret, struct fault *why)
{
        OWN(apply_result_done) struct apply_result result = { 0 };
        int r;

        if (!json_is_object(args) ||
            !json_read_bool(args, "expired", JSON_OPTIONAL, &result.expired, why) ||
            fault_member_from_json(args, &result.fault, why))
                return WANT_INVALID;
        r = READ_LIST(args, "ports", result_from_json, &result.ports, &result.n_ports, why);
        r = r ? r
              : READ_LIST(args, "attachments", result_from_json, &result.attachments,
                          &result.n_attachments, why);
        if (r != 0)
                return r;
        *ret = result;
        result = (struct apply_result){ 0 };
        return WANT_OK;
}

static int fault_member_to_json(json_t *object, const struct fault *fault)
{
        return fault_is_set(fault) ? json_object_set_new(object, "fault", fault_to_json(fault)) : 0;
}

static json_t *result_to_json(const struct want_result *r)
{
        json_auto_t *ret = object_of(result_fields, r);

        if (!ret || fault_member_to_json(ret, &r->fault) != 0)
                return NULL;
        return TAKE(ret);
}

json_t *apply_result_to_json(const struct apply_want *w, const struct apply_result *r)
{
        json_auto_t *ret =
                json_pack("{ss sI sI sb}", "gateway", w->gateway, "epoch", (json_int_t)w->epoch,
                          "seq", (json_int_t)w->seq, "expired", r->expired);

        if (!ret || fault_member_to_json(ret, &r->fault) != 0 ||
            WRITE_LIST(ret, "ports", result_to_json, r->ports, r->n_ports) != 0 ||
            WRITE_LIST(ret, "attachments", result_to_json, r->attachments, r->n_attachments) != 0)
                return NULL;
        return TAKE(ret);
}

json_t *fault_to_json(const struct fault *f)
{
        json_auto_t *ret = object_of(fault_fields, f);
        json_t *details = json_loads(f->details, 0, NULL);

        if (details && (!ret || json_object_set_new(ret, "details", details) != 0))
                return NULL;
        if (!ret || json_object_set_new(ret, "code", json_integer(f->code)) != 0)
                return NULL;
        return TAKE(ret);
}

bool fault_from_json(const json_t *j, struct fault *ret)
{
        struct fault f = { 0 };
        const json_t *details = json_object_get(j, "details");
        OWN(mem_free)
        char *text = json_is_object(details) ? json_dumps(details, JSON_COMPACT) : NULL;
        int64_t code;

        if (!fields_read(j, fault_fields, &f, NULL) ||
            !json_read_int(j, "code", JSON_REQUIRED, 400, 599, &code, NULL))
                return false;
        f.code = (int)code;
        if (text && !TEXT_SET(f.details, text))
                f.details[0] = '\0';
        *ret = f;
        return true;
}
