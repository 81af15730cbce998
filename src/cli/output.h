#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Objects to a stream, as a table for people or as json, value or csv for programs. Knows no noun.
 */

#include <jansson.h>
#include <stdio.h>

#include "base/fault.h"
#include "cli/arguments.h"

struct output {
        FILE *to;
        enum output_format format;
        const char *const *columns; /* asked for; each a path as cell_find() takes it */
        size_t n_columns;           /* 0: those below; with json, all there are */
        const char *usual;          /* of lists: words "id name status" */
        const char *sort;           /* of lists: "name,-bandwidth"; NULL: as they come */
        const char *hidden;         /* of one object: those that people need not see */
};
/* OUTPUT_NO_COLUMN: 'why' tells which column is not there and which are. */
enum { OUTPUT_OK, OUTPUT_NO_COLUMN };
int output_list(const struct output *o, const json_t *list, struct fault *why);
int output_one(const struct output *o, const json_t *object, struct fault *why);
