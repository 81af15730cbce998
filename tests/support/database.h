#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Real databases for tests: one private PostgreSQL server per test program, one database with the
 * schema of sql/ per test. Whatever goes wrong ends the program with a message. The server goes
 * when the program does, however that ends. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/own.h"

/* Started at the first call. ATLAS_TEST_POSTGRES may name a server (a superuser's conninfo) to be
 * used instead. */
struct database;
struct database *database_new(void);
struct database *database_free(struct database *d);
OWN_DEFINE(struct database *, database_free)
const char *database_connection(const struct database *d);
const char *database_name(const struct database *d);
/* A database without tables: *_new() with nothing in it. */
struct database *database_new_empty(void);

/* Runs SQL as a superuser, on a connection of its own; the first field of the last result, "" if
 * none. Caller frees. */
char *database_text(const struct database *d, const char *sql);
int64_t database_int(const struct database *d, const char *sql);
void database_run(const struct database *d, const char *sql);

/* Whether the server is ours, so that the next two may be used. */
bool database_server_private(void);
void database_server_stop(void);
void database_server_start(void);
