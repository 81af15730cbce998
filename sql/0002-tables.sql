-- SPDX-License-Identifier: Apache-2.0
-- The tables of src/store/tables.c: the same columns, in the same order.
--
-- Kept by hand, because speed depends on it:
-- * Times are milliseconds since 1970, bandwidths kbit/s. Words for numbered columns are in the comments below;
--   a test compares them with the program's.
-- * No foreign keys: every writer locks the parent rows in one order, and a foreign key would lock them in another.
-- * No column that changes with a link's life (state, status, times, reasons) stands in an index, and pages of rows that
--   change are filled by less than half: so a whole page of links can become ACTIVE in one transaction without touching an
--   index (heap-only tuples).
-- * Texts are compared by bytes: a new version of the system's library can then not reorder an index.

CREATE TABLE site (
        id           uuid PRIMARY KEY,
        name         text COLLATE "C" NOT NULL UNIQUE,
        description  text COLLATE "C" NOT NULL,
        last_seen_ms bigint NOT NULL,
        created_ms   bigint NOT NULL
) WITH (fillfactor = 45);

CREATE TABLE request_key (
        project_id   text COLLATE "C",
        key          text COLLATE "C",
        request_hash text COLLATE "C" NOT NULL,
        object_id    uuid,
        answer       text COLLATE "C" NOT NULL,
        created_ms   bigint NOT NULL,
        PRIMARY KEY (project_id, key)
);
CREATE INDEX request_key_key ON request_key (key);
CREATE INDEX request_key_created ON request_key (created_ms);

CREATE TABLE vpn (
        id              uuid PRIMARY KEY,
        project_id      text COLLATE "C" NOT NULL,
        name            text COLLATE "C" NOT NULL,
        description     text COLLATE "C" NOT NULL,
        type            text COLLATE "C" NOT NULL,
        revision_number bigint NOT NULL,
        created_ms      bigint NOT NULL,
        updated_ms      bigint NOT NULL
) WITH (fillfactor = 45);
CREATE INDEX vpn_project ON vpn (project_id, id);

CREATE TABLE vpn_site (
        vpn_id     uuid,
        site_id    uuid,
        created_ms bigint NOT NULL,
        PRIMARY KEY (vpn_id, site_id)
);

