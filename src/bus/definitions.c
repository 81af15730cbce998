/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/definitions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/err.h"
#include "bus/declare.h"
#include "bus/sha256.h"
#include "messages/topics.h"

enum {
        CONNECTIONS_MAX = 100, /* of one site's, or peer's, user */
        CHANNELS_MAX = 200,
        DELIVERY_LIMIT = 20, /* of a quorum queue; what a conductor counts ends long before */
};

/* What a role may do, as regular expressions; %s is the exchange, then the site. */
struct rights {
        const char *configure, *write, *read, *topic_write;
};
/* clang-format off */
static const struct rights rights[] = {
        /*                       configure                         write                                           read                              routing keys */
        [BUS_ROLE_CONDUCTOR] = { "^(%1$s|atlas-.*|reply_.*)$",     "^(%1$s|atlas-.*|reply_.*|amq\\.default)$",     "^(%1$s|atlas-.*|reply_.*)$",     ".*" },
        [BUS_ROLE_API]       = { "^(reply_|" TOPIC_API "_fanout).*$", "^(%1$s|(reply_|" TOPIC_API "_fanout_).*)$", "^(reply_|" TOPIC_API "_fanout).*$", "^" TOPIC_CONDUCTOR "$" },
        [BUS_ROLE_SITE]      = { "^$",                             "^%1$s$",                                       "^" TOPIC_AGENT "\\.%2$s$",       "^(" TOPIC_EVENT "|" TOPIC_HEARTBEAT "|" QUEUE_DEAD ")\\.%2$s\\z" },
};
/* clang-format on */

/* 'pattern' with %1$s the exchange and %2$s the site. */
static json_t *fill(const char *pattern, const char *exchange, const char *site)
{
        OWN(text_done) struct text t = { 0 };

        for (const char *at = pattern; *at; at++) {
                if (strncmp(at, "%1$s", 4) == 0 || strncmp(at, "%2$s", 4) == 0) {
                        text_add(&t, at[1] == '1' ? exchange : site);
                        at += 3;
                } else {
                        text_add_n(&t, at, 1);
                }
        }
        return t.failed ? NULL : json_string(t.bytes);
}

