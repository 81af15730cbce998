#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at the gateway and working on it, with its own tools. */

#include "gateway-helper/plan.h"

struct place {
        char bridge[INTERFACE_SIZE], wan_port[INTERFACE_SIZE];
        char state_dir[512];
        int64_t deadline_mono_ms;
};
enum { SURVEY_OK, SURVEY_FAILED };

/* Fills '*ret' with what is there now; found_done() in any case. */
int survey(const struct place *at, struct found *ret, struct fault *why);
/* Carries the steps out. A step that fails is its owner's fault in 'verdicts', and ends that
 * owner's steps; neighbours go on. */
int carry_out(const struct place *at, const struct plan *plan, struct verdict *verdicts,
              size_t n_verdicts);
/* Changes whenever what the gateway had may be gone: a boot, another network namespace, a start of
 * Open vSwitch. */
void boot_id(char ret[64]);
