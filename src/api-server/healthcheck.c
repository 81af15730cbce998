/* SPDX-License-Identifier: Apache-2.0 */
/* For balancers and supervisors: what is known at this moment, without asking anybody. */
#include "api-server/api.h"
#include "api-server/handlers.h"

void healthcheck(struct call *c)
{
        const struct bus *bus = api_bus(c->loop);
        bool database = store_reader_ready(c->loop->reader), sends = bus_can_send(bus);

        call_answer(c, database && sends ? 200 : 503,
                    json_pack("{sb sb s{ss ss}}", "live", 1, "ready", database && sends,
                              "dependencies", "database", database ? "ok" : "down", "bus",
                              sends                 ? "ok"
                              : bus_is_blocked(bus) ? "blocked"
                                                    : "down"),
                    NULL);
}
