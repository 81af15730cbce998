/* SPDX-License-Identifier: Apache-2.0 */
/* The tags of a VPN or link as a resource of its own, as Neutron has it. */
#include "model/tags.h"

#include "api-server/api.h"
#include "api-server/body.h"
#include "api-server/handlers.h"
#include "api-server/problem.h"
#include "api-server/routes.h"

/* clang-format off */
const struct attribute tags_attributes[] = {
        { "tags", ATTR_TAGS, IN_POST | IN_PUT | NEEDED, 0, NULL },
        { 0 },
};
/* clang-format on */

static bool has(const json_t *object, const char *tag)
{
        const json_t *item;
        size_t i;

        json_array_foreach (json_object_get(object, "tags"), i, item)
                if (text_equal(json_string_value(item), tag))
                        return true;
        return false;
}

/* What the change left out is as wanted either way. */
static bool all_as_wanted(const json_t *object, const json_t *change, const char *key, bool wanted)
{
        const json_t *item;
        size_t i;

        json_array_foreach (json_object_get(change, key), i, item)
                if (has(object, json_string_value(item)) != wanted)
                        return false;
        return true;
}

static bool tags_done(const json_t *object, const json_t *change)
{
        const json_t *all = json_object_get(change, "tags");

        return all_as_wanted(object, change, "add_tags", true) &&
               all_as_wanted(object, change, "remove_tags", false) &&
               (!all || (all_as_wanted(object, change, "tags", true) &&
                         json_array_size(json_object_get(object, "tags")) == json_array_size(all)));
}

static bool done(const json_t *object, const json_t *args)
{
        return object && (tags_done(object, json_object_get(args, "vpn")) &&
                          tags_done(object, json_object_get(args, "virtual_link")));
}

/* 'change' is taken. */
static void send(struct call *c, int status, json_t *change)
{
        const struct resource *r = c->route->resource;
        const struct write w = { r->updating, r, status, done, true };
        char id_name[64];

        snprintf(id_name, sizeof id_name, "%s_id", r->name);
        write_send(c, &w, json_pack("{ss so}", id_name, c->id, r->name, change), c->id);
}

static void send_list(struct call *c, int status, const char *as)
{
        json_t *body = call_body(c, NULL, tags_attributes, IN_POST);

        if (body)
                send(c, status, json_pack("{sO}", as, json_object_get(body, "tags")));
        json_decref(body);
}

void tags_replace(struct call *c)
{
        send_list(c, 200, "tags");
}

void tags_add(struct call *c)
{
        send_list(c, 200, "add_tags");
}

void tags_clear(struct call *c)
{
        send(c, 204, json_pack("{s[]}", "tags"));
}

void tag_add(struct call *c)
{
        struct fault why;

        if (tag_valid(c->tag)) {
                send(c, 201, json_pack("{s[s]}", "add_tags", c->tag));
                return;
        }
        body_refuse(&why, "tag", "a tag is a text of 1 to 255 characters without ',' and '/'.");
        call_refuse(c, &why);
}

void tag_remove(struct call *c)
{
        struct fault why;

        if (tag_valid(c->tag)) {
                send(c, 204, json_pack("{s[s]}", "remove_tags", c->tag));
                return;
        }
        problem_unknown(&why, "Tag", c->tag);
        call_refuse(c, &why);
}

void tags_show(struct call *c, json_t *object)
{
        json_auto_t *own = object;
        json_t *tags = json_object_get(object, "tags");
        struct fault why;

        if (!*c->tag) {
                call_answer(c, 200, tags ? json_pack("{sO}", "tags", tags) : NULL, NULL);
        } else if (has(own, c->tag)) {
                call_answer(c, 204, NULL, NULL);
        } else {
                problem_unknown(&why, "Tag", c->tag);
                call_refuse(c, &why);
        }
}
