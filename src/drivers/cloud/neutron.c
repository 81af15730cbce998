/* SPDX-License-Identifier: Apache-2.0 */
/* Plugs an attachment into a Neutron network: a port bound to the gateway host, and the gateway's interface in that
 * host's integration bridge with the port's id. A step that fails is taken back in time that was set aside for it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "base/uuid.h"
#include "drivers/cloud/cloud_driver.h"
#include "drivers/cloud/host_session.h"
#include "drivers/cloud/neutron.h"
#include "drivers/cloud/neutron_api.h"
#include "drivers/cloud/neutron_port.h"
#include "openstack/pause.h"

enum {
        TAKE_BACK_MS = 10000,            /* at most, and a quarter of the caller's time */
        POLL_FIRST_MS = 250, POLL_LIMIT_MS = 2000,
        RETRY_MS = 5000,
        TRIES = 4,                       /* when a port changes under our hands */
};

struct neutron_settings {
        struct openstack_settings openstack;
        char *integration_bridge, *helper;
};
static const struct setting settings_table[] = {
        /* clang-format off */
        OPENSTACK_SETTINGS("neutron", struct neutron_settings, openstack),
        { "neutron", "integration_bridge", SETTING_TEXT, offsetof(struct neutron_settings, integration_bridge), "br-int", 0, 0,
          "Neutron's integration bridge on the gateway hosts" },
        { "neutron", "helper", SETTING_TEXT, offsetof(struct neutron_settings, helper), "atlas-gateway-helper", 0, 0,
          "Command on the gateway hosts that plugs interfaces" },
        { 0 },
        /* clang-format on */
};

struct cloud_handle {
        struct neutron_settings settings;
        struct neutron api;
        struct host_sessions *hosts;
};

/* One verb under way. */
struct work {
        struct cloud_handle *c;
        const struct plug_want *want;
        const struct cloud_spot *spot;
        int64_t deadline;
        json_t *port;                    /* the one that is or shall be plugged */
        bool asked;                      /* a port was asked for, whatever came back */
        bool changed;                    /* 'port' is made or taken by this verb */
        bool wired;                      /* the interface was given to the bridge by this verb */
};

static void work_done(struct work *w)
{
        json_decref(w->port);
}

static void own_work_done(struct work *w)
{
        work_done(w);
}

static void set_port(struct work *w, json_t *port) /* takes 'port' */
{
        json_decref(w->port);
        w->port = port;
}

static void neutron_close(struct cloud_handle *c)
{
        if (!c)
                return;
        host_sessions_free(c->hosts);
        openstack_session_free(c->api.session);
        config_done(settings_table, &c->settings);
        free(c);
}
static struct cloud_handle *handle_free(struct cloud_handle *c)
{
        neutron_close(c);
        return NULL;
}
OWN_DEFINE(struct cloud_handle *, handle_free)

static int neutron_open(const struct config_file *file, struct cloud_handle **ret,
                        struct fault *why)
{
        OWN(handle_free) struct cloud_handle *c = calloc(1, sizeof *c);
        int r = c ? config_apply(file, settings_table, NULL, &c->settings, why) :
                    err_raise(-ENOMEM);

        if (r == CONFIG_OK &&
            openstack_settings_check(&c->settings.openstack, "neutron", why) != OPENSTACK_SETTINGS_OK)
                r = CONFIG_BAD;
        if (r == CONFIG_OK)
                r = openstack_session_new(&c->settings.openstack, "network", &c->api.session);
        if (r == CONFIG_OK)
                r = host_sessions_new(&c->hosts);
        if (r)
                return r < 0 ? err_pass(r) : r;
        *ret = TAKE(c);
        return CONFIG_OK;
}

/* An answer of Neutron's calls as one of ours; GONE and CHANGED that nobody handled are failures. */
static int verdict(int r)
{
        if (r < 0)
                return err_pass(r);
        return r == NEUTRON_OK ? CLOUD_DONE : CLOUD_FAILED;
}

static int not_yours(struct fault *why)
{
        fault_set(why, 403, "cloud.not_yours",
                  "The network or port does not exist, or it is not of the link's project.");
        return CLOUD_FAILED;
}

