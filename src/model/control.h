#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator has set for all: so far, that all is frozen. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "model/limits.h"

#define CONTROL_FREEZE "freeze" /* on: nothing is sent to gateways and networks */
struct control {
        char name[32]; /* key */
        bool is_on;
        char reason[REASON_SIZE];
        char user_id[PROJECT_SIZE];
        int64_t since_ms;
};
/* The freeze as REST and the bus show it; NULL: it was never touched. */
json_t *freeze_to_json(const struct control *c);
