#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Starts fake_openstack.py and speaks to its control side. Everything asserts. */

#include <jansson.h>
#include <stddef.h>

void fake_openstack_start(void);
void fake_openstack_stop(void);
int fake_openstack_port(void);
/* One control call ("POST", "rule", {…}); 'body' is stolen, the answer a new reference. */
json_t *fake_openstack(const char *method, const char *what, json_t *body);
/* A misbehaviour to come: the next 'times' requests of 'method' whose path begins with 'path'. */
void fake_openstack_rule(const char *method, const char *path, const char *act, int times,
                         json_t *arg);
/* How often a misbehaviour happened, and how many requests began with 'method' and 'path'. */
int fake_openstack_fired(const char *act);
int fake_openstack_requests(const char *method, const char *path);
