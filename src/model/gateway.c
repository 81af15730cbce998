/* SPDX-License-Identifier: Apache-2.0 */
/* Gateways: what an agent's report may say, the integers in their ranges, and how REST shows them.
 */
#include "model/gateway.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/text.h"
#include "model/fields.h"
#include "model/vlink.h"

enum { INTEGER_MAX = 16777215, TAG_MAX = 4094, MTU_MIN = 68, MTU_MAX = 65535, RANGES_MAX = 16 };

const char *const integer_kind_name[] = { [INTEGER_LABEL] = "label", [INTEGER_TAG] = "tag" };
const char *const brake_name[] = {
        [BRAKE_ARMED] = "armed",
        [BRAKE_HALTED] = "halted",
        [BRAKE_RELEASED] = "released",
};
_Static_assert(sizeof brake_name / sizeof *brake_name == BRAKE_N, "name each");
static const int64_t integer_max[] = { [INTEGER_LABEL] = INTEGER_MAX, [INTEGER_TAG] = TAG_MAX };
_Static_assert(sizeof integer_kind_name / sizeof *integer_kind_name == INTEGER_KIND_N, "name each");
_Static_assert(sizeof integer_max / sizeof *integer_max == INTEGER_KIND_N, "limit each");

/* What the agent knows from its own file, and what only the device can tell. */
/* clang-format off */
static const struct field known_fields[] = {
        FIELD(struct gateway, name, FIELD_NAME, JSON_REQUIRED),
        FIELD(struct gateway, type, FIELD_WORD, JSON_REQUIRED),
        FIELD(struct gateway, domain, FIELD_WORD, JSON_REQUIRED),
        FIELD_RANGE(struct gateway, capacity_to_wan_kbps, JSON_REQUIRED, 0, KBPS_MAX),
        FIELD_RANGE(struct gateway, capacity_from_wan_kbps, JSON_REQUIRED, 0, KBPS_MAX),
        FIELD(struct gateway, reachable, FIELD_BOOL, JSON_REQUIRED),
        FIELD(struct gateway, observe_only, FIELD_BOOL, JSON_OPTIONAL),
        { 0 },
};
static const struct field device_fields[] = {
        FIELD(struct gateway, address, FIELD_WORD, JSON_REQUIRED),
        FIELD_RANGE(struct gateway, mtu, JSON_REQUIRED, MTU_MIN, MTU_MAX),
        FIELD(struct gateway, fence, FIELD_NAME, JSON_REQUIRED),
        FIELD(struct gateway, boot_id, FIELD_WORD, JSON_REQUIRED),
        FIELD_RANGE(struct gateway, epoch, JSON_OPTIONAL, 0, INT64_MAX),
        FIELD_RANGE(struct gateway, seq, JSON_OPTIONAL, 0, INT64_MAX),
        { 0 },
};
/* clang-format on */

static int refuse(struct fault *why, const char *key, const char *what)
{
        fault_set(why, 400, "message.invalid", "%s: %s.", key, what);
        return GATEWAY_INVALID;
}

/* [[first, last], …], ascending and apart. */
static bool range_list_valid(const json_t *list, int64_t max)
{
        int64_t below = 0;
        const json_t *pair;
        size_t i;

        if (!json_is_array(list) || json_array_size(list) > RANGES_MAX)
                return false;
        json_array_foreach (list, i, pair) {
                const json_t *first = json_array_get(pair, 0), *last = json_array_get(pair, 1);

                if (json_array_size(pair) != 2 || !json_is_integer(first) || !json_is_integer(last))
                        return false;
                if (json_integer_value(first) <= below || json_integer_value(last) > max ||
                    json_integer_value(first) > json_integer_value(last))
                        return false;
                below = json_integer_value(last);
        }
        return true;
}

static bool ranges_valid(const json_t *ranges)
{
        for (int kind = 0; kind < INTEGER_KIND_N; kind++)
                if (!range_list_valid(json_object_get(ranges, integer_kind_name[kind]),
                                      integer_max[kind]))
                        return false;
        return json_object_size(ranges) == INTEGER_KIND_N;
}

