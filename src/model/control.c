/* SPDX-License-Identifier: Apache-2.0 */
/* The freeze, as it is shown. */
#include "model/control.h"

#include "model/json.h"

json_t *freeze_to_json(const struct control *c)
{
        static const struct control never = { 0 };

        c = c ? c : &never;
        return json_pack("{sb so so so}", "frozen", c->is_on, "reason",
                         json_text_or_null(c->reason), "user_id", json_text_or_null(c->user_id),
                         "since", json_time_or_null(c->since_ms));
}
