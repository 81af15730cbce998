/* SPDX-License-Identifier: Apache-2.0 */
/* The fake cloud driver. Threads share one cloud under its mutex; latency and hanging are waited out
 * outside it. */
#include "drivers/cloud/fake.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/map.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/fields.h"
#include "model/vif_id.h"

struct settings {
        char *state_file, *control_file;
        int64_t latency_ms;
};
struct plug {                   /* what one attachment is plugged into */
        char id[ID_SIZE], vpn_id[ID_SIZE];
        char network_id[ID_SIZE], neutron_port_id[ID_SIZE];
};
struct cloud {
        pthread_mutex_t mutex;
        int n_handles;
        struct settings settings;
        bool real_time;
        struct control_file control_file;
        struct injection injection;
        json_t *world;          /* the last control document, owned; NULL: none */
        struct map plugs;       /* by attachment id: struct plug, owned */
        int64_t violations;
};
struct cloud_handle {
        struct cloud *cloud;
};

/* clang-format off */
static const struct setting fake_settings[] = {
        { "cloud", "state_file", SETTING_TEXT, offsetof(struct settings, state_file), "", 0, 0,
          "fake: file that remembers what is plugged, for several agents and restarts" },
        { "cloud", "control_file", SETTING_TEXT, offsetof(struct settings, control_file), "", 0, 0,
          "fake: JSON file that names networks and ports, and tells the cloud to fail" },
        { "cloud", "latency_ms", SETTING_INT, offsetof(struct settings, latency_ms), "0", 0, 600000,
          "fake: milliseconds before each verb" },
        { 0 },
};
static const struct field plug_fields[] = {
        FIELD(struct plug, id, FIELD_ID, JSON_REQUIRED),
        FIELD(struct plug, vpn_id, FIELD_ID, JSON_REQUIRED),
        FIELD(struct plug, network_id, FIELD_ID, JSON_REQUIRED),
        FIELD(struct plug, neutron_port_id, FIELD_ID, JSON_REQUIRED),
        { 0 },
};
/* clang-format on */

/* The one cloud of this process's file, while handles are open. */
static pthread_mutex_t shared_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct cloud *shared;

/* ---- life ---- */

static void forget_plugs(struct cloud *c)
{
        size_t at = 0;
        void *plug;

        while ((plug = map_next(&c->plugs, &at, NULL)))
                free(plug);
        map_done(&c->plugs);
        c->plugs = (struct map){ 0 };
}

static struct cloud *cloud_free(struct cloud *c)
{
        if (!c)
                return NULL;
        forget_plugs(c);
        json_decref(c->world);
        config_done(fake_settings, &c->settings);
        pthread_mutex_destroy(&c->mutex);
        free(c);
        return NULL;
}
OWN_DEFINE(struct cloud *, cloud_free)

static int cloud_new(const struct config_file *file, struct cloud **ret, struct fault *why)
{
        OWN(cloud_free) struct cloud *c = calloc(1, sizeof *c);
        int r = c ? 0 : err_raise(-ENOMEM);

        if (r != 0)
                return r;
        pthread_mutex_init(&c->mutex, NULL);
        r = config_apply(file, fake_settings, NULL, &c->settings, why);
        if (r != 0)
                return r;
        c->control_file.path = c->settings.control_file;
        c->injection.latency_ms = c->settings.latency_ms;
        *ret = TAKE(c);
        return 0;
}

static int handle_new(struct cloud *c, struct cloud_handle **ret)
{
        struct cloud_handle *h = calloc(1, sizeof *h);

        if (!h)
                return err_raise(-ENOMEM);
        h->cloud = c;
        c->n_handles++;
        *ret = h;
        return 0;
}

static int fake_open(const struct config_file *file, struct cloud_handle **ret, struct fault *why)
{
        int r = 0;

        pthread_mutex_lock(&shared_mutex);
        if (!shared)
                r = cloud_new(file, &shared, why);
        if (r == 0) {
                shared->real_time = true;
                r = handle_new(shared, ret);
        }
        pthread_mutex_unlock(&shared_mutex);
        return r;
}

static void fake_close(struct cloud_handle *h)
{
        if (!h)
                return;
        pthread_mutex_lock(&shared_mutex);
        if (--h->cloud->n_handles == 0) {
                if (h->cloud == shared)
                        shared = NULL;
                cloud_free(h->cloud);
        }
        pthread_mutex_unlock(&shared_mutex);
        free(h);
}

int fake_cloud_new(bool real_time, struct cloud_handle **ret)
{
        OWN(cloud_free) struct cloud *c = NULL;
        int r = cloud_new(NULL, &c, NULL);

        if (r != 0)
                return r;
        c->real_time = real_time;
        r = handle_new(c, ret);
        if (r != 0)
                return r;
        TAKE(c);
        return 0;
}

