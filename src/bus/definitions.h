#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* RabbitMQ's definitions file: users, permissions and topology in one JSON document, which
 * `rabbitmqctl import_definitions FILE` loads and the broker can load at boot. AMQP has no words
 * for users. */

#include <stddef.h>

#include "base/text.h"
#include "bus/bus.h"

enum bus_role {
        BUS_ROLE_CONDUCTOR, /* everything of ours */
        BUS_ROLE_API,       /* calls the conductor, reads its replies */
        BUS_ROLE_SITE,      /* reads its own queue, writes its own keys, configures nothing */
        BUS_ROLE_PEER, /* has an exchange of its own, joined to ours for what it serves and sends */
};
struct bus_user {
        const char *name;
        const char *password; /* NULL: the user is there, and keeps its own; "": none, it logs in by
                               * a client certificate */
        enum bus_role role;
        const char *site; /* of BUS_ROLE_SITE */
        /* Of BUS_ROLE_PEER: topics, and keys it may send with; both NULL-terminated. */
        const char *const *serves, *const *sends;
};
/* 'sites' NULL-terminated, names already checked. Passwords leave as salted hashes. */
int bus_definitions(const struct bus_settings *settings, const char *vhost,
                    const struct bus_user *users, size_t n_users, const char *const *sites,
                    struct text *ret);
