#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The command line tool without its main(): what it needs of the world comes in by a table of
 * functions, so that it runs in a plain test. Functions return 0, an exit code (positive) after
 * telling the reader why, or a negative error. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/fault.h"
#include "cli/arguments.h"
#include "model/limits.h"
#include "openstack/session.h"

enum cli_exit {
        CLI_OK,
        CLI_REFUSED,
        CLI_USAGE,
        CLI_FAILED,
        CLI_UNREACHABLE,
        CLI_TIMEOUT,
        CLI_EXIT_N,
        CLI_INTERRUPTED = 130, /* by Ctrl-C while waiting */
};
extern const char *const cli_exit_help[CLI_EXIT_N];

struct outside {
        /* As openstack_call(). */
        int (*call)(struct outside *o, const struct openstack_call *call,
                    struct openstack_reply *ret, struct fault *why);
        int64_t (*now_ms)(struct outside *o); /* monotonic */
        /* Waits and returns true; false, at once, when the deadline would pass meanwhile. */
        bool (*pause)(struct outside *o, int64_t ms, int64_t deadline_ms);
        FILE *out, *err;
};

struct cli {
        struct outside *outside;
        const struct arguments *args;
        json_t *sites, *gateways; /* fetched when their names are first needed */
};

/* What `atlas` does after its arguments were read. */
int cli_run(struct outside *outside, const struct arguments *args);
/* Whether they can be carried out without a service. */
bool cli_is_local(const struct arguments *args);
/* The exit codes and what they mean; "" after the last. */
const char *cli_exit_words(int at, int *ret_code);
/* "link create NAME", "watch". */
void command_title(const struct command *c, char *ret, size_t size);
/* Writes all of --help, of one noun, or of one command, as 'args' says. */
int cli_help(FILE *to, const struct arguments *args);
/* "atlas: why", and where to read more. Gives CLI_USAGE. */
int cli_usage(struct outside *outside, const struct arguments *args, const struct fault *why);
/* The same about an option's or a word's value. */
int cli_usage_of(struct cli *c, const char *what, const char *problem);

/* ---- service.c: one call ---- */

/* '*ret' holds the answer, also a refusal's; free with openstack_reply_done(). Bodies are JSON. A
 * POST carries an Idempotency-Key. */
int service_call(struct cli *c, const char *method, const char *path, const json_t *body,
                 struct openstack_reply *ret);
/* GET, without telling anybody of a service that is silent: CLI_UNREACHABLE, or of what is not
 * there: CLI_REFUSED with status 404. */
int service_look(struct cli *c, const char *path, struct openstack_reply *ret);
/* GET of what goes on, handed to 'on_stream' as it comes; 'after' (NULL: none) is the event after
 * which to begin. CLI_OK: it came to an end, or '*ret' holds a list, for a service that has no
 * streams. Tells nobody of silence. */
int service_stream(struct cli *c, const char *path, const char *after,
                   void (*on_stream)(void *user, const char *bytes, size_t n), void *user,
                   struct openstack_reply *ret);
/* Adds 'value' as a path or a query takes it. */
void service_escape(struct text *path, const char *value);
/* Adds "?key=value" or "&key=value", escaped. */
void service_query(struct text *path, const char *key, const char *value);

/* ---- nouns.c: lists and single objects, all alike ---- */

struct noun {
        const char *word;       /* in commands */
        const char *path;       /* "/v1/virtual-links" */
        const char *one, *many; /* "virtual_link", "virtual_links": keys in bodies */
        const char *name;       /* what lists are asked for by name with; NULL: "name" */
        const char *columns;    /* of lists */
        const char *hidden;     /* of single ones: what people need not see */
        /* Adds what is nice to read, such as names for ids; may be NULL. */
        int (*dress)(struct cli *c, json_t *object);
};
extern const struct noun noun_site, noun_agent, noun_gateway, noun_vpn, noun_link, noun_port,
        noun_operation, noun_event, noun_freeze, noun_connection, noun_quota;
const struct noun *noun_of(const char *word);

/* Adds what the options say as filters to a list's 'path'. */
int noun_add_filters(struct cli *c, struct text *path);
/* All pages of 'path' (the noun's, with a query). */
int noun_fetch_list(struct cli *c, const struct noun *n, const char *path, json_t **ret);
/* Only the first page. */
int noun_fetch_page(struct cli *c, const struct noun *n, const char *path, json_t **ret);
int noun_fetch(struct cli *c, const struct noun *n, const char *id, json_t **ret);
/* Print as the arguments say. */
int noun_print_list(struct cli *c, const struct noun *n, json_t *list);
int noun_print(struct cli *c, const struct noun *n, json_t *object);
/* The commands "list" and "show" of any noun. */
int command_list(struct cli *c);
int command_show(struct cli *c);

/* ---- find.c: names and ids ---- */

/* 'word' is an id, or a name that is unique; 'site_id' narrows gateways, else NULL. */
int find_id(struct cli *c, const struct noun *n, const char *word, const char *site_id,
            char ret[ID_SIZE]);
/* 'word' is a port's id, or LINK/END where END is a, z, or the name or id of a site. */
int find_port(struct cli *c, const char *word, char ret[ID_SIZE]);

/* ---- follow.c: waiting for an operation ---- */

/* With --wait: follows the operation that 'answer' (an object, or what a request by 'request_id'
 * did to 'link_id') has begun, telling each step. Without: tells how to look at it. */
int follow_answer(struct cli *c, const json_t *object, const char *link_id, const char *request_id);

/* ---- commands ---- */

int vpn_create(struct cli *c);
int vpn_set(struct cli *c);
int vpn_delete(struct cli *c);
int vpn_add_site(struct cli *c);
int vpn_remove_site(struct cli *c);
int vlink_create(struct cli *c);
int vlink_set(struct cli *c);
int vlink_delete(struct cli *c);
int vlink_disable(struct cli *c);
int vlink_enable(struct cli *c);
int vlink_retry(struct cli *c);
int vlink_force_delete(struct cli *c);
int vlink_history(struct cli *c);
int vport_show(struct cli *c);
int vport_attach(struct cli *c);
int vport_detach(struct cli *c);
int connect_sites(struct cli *c);
int quota_show(struct cli *c);
int quota_set(struct cli *c);
int quota_delete(struct cli *c);
int operation_show(struct cli *c);
int freeze_show(struct cli *c);
int freeze_start(struct cli *c);
int freeze_end(struct cli *c);
int gateway_release(struct cli *c);
int tag_add(struct cli *c);
int tag_remove(struct cli *c);
int watch(struct cli *c);
int explain(struct cli *c);
int completion(struct cli *c);
int help(struct cli *c);

/* ---- man.c ---- */

/* The manual page, in man(7)'s language. */
int man_page(FILE *to);
