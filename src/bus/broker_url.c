/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/broker_url.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/err.h"
#include "base/text.h"

enum { AMQP_PORT = 5672 };

struct broker_url *broker_url_free(struct broker_url *u)
{
        if (!u)
                return NULL;
        for (size_t i = 0; i < u->n_hosts; i++) {
                free(u->hosts[i].host);
                free(u->hosts[i].user);
                free(u->hosts[i].password);
        }
        free(u->hosts);
        free(u->vhost);
        free(u);
        return NULL;
}

static int bad(struct fault *why, const char *what)
{
        fault_set(why, 400, "bus.bad_transport_url",
                  "transport_url %s; it is written rabbit://user:password@host:port/vhost.", what);
        return BROKER_URL_BAD;
}

static int hex_digit(char c)
{
        return c >= '0' && c <= '9'   ? c - '0'
               : c >= 'a' && c <= 'f' ? c - 'a' + 10
               : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                      : -1;
}

/* The first 'n' bytes of 'from' with %XX decoded; NULL: no memory, or a bad escape. */
static char *unescape(const char *from, size_t n)
{
        char *to = malloc(n + 1), *at = to;

        for (size_t i = 0; to && i < n; i++) {
                int high = i + 2 < n ? hex_digit(from[i + 1]) : -1;
                int low = i + 2 < n ? hex_digit(from[i + 2]) : -1;

                if (from[i] != '%') {
                        *at++ = from[i];
                } else if (high >= 0 && low >= 0 && high + low > 0) {
                        *at++ = (char)(high * 16 + low);
                        i += 2;
                } else {
                        free(to);
                        return NULL;
                }
        }
        if (to)
                *at = '\0';
        return to;
}

static int parse_port(const char *from, size_t n, int *ret, struct fault *why)
{
        char digits[8];
        long long port;

        if (n == 0 || n >= sizeof digits)
                return bad(why, "has a bad port");
        memcpy(digits, from, n);
        digits[n] = '\0';
        if (!text_to_int(digits, 1, 65535, &port))
                return bad(why, "has a bad port");
        *ret = (int)port;
        return BROKER_URL_OK;
}

/* host, host:port, [address] or [address]:port */
static int parse_place(const char *from, const char *end, struct broker_host *to, struct fault *why)
{
        const char *name = from, *name_end, *rest;

        if (from < end && *from == '[') {
                name = from + 1;
                name_end = memchr(name, ']', (size_t)(end - name));
                rest = name_end ? name_end + 1 : NULL;
        } else {
                name_end = memchr(from, ':', (size_t)(end - from));
                rest = name_end = name_end ? name_end : end;
        }
        if (!rest || name_end == name)
                return bad(why, "has no host name");
        to->host = unescape(name, (size_t)(name_end - name));
        if (!to->host)
                return bad(why, "has a bad host name");
        to->port = AMQP_PORT;
        if (rest == end)
                return BROKER_URL_OK;
        if (*rest != ':')
                return bad(why, "has a bad host name");
        return parse_port(rest + 1, (size_t)(end - rest - 1), &to->port, why);
}

static int parse_host(const char *from, const char *end, struct broker_host *to, struct fault *why)
{
        const char *at = memrchr(from, '@', (size_t)(end - from));
        const char *user_end = at ? memchr(from, ':', (size_t)(at - from)) : NULL;

        to->named = at != NULL;
        if (!at) {
                to->user = strdup("guest");
                to->password = strdup("guest");
        } else if (user_end) {
                to->user = unescape(from, (size_t)(user_end - from));
                to->password = unescape(user_end + 1, (size_t)(at - user_end - 1));
        }
        if (!to->user || !to->password)
                return bad(why, "has no user and password, or a bad %XX in them");
        return parse_place(at ? at + 1 : from, end, to, why);
}

static void shuffle(struct broker_url *u)
{
        for (size_t i = u->n_hosts; i > 1; i--) {
                size_t j = random_u32() % i;
                struct broker_host t = u->hosts[i - 1];

                u->hosts[i - 1] = u->hosts[j];
                u->hosts[j] = t;
        }
}

static int parse_hosts(const char *from, const char *end, struct broker_url *u, struct fault *why)
{
        size_t room = 1;
        int r = BROKER_URL_OK;

        for (const char *at = from; at < end; at++)
                room += *at == ',';
        u->hosts = calloc(room, sizeof *u->hosts);
        if (!u->hosts)
                return err_raise(-ENOMEM);
        while (r == BROKER_URL_OK && u->n_hosts < room) {
                const char *comma = memchr(from, ',', (size_t)(end - from));
                const char *host_end = comma ? comma : end;

                r = parse_host(from, host_end, &u->hosts[u->n_hosts++], why);
                from = comma ? comma + 1 : end;
        }
        return r;
}

/* The option is named, unless what looks like one may be a password's end. */
static int bad_option(const char *from, struct fault *why)
{
        size_t n = strspn(from, "abcdefghijklmnopqrstuvwxyz_");

        if (n > 0 && n <= 64 && from[n] == '=' && !strchr(from, '@'))
                fault_set(
                        why, 400, "bus.bad_transport_url",
                        "transport_url has the option '%.*s' after '?'; it belongs into the file, "
                        "under [oslo_messaging_rabbit].",
                        (int)n, from);
        else
                fault_set(why, 400, "bus.bad_transport_url",
                          "transport_url has a '?': options belong into the file, under "
                          "[oslo_messaging_rabbit], and in a password it is written %%3F.");
        return BROKER_URL_BAD;
}

int broker_url_parse(const char *text, struct broker_url **ret, struct fault *why)
{
        static const char scheme[] = "rabbit://";
        OWN(broker_url_free) struct broker_url *u = calloc(1, sizeof *u);
        const char *from, *end;
        int r;

        if (!u)
                return err_raise(-ENOMEM);
        if (!text || !text_starts(text, scheme))
                return bad(why, "does not begin with rabbit://");
        from = text + sizeof scheme - 1;
        end = from + strcspn(from, "/?");
        if (strchr(end, '?'))
                return bad_option(strchr(end, '?') + 1, why);
        r = parse_hosts(from, end, u, why);
        if (r != BROKER_URL_OK)
                return r;
        if (*end == '/')
                end++;
        u->vhost = *end ? unescape(end, strlen(end)) : strdup("/");
        if (!u->vhost)
                return bad(why, "has a bad vhost");
        shuffle(u);
        *ret = TAKE(u);
        return BROKER_URL_OK;
}
