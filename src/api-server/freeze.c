/* SPDX-License-Identifier: Apache-2.0 */
/* The freeze of everything: there is one, and only operators see and set it. */
#include "api-server/api.h"
#include "api-server/body.h"
#include "api-server/handlers.h"
#include "base/text.h"
#include "model/control.h"

/* clang-format off */
static const struct filter filters[] = { { 0 } };
const struct attribute freeze_attributes[] = {
        { "frozen", ATTR_BOOL, IN_PUT | NEEDED, 0,   NULL },
        { "reason", ATTR_TEXT, IN_PUT,          255, NULL },
        { 0 },
};
static const struct shown shown[] = {
        { "frozen",  SHOWN_BOOL, 0,           NULL, NULL },
        { "reason",  SHOWN_TEXT, MAY_BE_NULL, NULL, NULL },
        { "user_id", SHOWN_TEXT, MAY_BE_NULL, NULL, NULL },
        { "since",   SHOWN_TIME, MAY_BE_NULL, NULL, NULL },
        { 0 },
};
/* clang-format on */

static json_t *render(const struct view *v, size_t i)
{
        return freeze_to_json((const struct control *)v->sets[0].rows + i);
}

const struct resource freeze_resource = {
        .name = "freeze",
        .collection = "freezes",
        .path = "/v1/freeze",
        .noun = "The freeze",
        .table = T_CONTROL,
        .shared = true,
        .by_name = true,
        .single = true,
        .filters = filters,
        .shown = shown,
        .render = render,
};

static bool is_set(const json_t *object, const json_t *args)
{
        (void)args;
        return json_is_true(json_object_get(object, "frozen"));
}

static bool is_ended(const json_t *object, const json_t *args)
{
        return object && !is_set(object, args);
}

/* clang-format off */
static const struct write starting = { "freeze",   &freeze_resource, 200, is_set,   false };
static const struct write ending   = { "unfreeze", &freeze_resource, 200, is_ended, false };
/* clang-format on */

void freeze_show(struct call *c)
{
        TEXT_SET(c->id, CONTROL_FREEZE);
        read_one(c);
}

void freeze_set(struct call *c)
{
        json_auto_t *asked = call_body(c, "freeze", freeze_attributes, IN_PUT);
        bool frozen = json_is_true(json_object_get(asked, "frozen"));

        if (!asked)
                return;
        json_object_del(asked, "frozen");
        write_send(c, frozen ? &starting : &ending, json_incref(asked), CONTROL_FREEZE);
}