/* ---- what it is told ---- */

static int control_locked(struct cloud *c, const json_t *doc, struct fault *why)
{
        struct injection injection;
        int r = injection_from_json(doc, &injection, why);

        if (r != 0)
                return r;
        if (!json_object_get(doc, "latency_ms"))
                injection.latency_ms = c->settings.latency_ms;
        c->injection = injection;
        json_decref(c->world);
        c->world = json_deep_copy(doc);
        return c->world ? 0 : err_raise(-ENOMEM);
}

int fake_cloud_control(struct cloud_handle *h, const json_t *doc, struct fault *why)
{
        int r;

        pthread_mutex_lock(&h->cloud->mutex);
        r = control_locked(h->cloud, doc, why);
        pthread_mutex_unlock(&h->cloud->mutex);
        return r;
}

static void internal_error(struct fault *why, int r)
{
        fault_set(why, 500, "cloud.error", "The fake cloud failed: %s.", strerror(-r));
}

/* Obeys the control file and waits; false with 'why' when the verb ends here. */
static bool enter(struct cloud *c, int64_t deadline_mono_ms, struct injection *ret,
                  struct fault *why)
{
        json_auto_t *doc = NULL;
        int r;

        pthread_mutex_lock(&c->mutex);
        r = control_file_read(&c->control_file, &doc, why);
        if (r == 0 && doc)
                r = control_locked(c, doc, why);
        *ret = c->injection;
        pthread_mutex_unlock(&c->mutex);
        if (r < 0)
                internal_error(why, r);
        return r == 0 && injection_enter(ret, "cloud", c->real_time, deadline_mono_ms, why);
}

/* ---- memory ---- */

static int remember(struct cloud *c, const struct plug *plug)
{
        struct plug *known = map_get(&c->plugs, plug->id);
        struct plug *p = known ? known : calloc(1, sizeof *p);

        if (!p)
                return err_raise(-ENOMEM);
        *p = *plug;
        if (!known && map_set(&c->plugs, p->id, p) != 0) {
                free(p);
                return err_raise(-ENOMEM);
        }
        return 0;
}

static int plugs_from_json(struct cloud *c, const json_t *doc)
{
        const json_t *item;
        size_t i;

        forget_plugs(c);
        json_array_foreach(json_object_get(doc, "plugs"), i, item) {
                struct plug p = { 0 };
                int r = fields_read(item, plug_fields, &p, NULL) ? remember(c, &p) : -EBADMSG;

                if (r != 0)
                        return err_raise(r);
        }
        return 0;
}

static json_t *plugs_to_json(const struct cloud *c)
{
        json_auto_t *list = json_array();
        const struct plug *p;
        size_t at = 0;

        while ((p = map_next(&c->plugs, &at, NULL))) {
                json_t *item = json_object();

                if (fields_write(item, plug_fields, p) != 0 ||
                    json_array_append_new(list, item) != 0)
                        return NULL;
        }
        return json_pack("{sO}", "plugs", list);
}

/* Takes the mutex and, with a file, its lock; on success memory_unlock() must follow. */
static int memory_lock(struct cloud *c, int *ret_fd)
{
        json_auto_t *doc = NULL;
        int r = 0;

        *ret_fd = -1;
        pthread_mutex_lock(&c->mutex);
        if (*c->settings.state_file) {
                r = state_file_lock(c->settings.state_file, ret_fd);
                r = r ? r : state_file_load(c->settings.state_file, &doc);
                r = r ? r : plugs_from_json(c, doc);
        }
        if (r != 0) {
                state_file_unlock(*ret_fd);
                pthread_mutex_unlock(&c->mutex);
        }
        return r;
}

static void memory_unlock(struct cloud *c, int fd)
{
        state_file_unlock(fd);
        pthread_mutex_unlock(&c->mutex);
}

static int memory_store(struct cloud *c)
{
        json_auto_t *doc = NULL;

        if (!*c->settings.state_file)
                return 0;
        doc = plugs_to_json(c);
        return doc ? state_file_store(c->settings.state_file, doc) : err_raise(-ENOMEM);
}

/* ---- plugging ---- */

/* The text at world.<group>.<id>[.<key>], or NULL. Lent. */
static const char *world_text(const struct cloud *c, const char *group, const char *id,
                              const char *key)
{
        const json_t *found = json_object_get(json_object_get(c->world, group), id);

        return json_string_value(key ? json_object_get(found, key) : found);
}

static int not_yours(struct fault *why)
{
        fault_set(why, 403, "cloud.not_yours",
                  "There is no such network or port in the link's project at this site.");
        return CLOUD_FAILED;
}

