/* SPDX-License-Identifier: Apache-2.0 */
/* What a project may have, and has. */
#include <errno.h>

#include "base/err.h"
#include "base/text.h"
#include "cli/cli.h"

static int path_of(struct cli *c, const char *more, struct text *ret)
{
        text_addf(ret, "%s/", noun_quota.path);
        service_escape(ret, c->args->words[0]);
        text_add(ret, more);
        return ret->failed ? err_raise(-ENOMEM) : CLI_OK;
}

/* One line for each resource: {"resource", "limit", "used"}. */
static int print_details(struct cli *c, const json_t *quota)
{
        json_auto_t *list = json_array();
        const char *name;
        json_t *each;

        json_object_foreach ((json_t *)(uintptr_t)quota, name, each)
                json_array_append_new(list,
                                      json_pack("{ss sO sO}", "resource", name, "limit",
                                                json_object_get(each, "limit"), "used",
                                                json_object_get(each, "used")));
        return list ? noun_print_list(c, &noun_quota, list) : err_raise(-ENOMEM);
}

int quota_show(struct cli *c)
{
        OWN(openstack_reply_done) struct openstack_reply reply = { 0 };
        OWN(text_done) struct text path = { 0 };
        int r = path_of(c, "/details", &path);

        r = r ? r : service_call(c, "GET", path.bytes, NULL, &reply);
        r = r ? r : print_details(c, json_object_get(reply.body, noun_quota.one));
        return r < 0 ? err_pass(r) : r;
}

/* A limit that was named goes into 'quota'. */
static int add_limit(struct cli *c, enum option o, const char *key, json_t *quota)
{
        const char *value = c->args->value[o];
        long long n;

        if (!value)
                return CLI_OK;
        if (!text_to_int(value, -1, INT64_C(9007199254740991), &n))
                return cli_usage_of(c, option_rows[o].flag,
                                    "must be a whole number, or -1 for no limit");
        return json_object_set_new(quota, key, json_integer(n)) == 0 ? CLI_OK : err_raise(-ENOMEM);
}

int quota_set(struct cli *c)
{
        OWN(openstack_reply_done) struct openstack_reply reply = { 0 };
        OWN(text_done) struct text path = { 0 };
        json_auto_t *quota = json_object();
        json_auto_t *body = json_pack("{sO}", noun_quota.one, quota);
        int r = body ? path_of(c, "", &path) : err_raise(-ENOMEM);

        r = r ? r : add_limit(c, OPT_VPNS, "vpn", quota);
        r = r ? r : add_limit(c, OPT_LINKS, "virtual_link", quota);
        r = r ? r : add_limit(c, OPT_KBPS, "kbps", quota);
        if (r == CLI_OK && json_object_size(quota) == 0)
                r = cli_usage_of(c, "quota set",
                                 "nothing to change: give --vpns, --links or --kbps");
        r = r ? r : service_call(c, "PUT", path.bytes, body, &reply);
        r = r ? r : noun_print(c, &noun_quota, json_object_get(reply.body, noun_quota.one));
        return r < 0 ? err_pass(r) : r;
}

int quota_delete(struct cli *c)
{
        OWN(openstack_reply_done) struct openstack_reply reply = { 0 };
        OWN(text_done) struct text path = { 0 };
        int r = path_of(c, "", &path);

        r = r ? r : service_call(c, "DELETE", path.bytes, NULL, &reply);
        return r < 0 ? err_pass(r) : r;
}
