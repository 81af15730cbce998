/* SPDX-License-Identifier: Apache-2.0 */
/* The extra round of drivers that exchange: what one end makes (a public key, a vendor's blob) is
 * handed to the other, unread. It begins with the first answer that brings an object, and again
 * whenever an end brings another one, as after it lost its memory; a link works only when each end
 * was given what the other has. */
#include "conductor/turn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

static struct exchange *row_of(struct turn *t, const struct vport *p)
{
        return view_get(&t->view, T_EXCHANGE, p->id);
}

int exchange_give(struct turn *t, const struct vport *p, const struct vport *peer,
                  char ret[OBJECT_SIZE])
{
        const struct exchange *theirs = row_of(t, peer), *ours = row_of(t, p);
        struct exchange row = { 0 };

        if (ours)
                row = *ours;
        TEXT_SET(row.port_id, p->id);
        TEXT_SET(row.link_id, p->link_id);
        snprintf(row.given, sizeof row.given, "%s", theirs ? theirs->object : "");
        memcpy(ret, row.given, OBJECT_SIZE);
        return view_put(&t->view, T_EXCHANGE, &row) ? 0 : err_raise(-ENOMEM);
}

int exchange_take(struct turn *t, struct vlink *l, struct vport *p, const char *object)
{
        struct vport *peer = view_ports(&t->view, l->id)[p->side == SIDE_A];
        const struct operation *op = view_get(&t->view, T_OPERATION, l->operation_id);
        struct exchange *ours = row_of(t, p);
        const struct exchange *theirs = peer ? row_of(t, peer) : NULL;

        if (!ours || !TEXT_SET(ours->object, object))
                return err_raise(-ENOENT);
        view_dirty(ours);
        if (!peer || !peer->wanted || (theirs && text_equal(theirs->given, object)))
                return 0;
        peer->generation++;
        peer->reason[0] = '\0';
        view_dirty(peer);
        return gate_enqueue_port(t, l, peer, op ? op->request_id : "");
}

int exchange_forget(struct turn *t, const struct vport *p)
{
        struct exchange *ours = row_of(t, p);

        return ours ? view_remove(&t->view, T_EXCHANGE, ours) : 0;
}

bool exchange_complete(struct turn *t, const struct vlink *l, struct vport *const ports[SIDE_N])
{
        const struct exchange *a, *z;

        if (!l->exchange || !ports[SIDE_A] || !ports[SIDE_Z] || !ports[SIDE_A]->wanted ||
            !ports[SIDE_Z]->wanted)
                return true;
        a = row_of(t, ports[SIDE_A]);
        z = row_of(t, ports[SIDE_Z]);
        return a && z && a->object[0] && z->object[0] && text_equal(a->given, z->object) &&
               text_equal(z->given, a->object);
}
