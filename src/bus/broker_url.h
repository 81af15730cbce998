#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* transport_url as oslo.messaging writes it:
 * rabbit://user:password@host:port[,user:password@host:port]/vhost */

#include <stdbool.h>
#include <stddef.h>

#include "base/fault.h"
#include "base/own.h"

struct broker_host {
        char *host, *user, *password;
        int port;
        bool named; /* the URL says who we are */
};
struct broker_url {
        struct broker_host
                *hosts; /* at least one; shuffled, so that clients spread over a cluster */
        size_t n_hosts;
        char *vhost;
};
/* BROKER_URL_BAD: the fault says what is wrong, without the password. */
enum { BROKER_URL_OK, BROKER_URL_BAD };
int broker_url_parse(const char *text, struct broker_url **ret, struct fault *why);
struct broker_url *broker_url_free(struct broker_url *u);
OWN_DEFINE(struct broker_url *, broker_url_free)