/* ---- the gateway host ---- */

static int helper(struct work *w, json_t *request, int64_t deadline, struct fault *why) /* takes 'request' */
{
        json_auto_t *owned = request, *answer = NULL;
        int64_t left_ms = deadline - clock_mono_ms();
        int r;

        if (!request ||
            json_object_set_new(request, "timeout_ms", json_integer(left_ms > 1 ? left_ms : 1)) != 0)
                return err_raise(-ENOMEM);
        r = host_request(w->c->hosts, w->spot->host, w->c->settings.helper, owned, deadline,
                         &answer, why);
        if (r)
                return r < 0 ? err_pass(r) : CLOUD_FAILED;
        return CLOUD_DONE;
}

static int wire(struct work *w, const struct neutron_port *p, struct fault *why)
{
        if (!w->spot->host) {
                fault_set(why, 500, "cloud.no_host",
                          "Gateway %s names no host to plug at over SSH.", w->spot->gateway);
                return CLOUD_FAILED;
        }
        w->wired = true;
        return helper(w,
                      json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "verb", "plug", "interface",
                                w->spot->interface, "bridge", w->c->settings.integration_bridge,
                                "iface_id", p->id, "mac", p->mac, "attachment", w->want->id),
                      w->deadline, why);
}

static int unwire(struct work *w, int64_t deadline, struct fault *why)
{
        if (!w->spot->host)
                return CLOUD_DONE;
        return helper(w,
                      json_pack("{s:s, s:s, s:s, s:s}", "verb", "unplug", "interface",
                                w->spot->interface, "bridge", w->c->settings.integration_bridge,
                                "attachment", w->want->id),
                      deadline, why);
}

/* ---- ports ---- */

/* Adds port 'id' to the list unless it is there or exists no more. */
static int add_by_id(struct work *w, json_t *ports, const char *id, int64_t deadline,
                     struct fault *why)
{
        json_t *port;
        size_t i;
        int r;

        if (!id[0])
                return NEUTRON_OK;
        json_array_foreach(ports, i, port)
                if (text_equal(json_string_value(json_object_get(port, "id")), id))
                        return NEUTRON_OK;
        r = neutron_port_get(&w->c->api, id, deadline, &port, why);
        if (r == NEUTRON_OK && json_array_append_new(ports, port) != 0)
                return err_raise(-ENOMEM);
        return r == NEUTRON_GONE ? NEUTRON_OK : r;
}

/* Every port that can have to do with this attachment. */
static int ports_of(struct work *w, int64_t deadline, json_t **ret, struct fault *why)
{
        const char *const device_ids[] = { w->want->vif_id };
        json_auto_t *ports = NULL;
        int r = neutron_ports_by_device(&w->c->api, device_ids, 1, deadline, &ports, why);

        if (r == NEUTRON_OK)
                r = add_by_id(w, ports, w->want->port_id, deadline, why);
        if (r == NEUTRON_OK)
                r = add_by_id(w, ports, w->want->neutron_port_id, deadline, why);
        if (r)
                return verdict(r);
        *ret = TAKE(ports);
        return CLOUD_DONE;
}

/* The inverse of making or taking: deletes ours, gives a tenant's back. */
static int release(struct work *w, const json_t *port, int64_t deadline, struct fault *why)
{
        json_auto_t *current = json_incref((json_t *)(uintptr_t)port);
        int r = NEUTRON_CHANGED;

        for (int i = 0; i < TRIES && r == NEUTRON_CHANGED; i++) {
                json_auto_t *body = NULL, *after = NULL;
                struct neutron_port p;

                if (!neutron_port_read(current, &p) || !neutron_port_is_marked(&p, w->want->id))
                        return CLOUD_DONE; /* somebody has taken our mark away: it is not ours any more */
                if (neutron_port_is_made(&p))
                        return verdict(neutron_port_delete(&w->c->api, p.id, deadline, why));
                body = neutron_port_give_back(&p);
                if (!body)
                        return err_raise(-ENOMEM);
                r = neutron_port_put(&w->c->api, p.id, p.revision, body, deadline, &after, why);
                if (r == NEUTRON_CHANGED) {
                        json_t *fresh = NULL;
                        int got = neutron_port_get(&w->c->api, p.id, deadline, &fresh, why);

                        if (got)
                                return got == NEUTRON_GONE ? CLOUD_DONE : verdict(got);
                        json_decref(current);
                        current = fresh;
                }
        }
        return r == NEUTRON_GONE ? CLOUD_DONE : verdict(r);
}