/* The network meant, checked to be the project's. */
static int find_network(const struct cloud *c, const struct plug_want *want, char ret[ID_SIZE],
                        struct fault *why)
{
        const char *of_port = world_text(c, "ports", want->port_id, "network_id");
        const char *network = !*want->port_id ? want->network_id : of_port ? of_port : want->port_id;
        const char *owner = *want->port_id ? world_text(c, "ports", want->port_id, "project_id") :
                                             world_text(c, "networks", network, NULL);
        const json_t *mtu = json_object_get(json_object_get(c->world, "mtus"), network);

        if (owner && strcmp(owner, want->project_id) != 0)
                return not_yours(why);
        if (json_integer_value(mtu) > want->mtu) {
                fault_set(why, 409, "cloud.mtu",
                          "The network's MTU is %lld, but the link carries only %" PRId64 ".",
                          (long long)json_integer_value(mtu), want->mtu);
                return CLOUD_FAILED;
        }
        text_copy(ret, ID_SIZE, network);
        return CLOUD_DONE;
}

/* The same port for the same attachment and network, whoever asks. */
static void name_port(const char *vif_id, const char *network, char ret[ID_SIZE])
{
        uint64_t high = digest_text(vif_id), low = high ^ digest_text(network);

        snprintf(ret, ID_SIZE, "%08" PRIx64 "-%04" PRIx64 "-4%03" PRIx64 "-8%03" PRIx64 "-%012" PRIx64,
                 high >> 32, high >> 16 & 0xffff, high & 0xfff, low >> 48 & 0xfff,
                 low & 0xffffffffffff);
}

static void count_shared_network(struct cloud *c, const struct plug *plug)
{
        const struct plug *p;
        size_t at = 0;

        while ((p = map_next(&c->plugs, &at, NULL)))
                if (strcmp(p->network_id, plug->network_id) == 0 &&
                    strcmp(p->id, plug->id) != 0 && strcmp(p->vpn_id, plug->vpn_id) != 0) {
                        c->violations++;
                        return;
                }
}

static int plug_locked(struct cloud *c, const struct plug_want *want, const struct injection *told,
                       struct plug *ret, struct fault *why)
{
        const char *refused = injection_refuses(told, want->id);
        int r;

        if (refused) {
                fault_set(why, 409, "cloud.refused", "%s", refused);
                return CLOUD_FAILED;
        }
        TEXT_SET(ret->id, want->id);
        TEXT_SET(ret->vpn_id, want->vpn_id);
        r = find_network(c, want, ret->network_id, why);
        if (r != CLOUD_DONE)
                return r;
        if (*want->port_id)
                TEXT_SET(ret->neutron_port_id, want->port_id);
        else
                name_port(want->vif_id, ret->network_id, ret->neutron_port_id);
        if (told->lie)
                return CLOUD_DONE;
        count_shared_network(c, ret);
        r = remember(c, ret);
        return r ? r : memory_store(c);
}

static int broke_half_way(struct fault *why)
{
        fault_set(why, 503, "cloud.unreachable", "The session to the fake cloud broke half way.");
        if (why)
                why->retry_after_ms = 1000;
        return CLOUD_FAILED;
}

static int fake_plug(struct cloud_handle *h, const struct plug_want *want,
                     const struct cloud_spot *spot, int64_t deadline_mono_ms,
                     struct plug_result *ret, struct fault *why)
{
        struct injection told;
        struct plug plug = { 0 };
        int fd, r;

        (void)spot;
        if (!enter(h->cloud, deadline_mono_ms, &told, why))
                return CLOUD_FAILED;
        r = memory_lock(h->cloud, &fd);
        if (r == 0) {
                r = plug_locked(h->cloud, want, &told, &plug, why);
                memory_unlock(h->cloud, fd);
        }
        if (r < 0) {
                internal_error(why, r);
                return CLOUD_FAILED;
        }
        if (r != CLOUD_DONE)
                return r;
        if (told.half)
                return broke_half_way(why);
        TEXT_SET(ret->network_id, plug.network_id);
        TEXT_SET(ret->neutron_port_id, plug.neutron_port_id);
        return CLOUD_DONE;
}

static int unplug_locked(struct cloud *c, const struct plug_want *want,
                         const struct injection *told, struct fault *why)
{
        const char *refused = injection_refuses(told, want->id);

        if (refused) {
                fault_set(why, 409, "cloud.refused", "%s", refused);
                return CLOUD_FAILED;
        }
        if (told->lie)
                return CLOUD_DONE;
        free(map_remove(&c->plugs, want->id));
        return memory_store(c);
}

