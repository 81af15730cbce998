/* SPDX-License-Identifier: Apache-2.0 */
/* For balancers and supervisors: what is known at this moment, without asking anybody. */
#include "api-server/api.h"
#include "api-server/handlers.h"

void healthcheck(struct call *c)
{
        const struct bus *bus = api_bus(c->loop);
        bool database = store_reader_ready(c->loop->reader), sends = bus_can_send(bus);
        json_t *failing = json_array();

        if (!database)
                json_array_append_new(failing, json_string("database"));
        if (!sends)
                json_array_append_new(failing, json_string("bus"));
        call_answer(c, database && sends ? 200 : 503,
                    json_pack("{sb sb so s{ss ss}}", "live", 1, "ready", database && sends,
                              "failing", failing, "dependencies", "database",
                              database ? "ok" : "down", "bus",
                              sends                 ? "ok"
                              : bus_is_blocked(bus) ? "blocked"
                                                    : "down"),
                    NULL);
}

void healthcheck_live(struct call *c)
{
        call_answer(c, 200, json_pack("{sb}", "live", 1), NULL);
}
