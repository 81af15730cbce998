#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* YAML, as far as settings files need it (JSON is a part of it): mappings, lists and scalars, told
 * one scalar at a time. Anchors, aliases and a second document are refused. */

#include <stdbool.h>
#include <stddef.h>

#include "base/fault.h"

enum { YAML_OK, YAML_BAD, YAML_DEPTH_MAX = 16 };

struct yaml_scalar {
        const char *const *keys; /* that lead to it; of a list's entries "0", "1", … */
        size_t n_keys;
        const char *value;
        bool null; /* written without a value, or as ~ or null */
        int line;  /* where its key stands; from 1 */
};
/* 'on_scalar' returns YAML_OK, YAML_BAD with 'why' filled, or negative; so does this. 'name' is the
 * file's, for messages. */
typedef int yaml_on_scalar(const struct yaml_scalar *s, void *user, struct fault *why);
int yaml_walk(const char *name, const char *bytes, size_t n, yaml_on_scalar *on_scalar, void *user,
              struct fault *why);
/* The same for a file. */
int yaml_walk_file(const char *path, yaml_on_scalar *on_scalar, void *user, struct fault *why);
