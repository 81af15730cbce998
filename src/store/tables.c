/* SPDX-License-Identifier: Apache-2.0 */
/* One descriptor per table: the same columns as in sql/, in the order of the structs' fields. */
#include "store/tables.h"

#define COLUMN_OF(kind_, row, field, name_, unique_)                                               \
        {                                                                                          \
                .name = name_, .kind = kind_, .offset = offsetof(struct row, field),               \
                .size = sizeof(((struct row *)0)->field), .unique = unique_                        \
        }
#define UUID(row, field)              COLUMN_OF(STORE_UUID, row, field, #field, false)
#define TEXT(row, field)              COLUMN_OF(STORE_TEXT, row, field, #field, false)
#define INT(row, field)               COLUMN_OF(STORE_INT, row, field, #field, false)
#define BOOL(row, field)              COLUMN_OF(STORE_BOOL, row, field, #field, false)
#define OPTION(row, field)            COLUMN_OF(STORE_NULL_TEXT, row, field, #field, false)
#define UNIQUE(kind, row, field)      COLUMN_OF(kind, row, field, #field, true)
#define NAMED(kind, row, field, name) COLUMN_OF(kind, row, field, name, false)

/* clang-format off */
static const struct store_column site_columns[] = {
        UUID(site, id),
        UNIQUE(STORE_TEXT, site, name),
        TEXT(site, description),
        INT(site, last_seen_ms),
        INT(site, created_ms),
        { 0 },
};
static const struct store_column request_key_columns[] = {
        TEXT(request_key, project_id),
        TEXT(request_key, method),
        TEXT(request_key, key),
        TEXT(request_key, request_hash),
        UUID(request_key, object_id),
        TEXT(request_key, answer),
        INT(request_key, created_ms),
        { 0 },
};
static const struct store_column vpn_columns[] = {
        UUID(vpn, id),
        TEXT(vpn, project_id),
        TEXT(vpn, name),
        TEXT(vpn, description),
        TEXT(vpn, type),
        INT(vpn, revision_number),
        INT(vpn, created_ms),
        INT(vpn, updated_ms),
        TEXT(vpn, tags),
        UUID(vpn, made_by),
        { 0 },
};
static const struct store_column vpn_site_columns[] = {
        UUID(vpn_site, vpn_id),
        UUID(vpn_site, site_id),
        INT(vpn_site, created_ms),
        UUID(vpn_site, made_by),
        { 0 },
};
static const struct store_column gateway_columns[] = {
        UUID(gateway, id),
        UUID(gateway, site_id),
        TEXT(gateway, site_name),
        TEXT(gateway, name),
        TEXT(gateway, type),
        TEXT(gateway, domain),
        TEXT(gateway, address),
        INT(gateway, capacity_to_wan_kbps),
        INT(gateway, capacity_from_wan_kbps),
        INT(gateway, reserved_to_wan_kbps),
        INT(gateway, reserved_from_wan_kbps),
        INT(gateway, mtu),
        TEXT(gateway, ranges),
        TEXT(gateway, capabilities),
        TEXT(gateway, fence),
        TEXT(gateway, boot_id),
        BOOL(gateway, reachable),
        INT(gateway, cursor_label),
        INT(gateway, cursor_tag),
        INT(gateway, verified_ms),
        INT(gateway, held_digest),
        INT(gateway, epoch),
        INT(gateway, seq),
        INT(gateway, inflight_seq),
        INT(gateway, inflight_by),
        INT(gateway, attempts),
        BOOL(gateway, audit_wanted),
        INT(gateway, created_ms),
        INT(gateway, brake),
        TEXT(gateway, reason),
        BOOL(gateway, observe_only),
        INT(gateway, read_ms),
        { 0 },
};
static const struct store_column attachment_columns[] = {
        UUID(attachment, id),
        TEXT(attachment, project_id),
        UUID(attachment, vpn_id),
        UNIQUE(STORE_TEXT, attachment, vpn_key),
        UUID(attachment, site_id),
        UUID(attachment, gateway_id),
        TEXT(attachment, gateway_name),
        TEXT(attachment, site_name),
        INT(attachment, tag),
        INT(attachment, n_ports),
        TEXT(attachment, vif_id),
        INT(attachment, generation),
        INT(attachment, confirmed_generation),
        BOOL(attachment, wanted),
        BOOL(attachment, present),
        TEXT(attachment, reason),
        INT(attachment, plug),
        INT(attachment, plug_generation),
        INT(attachment, plug_sent),
        INT(attachment, plug_clear_ms),
        TEXT(attachment, network_id),
        TEXT(attachment, port_id),
        TEXT(attachment, neutron_port_id),
        TEXT(attachment, left_port_id),
        UNIQUE(STORE_NULL_TEXT, attachment, net_key),
        TEXT(attachment, plug_reason),
        UUID(attachment, operation_id),
        INT(attachment, created_ms),
        { 0 },
};
static const struct store_column vlink_columns[] = {
        UUID(vlink, id),
        TEXT(vlink, project_id),
        UUID(vlink, vpn_id),
        UNIQUE(STORE_TEXT, vlink, pair_key),
        TEXT(vlink, name),
        TEXT(vlink, description),
        INT(vlink, a_to_z_kbps),
        INT(vlink, z_to_a_kbps),
        INT(vlink, goal_a_to_z_kbps),
        INT(vlink, goal_z_to_a_kbps),
        INT(vlink, mtu),
        INT(vlink, provisioning),
        INT(vlink, operating),
        TEXT(vlink, status_reason),
        BOOL(vlink, admin_state_up),
        TEXT(vlink, ignored),
        UUID(vlink, operation_id),
        INT(vlink, revision_number),
        INT(vlink, verified_ms),
        INT(vlink, created_ms),
        INT(vlink, updated_ms),
        TEXT(vlink, tags),
        BOOL(vlink, exchange),
        TEXT(vlink, wan_domain),
        { 0 },
};
static const struct store_column vport_columns[] = {
        UUID(vport, id),
        UUID(vport, link_id),
        TEXT(vport, project_id),
        INT(vport, side),
        UUID(vport, site_id),
        TEXT(vport, site_name),
        UUID(vport, gateway_id),
        UUID(vport, attachment_id),
        INT(vport, label),
        INT(vport, generation),
        INT(vport, confirmed_generation),
        BOOL(vport, wanted),
        BOOL(vport, present),
        INT(vport, tx_kbps),
        INT(vport, rx_kbps),
        TEXT(vport, reason),
        INT(vport, verified_ms),
        INT(vport, created_ms),
        BOOL(vport, holds),
        TEXT(vport, asked_network_id),
        TEXT(vport, asked_port_id),
        { 0 },
};
static const struct store_column operation_columns[] = {
        UUID(operation, id),
        TEXT(operation, project_id),
        TEXT(operation, request_id),
        UUID(operation, link_id),
        UUID(operation, attachment_id),
        INT(operation, kind),
        TEXT(operation, state),
        INT(operation, result),
        TEXT(operation, reason),
        INT(operation, retries),
        INT(operation, started_ms),
        INT(operation, finished_ms),
        TEXT(operation, user_id),
        INT(operation, state_ms),
        UUID(operation, parent_id),
        UUID(operation, vpn_id),
        { 0 },
};
static const struct store_column work_columns[] = {
        UUID(work, object_id),
        UUID(work, gateway_id),
        UUID(work, link_id),
        INT(work, kind),
        INT(work, generation),
        TEXT(work, want),
        TEXT(work, request_id),
        INT(work, created_ms),
        TEXT(work, project_id),
        INT(work, tries),
        INT(work, after_ms),
        UUID(work, peer_id),
        { 0 },
};
static const struct store_column timer_columns[] = {
        UUID(timer, ref_id),
        INT(timer, kind),
        INT(timer, due_ms),
        INT(timer, owner),
        TEXT(timer, project_id),
        { 0 },
};
static const struct store_column integer_columns[] = {
        UUID(integer, gateway_id),
        INT(integer, kind),
        INT(integer, value),
        UUID(integer, owner_id),
        OPTION(integer, pool),
        INT(integer, free_after_ms),
        { 0 },
};
static const struct store_column reservation_columns[] = {
        UUID(reservation, link_id),
        UUID(reservation, resource_id),
        INT(reservation, direction),
        INT(reservation, kbps),
        INT(reservation, from_ms),
        INT(reservation, to_ms),
        { 0 },
};
static const struct store_column leftover_columns[] = {
        UUID(leftover, port_id),
        UUID(leftover, link_id),
        UUID(leftover, vpn_id),
        UUID(leftover, gateway_id),
        INT(leftover, generation),
        INT(leftover, label),
        INT(leftover, to_wan_kbps),
        INT(leftover, from_wan_kbps),
        INT(leftover, created_ms),
        UUID(leftover, attachment_id),
        INT(leftover, peer_label),
        TEXT(leftover, peer_address),
        { 0 },
};
static const struct store_column found_columns[] = {
        UUID(found, id),
        UUID(found, gateway_id),
        INT(found, kind),
        UUID(found, link_id),
        UUID(found, vpn_id),
        UUID(found, attachment_id),
        INT(found, generation),
        INT(found, number),
        INT(found, peer_label),
        TEXT(found, peer_address),
        INT(found, tx_kbps),
        INT(found, rx_kbps),
        INT(found, mtu),
        TEXT(found, vif_id),
        TEXT(found, network_id),
        TEXT(found, neutron_port_id),
        BOOL(found, holds),
        INT(found, created_ms),
        { 0 },
};
static const struct store_column exchange_columns[] = {
        UUID(exchange, port_id),
        UUID(exchange, link_id),
        TEXT(exchange, object),
        TEXT(exchange, given),
        { 0 },
};
static const struct store_column control_columns[] = {
        TEXT(control, name),
        BOOL(control, is_on),
        TEXT(control, reason),
        TEXT(control, user_id),
        INT(control, since_ms),
        { 0 },
};
static const struct store_column event_columns[] = {
        TEXT(event, project_id),
        TEXT(event, object_type),
        UUID(event, object_id),
        UUID(event, operation_id),
        TEXT(event, request_id),
        TEXT(event, type),
        NAMED(STORE_INT, event, row, "flow_row"),
        NAMED(STORE_TEXT, event, from, "from_state"),
        NAMED(STORE_TEXT, event, to, "to_state"),
        TEXT(event, site),
        TEXT(event, reason),
        INT(event, at_ms),
        TEXT(event, user_id),
        INT(event, duration_ms),
        { 0 },
};
static const struct store_column conductor_columns[] = {
        INT(conductor_row, number),
        TEXT(conductor_row, host),
        INT(conductor_row, started_ms),
        { 0 },
};