/* Releases every port with our mark but 'keep' (NULL: none is kept). All are tried; the first failure is told. */
static int release_all(struct work *w, const json_t *ports, const char *keep, int64_t deadline,
                       struct fault *why)
{
        int ret = CLOUD_DONE;
        size_t i;
        json_t *port;

        json_array_foreach(ports, i, port) {
                struct fault this = { 0 };
                const char *id = json_string_value(json_object_get(port, "id"));
                int r = text_equal(id, keep) ? CLOUD_DONE : release(w, port, deadline, &this);

                if (r < 0)
                        return err_pass(r);
                if (r && !ret) {
                        ret = r;
                        *why = this;
                }
        }
        return ret;
}

/* Of two ports that would do: marked ones first, then the older, then by id, so that all choose alike. */
static bool better(const struct neutron_port *a, const struct neutron_port *b, const char *mark)
{
        bool a_marked = neutron_port_is_marked(a, mark), b_marked = neutron_port_is_marked(b, mark);
        int order = strcmp(a->created_at, b->created_at);

        if (a_marked != b_marked)
                return a_marked;
        return order ? order < 0 : strcmp(a->id, b->id) < 0;
}

/* The port to plug, lent by 'ports': the one the tenant named; else the best one in the wanted network with our
 * VIF-ID; or NULL when one has to be made. */
static json_t *choose(const struct work *w, const json_t *ports)
{
        struct neutron_port p, best_port;
        json_t *port, *best = NULL;
        size_t i;

        json_array_foreach(ports, i, port) {
                if (!neutron_port_read(port, &p))
                        continue;
                if (w->want->port_id[0]) {
                        if (text_equal(p.id, w->want->port_id))
                                return port;
                        continue;
                }
                if (!text_equal(p.network_id, w->want->network_id) ||
                    !text_equal(p.project_id, w->want->project_id) ||
                    (!neutron_port_is_marked(&p, w->want->id) &&
                     (p.mark || !text_equal(p.device_id, w->want->vif_id))))
                        continue;
                if (!best || better(&p, &best_port, w->want->id)) {
                        best = port;
                        best_port = p;
                }
        }
        return best;
}

/* ---- what may be plugged ---- */

static int check_network(struct work *w, const char *id, struct fault *why)
{
        json_auto_t *network = NULL;
        const char *project;
        int64_t mtu;
        int r = neutron_network_get(&w->c->api, id, w->deadline, &network, why);

        if (r == NEUTRON_GONE)
                return not_yours(why);
        if (r)
                return verdict(r);
        project = json_string_value(json_object_get(network, "project_id"));
        if (!project)
                project = json_string_value(json_object_get(network, "tenant_id"));
        if (!project || !text_equal(project, w->want->project_id))
                return not_yours(why);
        mtu = json_integer_value(json_object_get(network, "mtu"));
        if (mtu > w->want->mtu) {
                fault_set(why, 409, "cloud.mtu",
                          "The network's MTU is %lld, but the link carries at most %lld: use a "
                          "network with an MTU that is not larger.",
                          (long long)mtu, (long long)w->want->mtu);
                fault_details(why, "{\"network_mtu\": %lld, \"link_mtu\": %lld}", (long long)mtu,
                              (long long)w->want->mtu);
                return CLOUD_FAILED;
        }
        return CLOUD_DONE;
}

