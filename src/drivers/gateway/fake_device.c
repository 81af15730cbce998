/* SPDX-License-Identifier: Apache-2.0 */
/* The pretended device: what it holds, what it never lets happen, and its file form. */
#include "drivers/gateway/fake_device.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/own.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/json.h"

void fake_device_init(struct fake_device *d, const char *boot_id)
{
        char fresh[UUID_TEXT];

        uuid_new(fresh);
        *d = (struct fake_device){ 0 };
        TEXT_SET(d->boot_id, boot_id ? boot_id : fresh);
}

static void free_values(struct map *m)
{
        size_t at = 0;
        void *value;

        while ((value = map_next(m, &at, NULL)))
                free(value);
        map_done(m);
}

void fake_device_done(struct fake_device *d)
{
        map_done(&d->labels);
        map_done(&d->tags);
        free_values(&d->ports);
        free_values(&d->attachments);
        *d = (struct fake_device){ 0 };
}

static void port_remove(struct fake_device *d, const char *id)
{
        OWN(mem_free) struct fake_port *p = map_remove(&d->ports, id);

        if (!p)
                return;
        map_remove(&d->labels, p->label);
        d->tx_kbps -= p->want.tx_kbps;
        d->rx_kbps -= p->want.rx_kbps;
}

static int port_add(struct fake_device *d, struct fake_port **owned)
{
        struct fake_port *p = *owned;

        if (map_set(&d->labels, p->label, p) != 0)
                return err_raise(-ENOMEM);
        if (map_set(&d->ports, p->want.id, p) != 0) {
                map_remove(&d->labels, p->label);
                return err_raise(-ENOMEM);
        }
        d->tx_kbps += p->want.tx_kbps;
        d->rx_kbps += p->want.rx_kbps;
        *owned = NULL;
        return 0;
}

int fake_device_port(struct fake_device *d, const struct port_want *want)
{
        OWN(mem_free) struct fake_port *p = NULL;
        const struct fake_port *holder;

        if (!want->present) {
                port_remove(d, want->id);
                return DEVICE_OK;
        }
        p = calloc(1, sizeof *p);
        if (!p)
                return err_raise(-ENOMEM);
        p->want = *want;
        snprintf(p->label, sizeof p->label, "%" PRId64, want->local_label);
        holder = map_get(&d->labels, p->label);
        if (holder && !text_equal(holder->want.id, want->id)) {
                d->violations++;
                return DEVICE_TAKEN;
        }
        port_remove(d, want->id);
        return port_add(d, &p);
}

static void attachment_remove(struct fake_device *d, const char *id)
{
        OWN(mem_free) struct fake_attachment *a = map_remove(&d->attachments, id);

        if (a)
                map_remove(&d->tags, a->tag);
}

int fake_device_attachment(struct fake_device *d, const struct attachment_want *want)
{
        OWN(mem_free) struct fake_attachment *a = NULL;
        const struct fake_attachment *holder;

        if (!want->present) {
                attachment_remove(d, want->id);
                return DEVICE_OK;
        }
        a = calloc(1, sizeof *a);
        if (!a)
                return err_raise(-ENOMEM);
        a->want = *want;
        snprintf(a->tag, sizeof a->tag, "%" PRId64, want->tag);
        holder = map_get(&d->tags, a->tag);
        if (holder && !text_equal(holder->want.id, want->id)) {
                d->violations++;
                return DEVICE_TAKEN;
        }
        attachment_remove(d, want->id);
        if (map_set(&d->tags, a->tag, a) != 0)
                return err_raise(-ENOMEM);
        if (map_set(&d->attachments, a->want.id, a) != 0) {
                map_remove(&d->tags, a->tag);
                return err_raise(-ENOMEM);
        }
        TAKE(a);
        return DEVICE_OK;
}

json_t *fake_device_to_json(const struct fake_device *d)
{
        json_auto_t *ports = json_array();
        json_auto_t *attachments = json_array();
        const struct fake_port *p;
        const struct fake_attachment *a;
        size_t at = 0;

        while ((p = map_next(&d->ports, &at, NULL)))
                if (json_array_append_new(ports, port_want_to_json(&p->want)) != 0)
                        return NULL;
        at = 0;
        while ((a = map_next(&d->attachments, &at, NULL)))
                if (json_array_append_new(attachments, attachment_want_to_json(&a->want)) != 0)
                        return NULL;
        return json_pack("{ss sI sI sI sO sO}", "boot_id", d->boot_id, "epoch",
                         (json_int_t)d->epoch, "seq", (json_int_t)d->seq, "violations",
                         (json_int_t)d->violations, "ports", ports, "attachments", attachments);
}

static int add_objects(struct fake_device *d, const json_t *doc)
{
        const json_t *item;
        size_t i;
        int r = 0;

        json_array_foreach(json_object_get(doc, "ports"), i, item) {
                struct port_want w;

                r = r ? r : port_want_from_json(item, &w, NULL);
                r = r ? r : fake_device_port(d, &w);
        }
        json_array_foreach(json_object_get(doc, "attachments"), i, item) {
                struct attachment_want w;

                r = r ? r : attachment_want_from_json(item, &w, NULL);
                r = r ? r : fake_device_attachment(d, &w);
        }
        return r > 0 ? err_raise(-EBADMSG) : r;
}

int fake_device_from_json(struct fake_device *d, const json_t *doc)
{
        struct fake_device fresh = { 0 };
        int r;

        if (!json_read_word(doc, "boot_id", JSON_REQUIRED, fresh.boot_id, sizeof fresh.boot_id,
                            NULL) ||
            !json_read_int(doc, "epoch", JSON_REQUIRED, 0, INT64_MAX, &fresh.epoch, NULL) ||
            !json_read_int(doc, "seq", JSON_REQUIRED, 0, INT64_MAX, &fresh.seq, NULL) ||
            !json_read_int(doc, "violations", JSON_REQUIRED, 0, INT64_MAX, &fresh.violations, NULL))
                return err_raise(-EBADMSG);
        r = add_objects(&fresh, doc);
        if (r != 0) {
                fake_device_done(&fresh);
                return r;
        }
        fake_device_done(d);
        *d = fresh;
        return 0;
}