CREATE TABLE gateway (
        id                     uuid PRIMARY KEY,
        site_id                uuid NOT NULL,
        site_name              text COLLATE "C" NOT NULL,
        name                   text COLLATE "C" NOT NULL,
        type                   text COLLATE "C" NOT NULL,
        domain                 text COLLATE "C" NOT NULL,
        address                text COLLATE "C" NOT NULL,
        capacity_to_wan_kbps   bigint NOT NULL,
        capacity_from_wan_kbps bigint NOT NULL,
        reserved_to_wan_kbps   bigint NOT NULL,
        reserved_from_wan_kbps bigint NOT NULL,
        mtu                    bigint NOT NULL,
        ranges                 text COLLATE "C" NOT NULL,
        capabilities           text COLLATE "C" NOT NULL,
        fence                  text COLLATE "C" NOT NULL,
        boot_id                text COLLATE "C" NOT NULL,
        reachable              boolean NOT NULL,
        cursor_label           bigint NOT NULL,
        cursor_tag             bigint NOT NULL,
        verified_ms            bigint NOT NULL,
        held_digest            bigint NOT NULL,
        epoch                  bigint NOT NULL,
        seq                    bigint NOT NULL,
        inflight_seq           bigint NOT NULL,
        inflight_by            bigint NOT NULL,
        attempts               bigint NOT NULL,
        audit_wanted           boolean NOT NULL,
        created_ms             bigint NOT NULL,
        UNIQUE (site_id, name)
) WITH (fillfactor = 30, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE attachment (
        id                   uuid PRIMARY KEY,
        project_id           text COLLATE "C" NOT NULL,
        vpn_id               uuid NOT NULL,
        vpn_key              text COLLATE "C" NOT NULL UNIQUE,
        site_id              uuid NOT NULL,
        gateway_id           uuid NOT NULL,
        gateway_name         text COLLATE "C" NOT NULL,
        site_name            text COLLATE "C" NOT NULL,
        tag                  bigint NOT NULL,
        n_ports              bigint NOT NULL,
        vif_id               text COLLATE "C" NOT NULL,
        generation           bigint NOT NULL,
        confirmed_generation bigint NOT NULL,
        wanted               boolean NOT NULL,
        present              boolean NOT NULL,
        reason               text COLLATE "C" NOT NULL,
        plug                 bigint NOT NULL CHECK (plug BETWEEN 0 AND 3),
        plug_generation      bigint NOT NULL,
        plug_sent            bigint NOT NULL,
        plug_clear_ms        bigint NOT NULL,
        network_id           text COLLATE "C" NOT NULL,
        port_id              text COLLATE "C" NOT NULL,
        neutron_port_id      text COLLATE "C" NOT NULL,
        left_port_id         text COLLATE "C" NOT NULL,
        net_key              text COLLATE "C" UNIQUE,
        plug_reason          text COLLATE "C" NOT NULL,
        operation_id         uuid,
        created_ms           bigint NOT NULL
) WITH (fillfactor = 45);
CREATE INDEX attachment_vpn ON attachment (vpn_id);
CREATE INDEX attachment_gateway ON attachment (gateway_id);

CREATE TABLE vlink (
        id               uuid PRIMARY KEY,
        project_id       text COLLATE "C" NOT NULL,
        vpn_id           uuid NOT NULL,
        pair_key         text COLLATE "C" NOT NULL UNIQUE,
        name             text COLLATE "C" NOT NULL,
        description      text COLLATE "C" NOT NULL,
        a_to_z_kbps      bigint NOT NULL,
        z_to_a_kbps      bigint NOT NULL,
        goal_a_to_z_kbps bigint NOT NULL,
        goal_z_to_a_kbps bigint NOT NULL,
        mtu              bigint NOT NULL,
        provisioning     bigint NOT NULL CHECK (provisioning BETWEEN 0 AND 4),
        operating        bigint NOT NULL CHECK (operating BETWEEN 0 AND 3),
        status_reason    text COLLATE "C" NOT NULL,
        admin_state_up   boolean NOT NULL,
        ignored          text COLLATE "C" NOT NULL,
        operation_id     uuid,
        revision_number  bigint NOT NULL,
        verified_ms      bigint NOT NULL,
        created_ms       bigint NOT NULL,
        updated_ms       bigint NOT NULL
) WITH (fillfactor = 45);
CREATE INDEX vlink_project ON vlink (project_id, id);
CREATE INDEX vlink_vpn ON vlink (vpn_id);

CREATE TABLE vport (
        id                   uuid PRIMARY KEY,
        link_id              uuid NOT NULL,
        project_id           text COLLATE "C" NOT NULL,
        side                 bigint NOT NULL CHECK (side BETWEEN 0 AND 1),
        site_id              uuid NOT NULL,
        site_name            text COLLATE "C" NOT NULL,
        gateway_id           uuid NOT NULL,
        attachment_id        uuid,
        label                bigint NOT NULL,
        generation           bigint NOT NULL,
        confirmed_generation bigint NOT NULL,
        wanted               boolean NOT NULL,
        present              boolean NOT NULL,
        tx_kbps              bigint NOT NULL,
        rx_kbps              bigint NOT NULL,
        reason               text COLLATE "C" NOT NULL,
        verified_ms          bigint NOT NULL,
        created_ms           bigint NOT NULL
) WITH (fillfactor = 45);
CREATE INDEX vport_link ON vport (link_id);
CREATE INDEX vport_attachment ON vport (attachment_id);
CREATE INDEX vport_gateway ON vport (gateway_id);

CREATE TABLE operation (
        id            uuid PRIMARY KEY,
        project_id    text COLLATE "C" NOT NULL,
        request_id    text COLLATE "C" NOT NULL,
        link_id       uuid,
        attachment_id uuid,
        kind          bigint NOT NULL CHECK (kind BETWEEN 0 AND 4),
        state         text COLLATE "C" NOT NULL,
        result        bigint NOT NULL CHECK (result BETWEEN 0 AND 3),
        reason        text COLLATE "C" NOT NULL,
        retries       bigint NOT NULL,
        started_ms    bigint NOT NULL,
        finished_ms   bigint NOT NULL
) WITH (fillfactor = 45);
CREATE INDEX operation_project ON operation (project_id, id);
CREATE INDEX operation_link ON operation (link_id);

CREATE TABLE work (
        object_id  uuid PRIMARY KEY,
        gateway_id uuid NOT NULL,
        link_id    uuid,
        kind       bigint NOT NULL CHECK (kind BETWEEN 0 AND 1),
        generation bigint NOT NULL,
        want       text COLLATE "C" NOT NULL,
        request_id text COLLATE "C" NOT NULL,
        created_ms bigint NOT NULL
) WITH (fillfactor = 45, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX work_gateway ON work (gateway_id);

CREATE TABLE timer (
        ref_id uuid,
        kind   bigint CHECK (kind BETWEEN 0 AND 3),
        due_ms bigint NOT NULL,
        owner  bigint NOT NULL,
        PRIMARY KEY (ref_id, kind)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX timer_due ON timer (due_ms);

CREATE TABLE integer_in_use (
        gateway_id    uuid,
        kind          bigint CHECK (kind BETWEEN 0 AND 1),
        value         bigint,
        owner_id      uuid,
        pool          text COLLATE "C",
        free_after_ms bigint NOT NULL,
        PRIMARY KEY (gateway_id, kind, value)
);
CREATE INDEX integer_owner ON integer_in_use (owner_id);
CREATE INDEX integer_pool ON integer_in_use (pool) WHERE pool IS NOT NULL;

CREATE TABLE reservation (
        link_id     uuid,
        resource_id uuid,
        direction   bigint CHECK (direction BETWEEN 0 AND 1),
        kbps        bigint NOT NULL,
        from_ms     bigint NOT NULL,
        to_ms       bigint NOT NULL,
        PRIMARY KEY (link_id, resource_id, direction)
) WITH (fillfactor = 45);

-- A transaction's events become visible together, but transactions not in the order they began. An event's id is made of the
-- epoch (6 bits), its transaction (40 bits) and its place there (17 bits); readers take events in the order of ids and stop below
-- the oldest running transaction; so one who resumes after an id never misses one. A database restored from a backup, whose
-- transactions are numbered from earlier on, starts a new epoch: event_epoch() is replaced by one that gives one more.
CREATE FUNCTION event_epoch() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS 'SELECT 0::bigint';
CREATE FUNCTION event_id(place bigint) RETURNS bigint LANGUAGE sql VOLATILE
        AS 'SELECT (event_epoch() << 57) | (pg_current_xact_id()::text::bigint << 17) | place';
CREATE FUNCTION event_horizon() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
        AS 'SELECT (event_epoch() << 57) | (pg_snapshot_xmin(pg_current_snapshot())::text::bigint << 17)';

CREATE TABLE event (
        project_id   text COLLATE "C" NOT NULL,
        object_type  text COLLATE "C" NOT NULL,
        object_id    uuid,
        operation_id uuid,
        request_id   text COLLATE "C" NOT NULL,
        type         text COLLATE "C" NOT NULL,
        flow_row     bigint NOT NULL,
        from_state   text COLLATE "C" NOT NULL,
        to_state     text COLLATE "C" NOT NULL,
        site         text COLLATE "C" NOT NULL,
        reason       text COLLATE "C" NOT NULL,
        at_ms        bigint NOT NULL,
        id           bigint PRIMARY KEY
) WITH (autovacuum_vacuum_insert_scale_factor = 0.5);
CREATE INDEX event_project ON event (project_id, id);
CREATE INDEX event_object ON event (object_id, id);
CREATE INDEX event_operation ON event (operation_id, id);

CREATE TABLE conductor (
        number     bigint PRIMARY KEY,
        host       text COLLATE "C" NOT NULL,
        started_ms bigint NOT NULL
);
CREATE SEQUENCE conductor_number MAXVALUE 2147483647;

COMMENT ON COLUMN attachment.plug IS '0 unplugged, 1 plugging, 2 plugged, 3 unplugging';
COMMENT ON COLUMN vlink.provisioning IS '0 PENDING_CREATE, 1 ACTIVE, 2 PENDING_UPDATE, 3 PENDING_DELETE, 4 ERROR';
COMMENT ON COLUMN vlink.operating IS '0 ONLINE, 1 DEGRADED, 2 OFFLINE, 3 SCHEDULED';
COMMENT ON COLUMN vport.side IS '0 a, 1 z';
COMMENT ON COLUMN operation.kind IS '0 create, 1 update, 2 delete, 3 attach, 4 detach';
COMMENT ON COLUMN operation.result IS '0 running, 1 done, 2 failed, 3 preempted';
COMMENT ON COLUMN work.kind IS '0 port, 1 attachment';
COMMENT ON COLUMN timer.kind IS '0 operation, 1 gate, 2 plug, 3 audit';
COMMENT ON COLUMN timer.owner IS 'number of the conductor that sent what is waited for, or 0';
COMMENT ON COLUMN integer_in_use.kind IS '0 label, 1 tag';
COMMENT ON COLUMN integer_in_use.pool IS '<gateway>:<kind> while free to be handed out again';
COMMENT ON COLUMN reservation.direction IS '0 to the WAN, 1 from the WAN';
COMMENT ON COLUMN reservation.to_ms IS '0: for ever';

DO $$
BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'atlas_conductor') THEN
                REVOKE UPDATE, DELETE ON event FROM atlas_conductor; -- history is only added to
                REVOKE INSERT, UPDATE, DELETE ON schema_step FROM atlas_conductor;
        END IF;
END
$$;