/* A tenant's port is taken only when nothing else uses it, or when its owner gave it our VIF-ID. */
static int check_port(const struct work *w, const struct neutron_port *p, struct fault *why)
{
        bool named = text_equal(p->device_id, w->want->vif_id);

        if (!text_equal(p->project_id, w->want->project_id))
                return not_yours(why);
        if ((p->mark && !neutron_port_is_marked(p, w->want->id)) ||
            (!p->mark && !named && (p->device_id[0] || p->device_owner[0]))) {
                fault_set(why, 409, "cloud.port_in_use",
                          "Port %s is used by something else: name one without a device_id.", p->id);
                return CLOUD_FAILED;
        }
        if (!p->admin_state_up) {
                fault_set(why, 409, "cloud.port_down",
                          "Port %s has admin_state_up false: set it to true and try again.", p->id);
                return CLOUD_FAILED;
        }
        return CLOUD_DONE;
}

/* ---- having a port ---- */

/* After making: of several agents that made one at once, all keep the same. */
static int settle(struct work *w, struct fault *why)
{
        json_auto_t *ports = NULL;
        const char *made = json_string_value(json_object_get(w->port, "id"));
        json_t *best;
        int r = ports_of(w, w->deadline, &ports, why);

        if (r)
                return r;
        best = choose(w, ports);
        if (!best) {
                fault_set(why, 503, "cloud.port_gone", "The port was deleted while it was plugged.");
                why->retry_after_ms = RETRY_MS;
                return CLOUD_FAILED;
        }
        w->changed = w->changed && text_equal(json_string_value(json_object_get(best, "id")), made);
        r = release_all(w, ports, json_string_value(json_object_get(best, "id")), w->deadline, why);
        set_port(w, json_incref(best));
        return r;
}

static int make(struct work *w, struct fault *why)
{
        json_auto_t *body = NULL, *port = NULL, *ports = NULL;
        bool port_security = false;
        int r = neutron_has_port_security(&w->c->api, w->deadline, &port_security, why);

        if (r)
                return verdict(r);
        body = neutron_port_make(w->want, w->spot->agent_host, port_security);
        if (!body)
                return err_raise(-ENOMEM);
        w->asked = true;
        r = neutron_port_post(&w->c->api, body, w->deadline, &port, why);
        if (r < 0)
                return err_pass(r);
        if (r == NEUTRON_OK) {
                w->changed = true;
                set_port(w, TAKE(port));
                return settle(w, why);
        }
        /* A refusal or silence does not prove that there is no port. */
        if (r != NEUTRON_GONE) {
                struct fault unused;
                json_t *found;

                if (ports_of(w, w->deadline, &ports, &unused) == CLOUD_DONE &&
                    (found = choose(w, ports)) != NULL) {
                        w->changed = true;
                        set_port(w, json_incref(found));
                        return CLOUD_DONE;
                }
        }
        return r == NEUTRON_GONE ? not_yours(why) : verdict(r);
}

/* Writes our fields over a port that lacks some; one that changes meanwhile is checked again. */
static int take(struct work *w, struct fault *why)
{
        int r = NEUTRON_CHANGED;

        for (int i = 0; i < TRIES && r == NEUTRON_CHANGED; i++) {
                json_auto_t *body = NULL, *fresh = NULL;
                struct neutron_port p;

                if (i > 0) {
                        r = neutron_port_get(&w->c->api,
                                             json_string_value(json_object_get(w->port, "id")),
                                             w->deadline, &fresh, why);
                        if (r)
                                return r == NEUTRON_GONE ? not_yours(why) : verdict(r);
                        set_port(w, TAKE(fresh));
                }
                if (!neutron_port_read(w->port, &p))
                        return not_yours(why);
                r = check_port(w, &p, why);
                if (r || neutron_port_is_ready(&p, w->want, w->spot->agent_host))
                        return r;
                body = neutron_port_take(&p, w->want, w->spot->agent_host);
                if (!body)
                        return err_raise(-ENOMEM);
                w->changed = w->changed || !p.mark;
                r = neutron_port_put(&w->c->api, p.id, p.revision, body, w->deadline, &fresh, why);
                if (r == NEUTRON_OK)
                        set_port(w, TAKE(fresh));
        }
        return r == NEUTRON_GONE ? not_yours(why) : verdict(r);
}