static int fake_unplug(struct cloud_handle *h, const struct plug_want *want,
                       const struct cloud_spot *spot, int64_t deadline_mono_ms, struct fault *why)
{
        struct injection told;
        int fd, r;

        (void)spot;
        if (!enter(h->cloud, deadline_mono_ms, &told, why))
                return CLOUD_FAILED;
        r = memory_lock(h->cloud, &fd);
        if (r == 0) {
                r = unplug_locked(h->cloud, want, &told, why);
                memory_unlock(h->cloud, fd);
        }
        if (r < 0) {
                internal_error(why, r);
                return CLOUD_FAILED;
        }
        return r == CLOUD_DONE && told.half ? broke_half_way(why) : r;
}

/* What is plugged under the VIF-ID, a tenant's own port or not. */
static bool find_plugged(struct cloud *c, const char *vif_id, struct cloud_found *ret)
{
        const struct plug *plug;
        struct vif_id parsed;

        plug = vif_id_parse(vif_id, &parsed) ? map_get(&c->plugs, parsed.attachment_id) : NULL;
        if (!plug)
                return false;
        ret->made = true;
        TEXT_SET(ret->vif_id, vif_id);
        TEXT_SET(ret->port_id, plug->neutron_port_id);
        TEXT_SET(ret->network_id, plug->network_id);
        return true;
}

static void find_locked(struct cloud *c, const char *const *vif_ids, size_t n,
                        struct cloud_found *ret, size_t *ret_n)
{
        json_t *ports = json_object_get(c->world, "ports"), *port;
        const char *id;
        size_t n_found = 0;

        for (size_t i = 0; i < n; i++)
                n_found += find_plugged(c, vif_ids[i], &ret[n_found]);

        json_object_foreach(ports, id, port) {
                const char *device = json_string_value(json_object_get(port, "device_id"));

                for (size_t i = 0; device && i < n; i++) {
                        struct cloud_found *f = &ret[n_found];

                        if (strcmp(device, vif_ids[i]) != 0)
                                continue;
                        TEXT_SET(f->vif_id, device);
                        TEXT_SET(f->port_id, id);
                        TEXT_SET(f->network_id, world_text(c, "ports", id, "network_id"));
                        TEXT_SET(f->project_id, world_text(c, "ports", id, "project_id"));
                        n_found++;
                        break;
                }
        }
        *ret_n = n_found;
}

static int fake_find(struct cloud_handle *h, const char *const *vif_ids, size_t n,
                     int64_t deadline_mono_ms, struct cloud_found **ret, size_t *ret_n,
                     struct fault *why)
{
        struct cloud *c = h->cloud;
        struct injection told;
        struct cloud_found *found;
        int fd, r;

        if (!enter(c, deadline_mono_ms, &told, why))
                return CLOUD_FAILED;
        r = memory_lock(c, &fd);
        if (r < 0) {
                internal_error(why, r);
                return CLOUD_FAILED;
        }
        found = calloc(json_object_size(json_object_get(c->world, "ports")) + n + 1, sizeof *found);
        if (found)
                find_locked(c, vif_ids, n, found, ret_n);
        memory_unlock(c, fd);
        *ret = found;
        return found ? CLOUD_DONE : err_raise(-ENOMEM);
}

const struct cloud_driver cloud_fake = {
        .name = "fake",
        .settings = fake_settings,
        .open = fake_open,
        .close = fake_close,
        .plug = fake_plug,
        .unplug = fake_unplug,
        .find = fake_find,
};

/* ---- for tests and the simulation ---- */

void fake_cloud_lose(struct cloud_handle *h, const char *attachment_id)
{
        pthread_mutex_lock(&h->cloud->mutex);
        free(map_remove(&h->cloud->plugs, attachment_id));
        pthread_mutex_unlock(&h->cloud->mutex);
}

size_t fake_cloud_count(struct cloud_handle *h)
{
        size_t n;

        pthread_mutex_lock(&h->cloud->mutex);
        n = h->cloud->plugs.n;
        pthread_mutex_unlock(&h->cloud->mutex);
        return n;
}

bool fake_cloud_plugged(struct cloud_handle *h, const char *attachment_id, char ret_network[ID_SIZE])
{
        const struct plug *p;

        pthread_mutex_lock(&h->cloud->mutex);
        p = map_get(&h->cloud->plugs, attachment_id);
        if (p)
                text_copy(ret_network, ID_SIZE, p->network_id);
        pthread_mutex_unlock(&h->cloud->mutex);
        return p != NULL;
}

int64_t fake_cloud_violations(struct cloud_handle *h)
{
        int64_t n;

        pthread_mutex_lock(&h->cloud->mutex);
        n = h->cloud->violations;
        pthread_mutex_unlock(&h->cloud->mutex);
        return n;
}