static const struct store_column redelivered_columns[] = {
        TEXT(redelivered, message),
        INT(redelivered, times),
        INT(redelivered, at_ms),
        { 0 },
};
static const struct store_column project_columns[] = {
        TEXT(project, id),
        INT(project, created_ms),
        { 0 },
};
static const struct store_column quota_columns[] = {
        TEXT(quota, project_id),
        NAMED(STORE_INT, quota, limits.vpns, "vpns"),
        NAMED(STORE_INT, quota, limits.links, "links"),
        NAMED(STORE_INT, quota, limits.kbps, "kbps"),
        { 0 },
};
static const struct store_column project_use_columns[] = {
        TEXT(project_use, project_id),
        INT(project_use, vpns),
        INT(project_use, links),
        INT(project_use, kbps),
        { 0 },
};
static const struct store_column open_work_columns[] = {
        TEXT(open_work, project_id),
        INT(open_work, operations),
        { 0 },
};

#define TABLE(row, columns_, n_key_) .row_size = sizeof(struct row), .columns = columns_, .n_key = n_key_
const struct store_table store_tables[T_N] = {
        [T_PROJECT]     = { "project",        TABLE(project, project_columns, 1), .once = true },
        [T_SITE]        = { "site",           TABLE(site, site_columns, 1) },
        [T_REQUEST_KEY] = { "idempotency_key", TABLE(request_key, request_key_columns, 3), .once = true },
        [T_VPN]         = { "vpn",            TABLE(vpn, vpn_columns, 1) },
        [T_VPN_SITE]    = { "vpn_site",       TABLE(vpn_site, vpn_site_columns, 2) },
        [T_GATEWAY]     = { "gateway",        TABLE(gateway, gateway_columns, 1) },
        [T_ATTACHMENT]  = { "attachment",     TABLE(attachment, attachment_columns, 1) },
        [T_VLINK]       = { "vlink",          TABLE(vlink, vlink_columns, 1) },
        [T_VPORT]       = { "vport",          TABLE(vport, vport_columns, 1) },
        [T_OPERATION]   = { "operation",      TABLE(operation, operation_columns, 1) },
        [T_WORK]        = { "work",           TABLE(work, work_columns, 1) },
        [T_TIMER]       = { "timer",          TABLE(timer, timer_columns, 2) },
        [T_INTEGER]     = { "integer_in_use", TABLE(integer, integer_columns, 3) },
        [T_RESERVATION] = { "reservation",    TABLE(reservation, reservation_columns, 3) },
        [T_LEFTOVER]    = { "leftover",       TABLE(leftover, leftover_columns, 1) },
        [T_FOUND]       = { "found",          TABLE(found, found_columns, 1) },
        [T_EXCHANGE]    = { "exchange",       TABLE(exchange, exchange_columns, 1) },
        [T_CONTROL]     = { "control",        TABLE(control, control_columns, 1) },
        [T_EVENT]       = { "event",          TABLE(event, event_columns, 0), .append_only = true },
        [T_CONDUCTOR]   = { "conductor",      TABLE(conductor_row, conductor_columns, 1) },
        [T_REDELIVERED] = { "redelivered",    TABLE(redelivered, redelivered_columns, 1) },
        [T_QUOTA]       = { "quota",          TABLE(quota, quota_columns, 1) },
};
const struct store_table store_open_work = { "open_work", TABLE(open_work, open_work_columns, 1) };
const struct store_table store_project_use = { "project_use", TABLE(project_use, project_use_columns, 1) };
/* clang-format on */