static void base64(const unsigned char *bytes, size_t n, char *ret)
{
        static const char digits[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

        for (size_t i = 0; i < n; i += 3) {
                unsigned v = (unsigned)bytes[i] << 16 |
                             (i + 1 < n ? (unsigned)bytes[i + 1] << 8 : 0) |
                             (i + 2 < n ? bytes[i + 2] : 0);

                *ret++ = digits[v >> 18];
                *ret++ = digits[v >> 12 & 63];
                *ret++ = i + 1 < n ? digits[v >> 6 & 63] : '=';
                *ret++ = i + 2 < n ? digits[v & 63] : '=';
        }
        *ret = '\0';
}

/* As RabbitMQ keeps it: base64 of a salt and the digest of salt and password. */
static json_t *password_hash(const char *password)
{
        size_t n = strlen(password);
        uint32_t salt = random_u32();
        unsigned char kept[sizeof salt + SHA256_BYTES];
        unsigned char *salted = malloc(sizeof salt + n);
        char text[64];

        if (!salted)
                return NULL;
        memcpy(salted, &salt, sizeof salt);
        memcpy(salted + sizeof salt, password, n);
        memcpy(kept, &salt, sizeof salt);
        sha256(salted, sizeof salt + n, kept + sizeof salt);
        explicit_bzero(salted, sizeof salt + n);
        free(salted);
        base64(kept, sizeof kept, text);
        return json_string(text);
}

struct document {
        const struct bus_settings *settings;
        const char *vhost;
        json_t *users, *permissions, *topic_permissions, *exchanges, *queues, *bindings, *policies;
        bool failed;
};

static void append(struct document *d, json_t *array, json_t *value)
{
        if (!value || json_array_append_new(array, value) != 0)
                d->failed = true;
}

static void add_exchange(struct document *d, const char *name)
{
        append(d, d->exchanges,
               json_pack("{s:s, s:s, s:s, s:b, s:b, s:b, s:{}}", "name", name, "vhost", d->vhost,
                         "type", "topic", "durable", declare_durable(d->settings), "auto_delete",
                         d->settings->amqp_auto_delete, "internal", 0, "arguments"));
}

static void bind(struct document *d, const char *source, const char *type, const char *destination,
                 const char *key)
{
        append(d, d->bindings,
               json_pack("{s:s, s:s, s:s, s:s, s:s, s:{}}", "source", source, "vhost", d->vhost,
                         "destination", destination, "destination_type", type, "routing_key", key,
                         "arguments"));
}

/* A site's agents are few programs with few connections; other users are bounded by the broker. */
static void add_login(struct document *d, const struct bus_user *user)
{
        json_t *limits = user->role == BUS_ROLE_SITE || user->role == BUS_ROLE_PEER
                                 ? json_pack("{s:i, s:i}", "max-connections", CONNECTIONS_MAX,
                                             "max-channels", CHANNELS_MAX)
                                 : json_object();

        append(d, d->users,
               json_pack("{s:s, s:o, s:s, s:s, s:o}", "name", user->name, "password_hash",
                         *user->password ? password_hash(user->password) : json_string(""),
                         "hashing_algorithm", "rabbit_password_hashing_sha256", "tags", "",
                         "limits", limits));
}

/* ---- peers ---- */

static void add_escaped(struct text *to, const char *name)
{
        for (; *name; name++)
                text_addf(to, *name == '.' ? "\\." : "%c", *name);
}

/* What an oslo.messaging server of its topics declares: the topic's queue and each server's, the
 * fanout's exchange and queues, the reply queues of its own calls; and its exchange. */
static json_t *peer_names(const struct bus_user *user)
{
        OWN(text_done) struct text t = { 0 };

        text_add(&t, "^(");
        add_escaped(&t, user->name);
        for (const char *const *topic = user->serves; *topic; topic++) {
                size_t n = strcspn(*topic, ".");

                text_add(&t, "|");
                if (!(*topic)[n]) {
                        text_addf(&t, "%1$s(\\..*)?|%1$s_fanout(_.*)?", *topic);
                        continue;
                }
                text_addf(&t, "%.*s|", (int)n, *topic); /* of one server of the topic */
                add_escaped(&t, *topic);
                text_addf(&t, "|%.*s_fanout(_.*)?", (int)n, *topic);
        }
        text_add(&t, "|reply_.*)$");
        return t.failed ? NULL : json_string(t.bytes);
}

/* Its programs declare and publish to an exchange of its name, so that ours is out of their reach;
 * what passes between the two is what the bindings say. */
static void add_peer(struct document *d, const struct bus_user *user)
{
        const char *ours = d->settings->control_exchange;

        append(d, d->permissions,
               json_pack("{s:s, s:s, s:o, s:o, s:o}", "user", user->name, "vhost", d->vhost,
                         "configure", peer_names(user), "write", peer_names(user), "read",
                         peer_names(user)));
        add_exchange(d, user->name);
        for (const char *const *key = user->sends; *key; key++)
                bind(d, user->name, "exchange", ours, *key);
        for (const char *const *topic = user->serves; *topic; topic++) {
                OWN(text_done) struct text servers = { 0 };

                bind(d, ours, "exchange", user->name, *topic);
                text_addf(&servers, "%s.*", *topic);
                if (servers.failed)
                        d->failed = true;
                else if (!strchr(*topic, '.'))
                        bind(d, ours, "exchange", user->name, servers.bytes);
        }
}

static void add_user(struct document *d, const struct bus_user *user)
{
        const struct rights *may = &rights[user->role];
        const char *exchange = d->settings->control_exchange;
        const char *site = user->site ? user->site : "";

        if (user->password)
                add_login(d, user);
        if (user->role == BUS_ROLE_PEER) {
                add_peer(d, user);
                return;
        }
        append(d, d->permissions,
               json_pack("{s:s, s:s, s:o, s:o, s:o}", "user", user->name, "vhost", d->vhost,
                         "configure", fill(may->configure, exchange, site), "write",
                         fill(may->write, exchange, site), "read",
                         fill(may->read, exchange, site)));
        append(d, d->topic_permissions,
               json_pack("{s:s, s:s, s:s, s:o, s:s}", "user", user->name, "vhost", d->vhost,
                         "exchange", exchange, "write", fill(may->topic_write, exchange, site),
                         "read", user->role == BUS_ROLE_CONDUCTOR ? ".*" : "^$"));
}

/* ---- queues ---- */

static void add_queue(struct document *d, const char *queue)
{
        json_int_t limit = d->settings->rabbit_quorum_delivery_limit;
        json_t *arguments = d->settings->rabbit_quorum_queue
                                    ? json_pack("{s:s}", "x-queue-type", "quorum")
                                    : json_object();

        if (d->settings->rabbit_quorum_queue && limit > 0 &&
            json_object_set_new(arguments, "x-delivery-limit", json_integer(limit)) != 0)
                d->failed = true;
        append(d, d->queues,
               json_pack("{s:s, s:s, s:b, s:b, s:o}", "name", queue, "vhost", d->vhost, "durable",
                         declare_durable(d->settings), "auto_delete", d->settings->amqp_auto_delete,
                         "arguments", arguments));
        bind(d, d->settings->control_exchange, "queue", queue, declare_key(queue));
}

/* What keeps one who floods from taking the broker's memory. Of heartbeats and dead letters the
 * oldest fall; what must not be lost is not taken, and its sender keeps it and tries again. Kept
 * apart from the queues' arguments, which an oslo.messaging peer would have to repeat. */
static const struct policy {
        const char *name, *pattern, *overflow;
        int most_messages, delivery_limit;
} policies[] = {
        /* clang-format off */
        { "atlas-dead",      "^" QUEUE_DEAD "$",                               "drop-head",      100000, 0 },
        { "atlas-heartbeat", "^" TOPIC_HEARTBEAT "$",                          "drop-head",      10000,  0 },
        { "atlas-work",      "^(" TOPIC_CONDUCTOR "|" TOPIC_EVENT ")$",        "reject-publish", 500000, DELIVERY_LIMIT },
        { "atlas-commands",  "^(" TOPIC_AGENT "|" TOPIC_WAN ")\\.",            "reject-publish", 100000, DELIVERY_LIMIT },
        /* clang-format on */
};

static void add_policy(struct document *d, const struct policy *p)
{
        json_t *what =
                json_pack("{s:i, s:s}", "max-length", p->most_messages, "overflow", p->overflow);

        if (d->settings->rabbit_quorum_queue && p->delivery_limit &&
            json_object_set_new(what, "delivery-limit", json_integer(p->delivery_limit)) != 0)
                d->failed = true;
        append(d, d->policies,
               json_pack("{s:s, s:s, s:s, s:s, s:i, s:o}", "name", p->name, "vhost", d->vhost,
                         "pattern", p->pattern, "apply-to", "queues", "priority", 0, "definition",
                         what));
}

static json_t *assemble(struct document *d)
{
        return json_pack("{s:[{s:s}], s:O, s:O, s:O, s:O, s:O, s:O, s:O}", "vhosts", "name",
                         d->vhost, "users", d->users, "permissions", d->permissions,
                         "topic_permissions", d->topic_permissions, "exchanges", d->exchanges,
                         "queues", d->queues, "bindings", d->bindings, "policies", d->policies);
}

int bus_definitions(const struct bus_settings *settings, const char *vhost,
                    const struct bus_user *users, size_t n_users, const char *const *sites,
                    struct text *ret)
{
        json_auto_t *a = json_array(), *b = json_array(), *c = json_array(), *q = json_array(),
                    *bindings = json_array(), *exchanges = json_array(), *policy = json_array(),
                    *all = NULL;
        struct document d = { .settings = settings,
                              .vhost = vhost,
                              .users = a,
                              .permissions = b,
                              .topic_permissions = c,
                              .queues = q,
                              .bindings = bindings,
                              .exchanges = exchanges,
                              .policies = policy };
        OWN(mem_free) char *text = NULL;

        add_exchange(&d, settings->control_exchange);
        for (size_t i = 0; i < n_users; i++)
                add_user(&d, &users[i]);
        for (size_t i = 0; i < sizeof policies / sizeof *policies; i++)
                add_policy(&d, &policies[i]);
        for (const char *const *queue = declare_queues; *queue; queue++)
                add_queue(&d, *queue);
        for (; sites && *sites; sites++) {
                char queue[256];

                snprintf(queue, sizeof queue, TOPIC_AGENT ".%s", *sites);
                add_queue(&d, queue);
        }
        all = assemble(&d);
        text = all && !d.failed ? json_dumps(all, JSON_INDENT(1)) : NULL;
        if (!text)
                return err_raise(-ENOMEM);
        text_add(ret, text);
        text_add(ret, "\n");
        return ret->failed ? err_raise(-ENOMEM) : 0;
}
