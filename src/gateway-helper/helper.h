#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* One request, one answer: what the program does between its standard input and its standard
 * output.
 *
 * Requests: {"verb", "timeout_ms", "bridge", "wan_port", "state_dir", …}, where the verb is
 *   describe  -> {"address", "mtu", "boot_id", "epoch", "seq"}
 *   read      -> {"boot_id", "epoch", "seq", "ports": [{"id", "generation", "present"}],
 * "attachments": […], "unknown"} an object that is there but not whole has generation 0: it equals
 * nothing that is wanted apply     with "want": the args of the cast `apply` -> the args of
 * `ports_applied` details   with "want": {"ids"} -> {"objects": [what those of them are that are there]} plug, unplug, plugged: see plug.h An answer with "fault" at its top says that the
 * whole request failed. */

#include <jansson.h>

/* Never fails as a call but for lack of memory (NULL). */
json_t *helper_answer(const json_t *request);
