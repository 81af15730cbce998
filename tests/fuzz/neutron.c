/* SPDX-License-Identifier: Apache-2.0 */
/* Any JSON as Neutron's port and as Keystone's token. A port that is accepted and taken over has to come back from
 * giving it back as it was. */
#include <stdint.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/text.h"
#include "drivers/cloud/neutron_port.h"
#include "openstack/keystone.h"

static const struct plug_want want = {
        .id = "33333333-3333-4333-8333-333333333333",
        .vif_id = "ca1:ovs:gw-a:7:33333333-3333-4333-8333-333333333333",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
        if (!holds)
                abort();
}

static void put(json_t *port, json_t *body)
{
        must(body && json_object_update(port, json_object_get(body, "port")) == 0);
        json_decref(body);
}

static void check_port(json_t *port)
{
        json_auto_t *before = json_deep_copy(port);
        struct neutron_port p, was;

        if (!neutron_port_read(port, &p))
                return;
        must(neutron_port_read(before, &was));
        neutron_port_is_ready(&p, &want, "gw-host");
        put(port, neutron_port_take(&p, &want, "gw-host"));
        must(neutron_port_read(port, &p));
        must(text_equal(p.host_id, "gw-host") && p.mark);
        put(port, neutron_port_give_back(&p));
        must(neutron_port_read(port, &p) && !p.mark);
        if (!was.mark)
                must(text_equal(p.device_id, was.device_id) && text_equal(p.host_id, was.host_id) &&
                     text_equal(p.device_owner, was.device_owner));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        json_auto_t *j = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
        struct keystone_token t;
        struct fault why;

        if (!j)
                return 0;
        if (keystone_token_read("id", j, &t, &why) == KEYSTONE_OK) {
                keystone_endpoint(t.catalog, "network", "internal,public", "RegionA");
                keystone_token_done(&t);
        }
        check_port(j);
        return 0;
}