static int have_port(struct work *w, struct fault *why)
{
        json_auto_t *ports = NULL;
        struct neutron_port p = { 0 };
        json_t *chosen;
        int r = ports_of(w, w->deadline, &ports, why);

        if (r)
                return r;
        chosen = choose(w, ports);
        if (chosen && !neutron_port_read(chosen, &p))
                chosen = NULL;
        if (!chosen && w->want->port_id[0])
                return not_yours(why);
        r = chosen ? check_port(w, &p, why) : CLOUD_DONE;
        if (r == CLOUD_DONE)
                r = check_network(w, chosen ? p.network_id : w->want->network_id, why);
        if (r == CLOUD_DONE)
                r = release_all(w, ports, chosen ? p.id : NULL, w->deadline, why);
        if (r)
                return r;
        if (!chosen)
                return make(w, why);
        set_port(w, json_incref(chosen));
        return take(w, why);
}

/* ---- until it carries traffic ---- */

static int check_bound(const struct work *w, const struct neutron_port *p, struct fault *why)
{
        if (!p->vif_type[0]) {
                fault_set(why, 500, "cloud.not_admin",
                          "Neutron does not show port bindings to this site's service user: it "
                          "needs the role admin.");
                return CLOUD_FAILED;
        }
        if (!neutron_port_is_marked(p, w->want->id)) {
                fault_set(why, 500, "cloud.no_profile",
                          "Neutron does not keep the binding:profile of port %s.", p->id);
                return CLOUD_FAILED;
        }
        if (text_equal(p->vif_type, "binding_failed") || text_equal(p->vif_type, "unbound")) {
                fault_set(why, 503, "cloud.binding_failed",
                          "Neutron cannot bind port %s to host %s (%s): its agent there does not "
                          "run or does not serve this network.",
                          p->id, w->spot->agent_host, p->vif_type);
                why->retry_after_ms = RETRY_MS;
                return CLOUD_FAILED;
        }
        return CLOUD_DONE;
}

/* Neutron offers no event to wait for. */
static int wait_active(struct work *w, const char *id, struct fault *why)
{
        for (int64_t ms = POLL_FIRST_MS;; ms = ms * 3 / 2 < POLL_LIMIT_MS ? ms * 3 / 2 : POLL_LIMIT_MS) {
                json_auto_t *port = NULL;
                const char *status;
                int r = neutron_port_get(&w->c->api, id, w->deadline, &port, why);

                if (r == NEUTRON_GONE) {
                        fault_set(why, 503, "cloud.port_gone",
                                  "Port %s was deleted while it was plugged.", id);
                        why->retry_after_ms = RETRY_MS;
                        return CLOUD_FAILED;
                }
                if (r)
                        return verdict(r);
                status = json_string_value(json_object_get(port, "status"));
                if (text_equal(status, "ACTIVE"))
                        return CLOUD_DONE;
                if (!pause_ms(ms, w->deadline)) {
                        fault_set(why, 503, "cloud.port_not_active",
                                  "Port %s stays %s: Neutron's agent on host %s did not wire it "
                                  "in time.",
                                  id, status ? status : "without status", w->spot->agent_host);
                        why->retry_after_ms = RETRY_MS;
                        return CLOUD_FAILED;
                }
        }
}

/* Undoes what this verb did and nothing older. Its own failures are left to the unplug that follows. */
static int take_back(struct work *w, int64_t deadline)
{
        struct fault unused;
        json_auto_t *ports = NULL;
        int r = CLOUD_DONE;

        if (!w->asked && !w->changed)
                return 0;
        if (w->wired && w->changed)
                r = unwire(w, deadline, &unused);
        if (r >= 0 && w->port && w->changed) {
                json_auto_t *fresh = NULL; /* with the revision and the mark that it has now */

                r = neutron_port_get(&w->c->api, json_string_value(json_object_get(w->port, "id")),
                                     deadline, &fresh, &unused);
                if (r == NEUTRON_OK)
                        r = release(w, fresh, deadline, &unused);
        } else if (r >= 0 && !w->port) {
                r = ports_of(w, deadline, &ports, &unused);
                if (r == CLOUD_DONE)
                        r = release_all(w, ports, NULL, deadline, &unused);
        }
        return r < 0 ? err_pass(r) : 0;
}

