/* SPDX-License-Identifier: Apache-2.0 */
/* Rows for changing. What was not planned for is named in the plan, and the batch is run again. */
#include "conductor/turn.h"

#include <errno.h>

#include "base/err.h"

int lock_gateway(struct turn *t, const char *id, struct gateway **ret)
{
        struct gateway *g = view_get(&t->view, T_GATEWAY, id);

        if (!g || !view_is_locked(&t->view, T_GATEWAY, id)) {
                if (map_get(&t->plan.gateways.known, id))
                        return err_raise(-ENOENT); /* locked for, and not there: gateways are never
                                                      deleted */
                return idset_add(&t->plan.gateways, id) < 0 ? -ENOMEM : -EAGAIN;
        }
        *ret = g;
        return 0;
}

int lock_work(struct turn *t, const char *gateway_id)
{
        if (map_get(&t->loaded.known, gateway_id))
                return 0;
        return idset_add(&t->plan.released, gateway_id) < 0 ? -ENOMEM : -EAGAIN;
}

int lock_attachment(struct turn *t, const char *id, struct attachment **ret)
{
        struct attachment *a = view_get(&t->view, T_ATTACHMENT, id);

        if (*id && !a && !map_get(&t->plan.attachments.known, id))
                return idset_add(&t->plan.attachments, id) < 0 ? -ENOMEM : -EAGAIN;
        *ret = a;
        return 0;
}