static bool capabilities_valid(const json_t *list)
{
        const json_t *item;
        size_t i;

        json_array_foreach (list, i, item) {
                const char *word = json_string_value(item);

                if (!word || !*word || word[strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_-")])
                        return false;
        }
        return json_is_array(list);
}

static int read_lists(const json_t *report, struct gateway *g, struct fault *why)
{
        const json_t *ranges = json_object_get(report, "ranges");
        const json_t *capabilities = json_object_get(report, "capabilities");
        OWN(mem_free) char *ranges_text = NULL;
        OWN(mem_free) char *capabilities_text = NULL;

        if (!ranges_valid(ranges))
                return refuse(why, "ranges",
                              "must be {\"label\": [[first, last], …], \"tag\": [[…]]}, ascending");
        if (!capabilities_valid(capabilities))
                return refuse(why, "capabilities", "must be a list of words");
        ranges_text = json_dumps(ranges, JSON_COMPACT | JSON_SORT_KEYS);
        if (!TEXT_SET(g->ranges, ranges_text))
                return refuse(why, "ranges", "is too long");
        capabilities_text = json_dumps(capabilities, JSON_COMPACT);
        if (!TEXT_SET(g->capabilities, capabilities_text))
                return refuse(why, "capabilities", "is too long");
        return GATEWAY_OK;
}

static bool fence_valid(const char *fence)
{
        return strcmp(fence, "device") == 0 || strcmp(fence, "session") == 0 ||
               strcmp(fence, "none") == 0;
}

int gateway_from_report(const json_t *report, struct gateway *ret, struct fault *why)
{
        struct gateway g = *ret;

        if (!fields_read(report, known_fields, &g, why))
                return GATEWAY_INVALID;
        if (g.reachable) { /* one out of reach is known by its agent's file alone */
                if (!fields_read(report, device_fields, &g, why))
                        return GATEWAY_INVALID;
                if (!fence_valid(g.fence))
                        return refuse(why, "fence", "must be device, session or none");
                if (read_lists(report, &g, why) != GATEWAY_OK)
                        return GATEWAY_INVALID;
        }
        *ret = g;
        return GATEWAY_OK;
}

bool gateway_can(const struct gateway *g, const char *capability)
{
        char quoted[CAPABILITIES_SIZE];

        snprintf(quoted, sizeof quoted, "\"%s\"", capability);
        return strstr(g->capabilities, quoted) != NULL;
}

int64_t gateway_range_next(const struct gateway *g, enum integer_kind kind, int64_t after)
{
        json_auto_t *ranges = json_loads(g->ranges, 0, NULL);
        const json_t *pair;
        size_t i;

        json_array_foreach (json_object_get(ranges, integer_kind_name[kind]), i, pair) {
                int64_t first = json_integer_value(json_array_get(pair, 0));
                int64_t last = json_integer_value(json_array_get(pair, 1));

                if (after < last)
                        return after < first ? first : after + 1;
        }
        return 0;
}

static json_t *kbps_pair(int64_t to_wan, int64_t from_wan)
{
        return json_pack("{sI sI}", "to_wan_kbps", (json_int_t)to_wan, "from_wan_kbps",
                         (json_int_t)from_wan);
}

static json_t *parsed_or_null(const char *text)
{
        json_t *value = json_loads(text, 0, NULL);

        return value ? value : json_null();
}

/* The first that holds, the worst first. */
static const char *status_of(const struct gateway *g, struct gateway_around around,
                             const char **ret_reason)
{
        *ret_reason = g->reason;
        if (around.site_silent) {
                *ret_reason = "Nobody has heard of its site's agents for 30 seconds.";
                return "UNKNOWN";
        }
        if (!g->reachable) {
                if (!g->reason[0])
                        *ret_reason = "Its site's agents do not reach it.";
                return "DOWN";
        }
        if (g->brake == BRAKE_HALTED) {
                *ret_reason = "It lacks more than may be repaired without an operator's word.";
                return "HALTED";
        }
        return g->reason[0] ? "DEGRADED" : "ACTIVE";
}

json_t *gateway_to_json(const struct gateway *g, struct gateway_around around, bool operator_view)
{
        const char *reason, *status = status_of(g, around, &reason);
        json_auto_t *ret = json_pack(
                "{ss ss ss ss ss so so sI so sb ss}", "id", g->id, "name", g->name, "site_id",
                g->site_id, "type", g->type, "domain", g->domain, "capacity",
                kbps_pair(g->capacity_to_wan_kbps, g->capacity_from_wan_kbps), "available",
                kbps_pair(g->capacity_to_wan_kbps - g->reserved_to_wan_kbps,
                          g->capacity_from_wan_kbps - g->reserved_from_wan_kbps),
                "mtu", (json_int_t)g->mtu, "capabilities", parsed_or_null(g->capabilities),
                "reachable", g->reachable, "status", status);
        json_auto_t *more = NULL;

        if (!ret || !operator_view)
                return TAKE(ret);
        more = json_pack("{so so so so sI sI so sb sb sb so}", "address", json_text_or_null(g->address), "ranges",
                         parsed_or_null(g->ranges), "reserved",
                         kbps_pair(g->reserved_to_wan_kbps, g->reserved_from_wan_kbps), "fence",
                         json_text_or_null(g->fence), "epoch", (json_int_t)g->epoch, "seq",
                         (json_int_t)g->seq, "status_reason", json_text_or_null(reason), "halted",
                         g->brake == BRAKE_HALTED, "frozen", around.frozen, "observe_only",
                         g->observe_only, "verified_at", json_time_or_null(g->verified_ms));
        if (!more || json_object_update_missing(ret, more) != 0)
                return NULL;
        return TAKE(ret);
}
