/* SPDX-License-Identifier: Apache-2.0 */
/* What was read from a gateway, whatever its driver. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/digest.h"
#include "drivers/gateway/gateway_driver.h"

void gateway_state_done(struct gateway_state *s)
{
        free(s->ports);
        free(s->attachments);
        *s = (struct gateway_state){ 0 };
}

static uint64_t digest_of(const struct want_result *results, size_t n)
{
        uint64_t digest = 0;
        char text[64];

        for (size_t i = 0; i < n; i++) {
                if (!results[i].present)
                        continue;
                snprintf(text, sizeof text, "%s %" PRId64, results[i].id, results[i].generation);
                digest ^= digest_text(text);
        }
        return digest;
}

uint64_t gateway_state_digest(const struct gateway_state *s)
{
        return digest_of(s->ports, s->n_ports) ^ digest_of(s->attachments, s->n_attachments);
}