static int neutron_plug(struct cloud_handle *c, const struct plug_want *want,
                        const struct cloud_spot *spot, int64_t deadline_mono_ms,
                        struct plug_result *ret, struct fault *why)
{
        int64_t aside = (deadline_mono_ms - clock_mono_ms()) / 4;
        OWN(work_done) struct work w = { .c = c, .want = want, .spot = spot };
        struct neutron_port p = { 0 };
        int r, back;

        w.deadline = deadline_mono_ms - (aside < TAKE_BACK_MS ? aside : TAKE_BACK_MS);
        r = have_port(&w, why);
        if (r == CLOUD_DONE && !neutron_port_read(w.port, &p)) {
                fault_set(why, 502, "cloud.bad_answer", "Neutron's answer is not a port.");
                r = CLOUD_FAILED;
        }
        if (r == CLOUD_DONE)
                r = check_bound(&w, &p, why);
        if (r == CLOUD_DONE)
                r = wire(&w, &p, why);
        if (r == CLOUD_DONE)
                r = wait_active(&w, p.id, why);
        if (r == CLOUD_DONE) {
                TEXT_SET(ret->network_id, p.network_id);
                TEXT_SET(ret->neutron_port_id, p.id);
                return CLOUD_DONE;
        }
        back = r > 0 ? take_back(&w, deadline_mono_ms) : 0;
        return r < 0 || back < 0 ? err_pass(r < 0 ? r : back) : r;
}

/* The interface first; but a gateway that cannot be reached does not keep the tenant's network. */
static int neutron_unplug(struct cloud_handle *c, const struct plug_want *want,
                          const struct cloud_spot *spot, int64_t deadline_mono_ms,
                          struct fault *why)
{
        OWN(work_done) struct work w = {
                .c = c, .want = want, .spot = spot, .deadline = deadline_mono_ms
        };
        json_auto_t *ports = NULL;
        struct fault of_ports = { 0 };
        int64_t half = (deadline_mono_ms - clock_mono_ms()) / 2;
        int wired = unwire(&w, deadline_mono_ms - half, why), r;

        if (wired < 0)
                return err_pass(wired);
        r = ports_of(&w, deadline_mono_ms, &ports, &of_ports);
        if (r == CLOUD_DONE)
                r = release_all(&w, ports, NULL, deadline_mono_ms, &of_ports);
        if (r < 0)
                return err_pass(r);
        if (wired == CLOUD_DONE && r)
                *why = of_ports;
        return wired ? wired : r;
}

static int neutron_find(struct cloud_handle *c, const char *const *vif_ids, size_t n,
                        int64_t deadline_mono_ms, struct cloud_found **ret, size_t *ret_n,
                        struct fault *why)
{
        json_auto_t *ports = NULL;
        struct cloud_found *found;
        size_t i, n_found = 0;
        json_t *port;
        int r = neutron_ports_by_device(&c->api, vif_ids, n, deadline_mono_ms, &ports, why);

        if (r)
                return verdict(r);
        found = calloc(json_array_size(ports) + 1, sizeof *found);
        if (!found)
                return err_raise(-ENOMEM);
        json_array_foreach(ports, i, port) {
                struct cloud_found *f = &found[n_found];
                struct neutron_port p;

                if (!neutron_port_read(port, &p) ||
                    !TEXT_SET(f->vif_id, p.device_id) || !TEXT_SET(f->project_id, p.project_id))
                        continue;
                f->made = neutron_port_is_made(&p);
                TEXT_SET(f->port_id, p.id);
                TEXT_SET(f->network_id, p.network_id);
                n_found++;
        }
        *ret = found;
        *ret_n = n_found;
        return CLOUD_DONE;
}

const struct cloud_driver cloud_neutron = {
        .name = "neutron",
        .settings = settings_table,
        .open = neutron_open,
        .close = neutron_close,
        .plug = neutron_plug,
        .unplug = neutron_unplug,
        .find = neutron_find,
};
