#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of others on our bus, as the setting [bus] peers names them: "NAME:TOPIC,TOPIC>KEY,KEY",
 * separated by blanks. A peer serves its topics, or one server of a topic ("TOPIC.SERVER"), and
 * sends with its keys. */

#include <stddef.h>

#include "base/fault.h"

enum { PEER_LISTED_MAX = 16 };

struct peer {
        char *text; /* that the others point into; owned */
        const char *name;
        const char *serves[PEER_LISTED_MAX + 1], *sends[PEER_LISTED_MAX + 1]; /* NULL-terminated */
};
struct peers {
        struct peer *list;
        size_t n;
};
enum { PEERS_OK, PEERS_BAD };
int peers_read(struct peers *p, const char *text, struct fault *why);
void peers_done(struct peers *p);
