#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The API's description (OpenAPI 3.1), made of the same tables that the server works by. */

#include <jansson.h>

#include "api-server/body.h"
#include "api-server/resource.h"

json_t *openapi_document(void); /* NULL: no memory */
char *openapi_text(void);       /* the same, for a file; the caller frees it */

/* openapi_schema.c: JSON Schemas. New references. */
json_t *schema_of_body(const struct attribute *attributes, unsigned verb);
json_t *schema_of_shown(const struct shown *shown);
