-- SPDX-License-Identifier: Apache-2.0
-- All files of this folder applied, as pg_dump shows it. Made by a test: ATLAS_WRITE=1.

CREATE FUNCTION public.event_epoch() RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$SELECT 0::bigint$$;

CREATE FUNCTION public.event_horizon() RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$SELECT (event_epoch() << 57) | (pg_snapshot_xmin(pg_current_snapshot())::text::bigint << 17)$$;

CREATE FUNCTION public.event_id(place bigint) RETURNS bigint
    LANGUAGE sql
    AS $$SELECT (event_epoch() << 57) | (pg_current_xact_id()::text::bigint << 17) | place$$;

CREATE FUNCTION public.event_month_ms(month timestamp without time zone) RETURNS bigint
    LANGUAGE sql STABLE
    AS $$ SELECT (extract(epoch FROM month) * 1000)::bigint $$;

CREATE FUNCTION public.event_months(keep_days bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO '$user', 'public'
    SET lock_timeout TO '1s'
    AS $_$
DECLARE
        now   timestamp := clock_timestamp() AT TIME ZONE 'UTC';
        month timestamp;
        name  text;
        n     bigint := 0;
BEGIN
        IF NOT pg_try_advisory_xact_lock(1096043604, 0) THEN
                RETURN 0; -- somebody is at it
        END IF;
        FOR i IN 0..3 LOOP
                month := date_trunc('month', now) + i * interval '1 month';
                name := to_char(month, '"event_"YYYY_MM');
                CONTINUE WHEN to_regclass(name) IS NOT NULL;
                EXECUTE format('CREATE TABLE %I (LIKE event INCLUDING DEFAULTS) WITH (autovacuum_vacuum_insert_scale_factor = 0.5)', name);
                EXECUTE format('WITH moved AS (DELETE FROM event_other WHERE at_ms >= %s AND at_ms < %s RETURNING *)'
                               ' INSERT INTO %I SELECT * FROM moved',
                               event_month_ms(month), event_month_ms(month + interval '1 month'), name);
                EXECUTE format('ALTER TABLE event ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', name,
                               event_month_ms(month), event_month_ms(month + interval '1 month'));
                IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'atlas_conductor') THEN
                        EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON %I FROM atlas_conductor', name); -- only through "event"
                END IF;
                n := n + 1;
        END LOOP;
        FOR name IN SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
                    WHERE inhparent = 'event'::regclass AND relname ~ '^event_[0-9]{4}_[0-9]{2}$' LOOP
                month := to_date(substr(name, 7), 'YYYY_MM');
                CONTINUE WHEN month + interval '1 month' > now - greatest(keep_days, 31) * interval '1 day';
                EXECUTE format('DROP TABLE %I', name);
                n := n + 1;
        END LOOP;
        RETURN n;
END
$_$;

CREATE TABLE public.attachment (
    id uuid NOT NULL,
    project_id text NOT NULL COLLATE pg_catalog."C",
    vpn_id uuid NOT NULL,
    vpn_key text NOT NULL COLLATE pg_catalog."C",
    site_id uuid NOT NULL,
    gateway_id uuid NOT NULL,
    gateway_name text NOT NULL COLLATE pg_catalog."C",
    site_name text NOT NULL COLLATE pg_catalog."C",
    tag bigint NOT NULL,
    n_ports bigint NOT NULL,
    vif_id text NOT NULL COLLATE pg_catalog."C",
    generation bigint NOT NULL,
    confirmed_generation bigint NOT NULL,
    wanted boolean NOT NULL,
    present boolean NOT NULL,
    reason text NOT NULL COLLATE pg_catalog."C",
    plug bigint NOT NULL,
    plug_generation bigint NOT NULL,
    plug_sent bigint NOT NULL,
    plug_clear_ms bigint NOT NULL,
    network_id text NOT NULL COLLATE pg_catalog."C",
    port_id text NOT NULL COLLATE pg_catalog."C",
    neutron_port_id text NOT NULL COLLATE pg_catalog."C",
    left_port_id text NOT NULL COLLATE pg_catalog."C",
    net_key text COLLATE pg_catalog."C",
    plug_reason text NOT NULL COLLATE pg_catalog."C",
    operation_id uuid,
    created_ms bigint NOT NULL,
    CONSTRAINT attachment_plug_check CHECK (((plug >= 0) AND (plug <= 3)))
)
WITH (fillfactor='45');

COMMENT ON COLUMN public.attachment.plug IS '0 unplugged, 1 plugging, 2 plugged, 3 unplugging';

CREATE TABLE public.conductor (
    number bigint NOT NULL,
    host text NOT NULL COLLATE pg_catalog."C",
    started_ms bigint NOT NULL
);

CREATE SEQUENCE public.conductor_number
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    MAXVALUE 2147483647
    CACHE 1;

CREATE TABLE public.control (
    name text NOT NULL COLLATE pg_catalog."C",
    is_on boolean NOT NULL,
    reason text NOT NULL COLLATE pg_catalog."C",
    user_id text NOT NULL COLLATE pg_catalog."C",
    since_ms bigint NOT NULL
);

CREATE TABLE public.event (
    project_id text NOT NULL COLLATE pg_catalog."C",
    object_type text NOT NULL COLLATE pg_catalog."C",
    object_id uuid,
    operation_id uuid,
    request_id text NOT NULL COLLATE pg_catalog."C",
    type text NOT NULL COLLATE pg_catalog."C",
    flow_row bigint NOT NULL,
    from_state text NOT NULL COLLATE pg_catalog."C",
    to_state text NOT NULL COLLATE pg_catalog."C",
    site text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL COLLATE pg_catalog."C",
    at_ms bigint NOT NULL,
    user_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    duration_ms bigint DEFAULT 0 NOT NULL,
    id bigint NOT NULL
)
PARTITION BY RANGE (at_ms);

CREATE TABLE public.event_other (
    project_id text NOT NULL COLLATE pg_catalog."C",
    object_type text NOT NULL COLLATE pg_catalog."C",
    object_id uuid,
    operation_id uuid,
    request_id text NOT NULL COLLATE pg_catalog."C",
    type text NOT NULL COLLATE pg_catalog."C",
    flow_row bigint NOT NULL,
    from_state text NOT NULL COLLATE pg_catalog."C",
    to_state text NOT NULL COLLATE pg_catalog."C",
    site text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL COLLATE pg_catalog."C",
    at_ms bigint NOT NULL,
    user_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    duration_ms bigint DEFAULT 0 NOT NULL,
    id bigint NOT NULL
);

CREATE TABLE public.exchange (
    port_id uuid NOT NULL,
    link_id uuid NOT NULL,
    object text NOT NULL COLLATE pg_catalog."C",
    given text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE public.found (
    id uuid NOT NULL,
    gateway_id uuid NOT NULL,
    kind bigint NOT NULL,
    link_id uuid,
    vpn_id uuid,
    attachment_id uuid,
    generation bigint NOT NULL,
    number bigint NOT NULL,
    peer_label bigint NOT NULL,
    peer_address text NOT NULL COLLATE pg_catalog."C",
    tx_kbps bigint NOT NULL,
    rx_kbps bigint NOT NULL,
    mtu bigint NOT NULL,
    vif_id text NOT NULL COLLATE pg_catalog."C",
    network_id text NOT NULL COLLATE pg_catalog."C",
    neutron_port_id text NOT NULL COLLATE pg_catalog."C",
    holds boolean NOT NULL,
    created_ms bigint NOT NULL,
    CONSTRAINT found_kind_check CHECK (((kind >= 0) AND (kind <= 1)))
);

COMMENT ON COLUMN public.found.kind IS '0 port, 1 attachment';

COMMENT ON COLUMN public.found.number IS 'its label or tag; 0 until its gateway was asked for it';

CREATE TABLE public.gateway (
    id uuid NOT NULL,
    site_id uuid NOT NULL,
    site_name text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    type text NOT NULL COLLATE pg_catalog."C",
    domain text NOT NULL COLLATE pg_catalog."C",
    address text NOT NULL COLLATE pg_catalog."C",
    capacity_to_wan_kbps bigint NOT NULL,
    capacity_from_wan_kbps bigint NOT NULL,
    reserved_to_wan_kbps bigint NOT NULL,
    reserved_from_wan_kbps bigint NOT NULL,
    mtu bigint NOT NULL,
    ranges text NOT NULL COLLATE pg_catalog."C",
    capabilities text NOT NULL COLLATE pg_catalog."C",
    fence text NOT NULL COLLATE pg_catalog."C",
    boot_id text NOT NULL COLLATE pg_catalog."C",
    reachable boolean NOT NULL,
    cursor_label bigint NOT NULL,
    cursor_tag bigint NOT NULL,
    verified_ms bigint NOT NULL,
    held_digest bigint NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    inflight_seq bigint NOT NULL,
    inflight_by bigint NOT NULL,
    attempts bigint NOT NULL,
    audit_wanted boolean NOT NULL,
    created_ms bigint NOT NULL,
    brake bigint DEFAULT 0 NOT NULL,
    reason text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    observe_only boolean DEFAULT false NOT NULL,
    read_ms bigint DEFAULT 0 NOT NULL,
    CONSTRAINT gateway_brake_check CHECK (((brake >= 0) AND (brake <= 2)))
)
WITH (fillfactor='30', autovacuum_vacuum_cost_delay='0');

COMMENT ON COLUMN public.gateway.brake IS '0 armed, 1 halted, 2 released';

COMMENT ON COLUMN public.gateway.reason IS 'Why its last command came to nothing';

CREATE TABLE public.idempotency_key (
    project_id text NOT NULL COLLATE pg_catalog."C",
    method text NOT NULL COLLATE pg_catalog."C",
    key text NOT NULL COLLATE pg_catalog."C",
    request_hash text NOT NULL COLLATE pg_catalog."C",
    object_id uuid,
    answer text NOT NULL COLLATE pg_catalog."C",
    created_ms bigint NOT NULL
);

CREATE TABLE public.integer_in_use (
    gateway_id uuid NOT NULL,
    kind bigint NOT NULL,
    value bigint NOT NULL,
    owner_id uuid,
    pool text COLLATE pg_catalog."C",
    free_after_ms bigint NOT NULL,
    CONSTRAINT integer_in_use_kind_check CHECK (((kind >= 0) AND (kind <= 1)))
);

COMMENT ON COLUMN public.integer_in_use.kind IS '0 label, 1 tag';

COMMENT ON COLUMN public.integer_in_use.pool IS '<gateway>:<kind> while free to be handed out again';

CREATE TABLE public.leftover (
    port_id uuid NOT NULL,
    link_id uuid NOT NULL,
    vpn_id uuid NOT NULL,
    gateway_id uuid NOT NULL,
    generation bigint NOT NULL,
    label bigint NOT NULL,
    to_wan_kbps bigint NOT NULL,
    from_wan_kbps bigint NOT NULL,
    created_ms bigint NOT NULL,
    attachment_id uuid,
    peer_label bigint DEFAULT 0 NOT NULL,
    peer_address text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C"
);

COMMENT ON COLUMN public.leftover.peer_label IS 'which it sends to at the gateway of peer_address; 0 where the link was known';

CREATE TABLE public.timer (
    ref_id uuid NOT NULL,
    kind bigint NOT NULL,
    due_ms bigint NOT NULL,
    owner bigint NOT NULL,
    project_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT timer_kind_check CHECK (((kind >= 0) AND (kind <= 5)))
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='5000', autovacuum_vacuum_cost_delay='0');

COMMENT ON COLUMN public.timer.kind IS '0 operation, 1 gate, 2 plug, 3 audit, 4 circuit, 5 parent (a part of an operation has ended)';

COMMENT ON COLUMN public.timer.owner IS 'number of the conductor that sent what is waited for, or 0';

COMMENT ON COLUMN public.timer.project_id IS 'whose operation it is (kind 0), else empty';

CREATE VIEW public.open_work AS
 SELECT timer.project_id,
    count(*) AS operations
   FROM public.timer
  WHERE ((timer.kind = 0) AND (timer.project_id <> ''::text))
  GROUP BY timer.project_id;

CREATE TABLE public.operation (
    id uuid NOT NULL,
    project_id text NOT NULL COLLATE pg_catalog."C",
    request_id text NOT NULL COLLATE pg_catalog."C",
    link_id uuid,
    attachment_id uuid,
    kind bigint NOT NULL,
    state text NOT NULL COLLATE pg_catalog."C",
    result bigint NOT NULL,
    reason text NOT NULL COLLATE pg_catalog."C",
    retries bigint NOT NULL,
    started_ms bigint NOT NULL,
    finished_ms bigint NOT NULL,
    user_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    state_ms bigint DEFAULT 0 NOT NULL,
    parent_id uuid,
    vpn_id uuid,
    CONSTRAINT operation_kind_check CHECK (((kind >= 0) AND (kind <= 7))),
    CONSTRAINT operation_result_check CHECK (((result >= 0) AND (result <= 3)))
)
WITH (fillfactor='45');

COMMENT ON COLUMN public.operation.kind IS '0 create, 1 update, 2 delete, 3 attach, 4 detach, 5 enable, 6 disable, 7 connect';

COMMENT ON COLUMN public.operation.result IS '0 running, 1 done, 2 failed, 3 preempted';

COMMENT ON COLUMN public.operation.vpn_id IS 'of a connection: what its links are in';

CREATE TABLE public.project (
    id text NOT NULL COLLATE pg_catalog."C",
    created_ms bigint NOT NULL
);

CREATE TABLE public.vlink (
    id uuid NOT NULL,
    project_id text NOT NULL COLLATE pg_catalog."C",
    vpn_id uuid NOT NULL,
    pair_key text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    description text NOT NULL COLLATE pg_catalog."C",
    a_to_z_kbps bigint NOT NULL,
    z_to_a_kbps bigint NOT NULL,
    goal_a_to_z_kbps bigint NOT NULL,
    goal_z_to_a_kbps bigint NOT NULL,
    mtu bigint NOT NULL,
    provisioning bigint NOT NULL,
    operating bigint NOT NULL,
    status_reason text NOT NULL COLLATE pg_catalog."C",
    admin_state_up boolean NOT NULL,
    ignored text NOT NULL COLLATE pg_catalog."C",
    operation_id uuid,
    revision_number bigint NOT NULL,
    verified_ms bigint NOT NULL,
    created_ms bigint NOT NULL,
    updated_ms bigint NOT NULL,
    tags text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    exchange boolean DEFAULT false NOT NULL,
    wan_domain text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT vlink_operating_check CHECK (((operating >= 0) AND (operating <= 3))),
    CONSTRAINT vlink_provisioning_check CHECK (((provisioning >= 0) AND (provisioning <= 4)))
)
WITH (fillfactor='45');

COMMENT ON COLUMN public.vlink.provisioning IS '0 PENDING_CREATE, 1 ACTIVE, 2 PENDING_UPDATE, 3 PENDING_DELETE, 4 ERROR';

COMMENT ON COLUMN public.vlink.operating IS '0 ONLINE, 1 DEGRADED, 2 OFFLINE, 3 SCHEDULED';

CREATE TABLE public.vpn (
    id uuid NOT NULL,
    project_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    description text NOT NULL COLLATE pg_catalog."C",
    type text NOT NULL COLLATE pg_catalog."C",
    revision_number bigint NOT NULL,
    created_ms bigint NOT NULL,
    updated_ms bigint NOT NULL,
    tags text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    made_by uuid
)
WITH (fillfactor='45');

COMMENT ON COLUMN public.vpn.made_by IS 'the operation of the connection that made it';

CREATE VIEW public.project_use AS
 SELECT each.project_id,
    count(each.link) FILTER (WHERE (NOT each.link)) AS vpns,
    count(each.link) FILTER (WHERE each.link) AS links,
    (sum(each.kbps))::bigint AS kbps
   FROM ( SELECT vpn.project_id,
            false AS link,
            (0)::bigint AS kbps
           FROM public.vpn
        UNION ALL
         SELECT vlink.project_id,
            true,
            GREATEST(vlink.a_to_z_kbps, vlink.z_to_a_kbps, vlink.goal_a_to_z_kbps, vlink.goal_z_to_a_kbps) AS "greatest"
           FROM public.vlink) each
  GROUP BY each.project_id;

CREATE TABLE public.quota (
    project_id text NOT NULL COLLATE pg_catalog."C",
    vpns bigint NOT NULL,
    links bigint NOT NULL,
    kbps bigint NOT NULL
);

COMMENT ON TABLE public.quota IS '-1: no limit, -2: the conductor''s default';

CREATE TABLE public.redelivered (
    message text NOT NULL COLLATE pg_catalog."C",
    times bigint NOT NULL,
    at_ms bigint NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE public.request_key (
    project_id text NOT NULL COLLATE pg_catalog."C",
    key text NOT NULL COLLATE pg_catalog."C",
    request_hash text NOT NULL COLLATE pg_catalog."C",
    object_id uuid,
    answer text NOT NULL COLLATE pg_catalog."C",
    created_ms bigint NOT NULL
);

CREATE TABLE public.reservation (
    link_id uuid NOT NULL,
    resource_id uuid NOT NULL,
    direction bigint NOT NULL,
    kbps bigint NOT NULL,
    from_ms bigint NOT NULL,
    to_ms bigint NOT NULL,
    CONSTRAINT reservation_direction_check CHECK (((direction >= 0) AND (direction <= 1)))
)
WITH (fillfactor='45');

COMMENT ON COLUMN public.reservation.direction IS '0 to the WAN, 1 from the WAN';

COMMENT ON COLUMN public.reservation.to_ms IS '0: for ever';

CREATE TABLE public.schema_step (
    number bigint NOT NULL,
    name text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL,
    "least" bigint DEFAULT (NULLIF(current_setting('atlas.least'::text, true), ''::text))::bigint
);

COMMENT ON TABLE public.schema_step IS 'The files of sql/ that were applied here';

COMMENT ON COLUMN public.schema_step."least" IS 'Programs built for this step and later ones work; NULL: for none before this row''s';

CREATE TABLE public.site (
    id uuid NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    description text NOT NULL COLLATE pg_catalog."C",
    last_seen_ms bigint NOT NULL,
    created_ms bigint NOT NULL
)
WITH (fillfactor='45');

CREATE TABLE public.vpn_site (
    vpn_id uuid NOT NULL,
    site_id uuid NOT NULL,
    created_ms bigint NOT NULL,
    made_by uuid
);

COMMENT ON COLUMN public.vpn_site.made_by IS 'the operation of the connection that made it';

CREATE TABLE public.vport (
    id uuid NOT NULL,
    link_id uuid NOT NULL,
    project_id text NOT NULL COLLATE pg_catalog."C",
    side bigint NOT NULL,
    site_id uuid NOT NULL,
    site_name text NOT NULL COLLATE pg_catalog."C",
    gateway_id uuid NOT NULL,
    attachment_id uuid,
    label bigint NOT NULL,
    generation bigint NOT NULL,
    confirmed_generation bigint NOT NULL,
    wanted boolean NOT NULL,
    present boolean NOT NULL,
    tx_kbps bigint NOT NULL,
    rx_kbps bigint NOT NULL,
    reason text NOT NULL COLLATE pg_catalog."C",
    verified_ms bigint NOT NULL,
    created_ms bigint NOT NULL,
    holds boolean DEFAULT true NOT NULL,
    asked_network_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    asked_port_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT vport_side_check CHECK (((side >= 0) AND (side <= 1)))
)
WITH (fillfactor='45');

COMMENT ON COLUMN public.vport.side IS '0 a, 1 z';

COMMENT ON COLUMN public.vport.asked_network_id IS 'What the tenant wants this end plugged into, whatever became of it';

CREATE TABLE public.work (
    object_id uuid NOT NULL,
    gateway_id uuid NOT NULL,
    link_id uuid,
    kind bigint NOT NULL,
    generation bigint NOT NULL,
    want text NOT NULL COLLATE pg_catalog."C",
    request_id text NOT NULL COLLATE pg_catalog."C",
    created_ms bigint NOT NULL,
    project_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    tries bigint DEFAULT 0 NOT NULL,
    after_ms bigint DEFAULT 0 NOT NULL,
    peer_id uuid,
    CONSTRAINT work_kind_check CHECK (((kind >= 0) AND (kind <= 2)))
)
WITH (fillfactor='45', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='5000', autovacuum_vacuum_cost_delay='0');

COMMENT ON COLUMN public.work.kind IS '0 port, 1 attachment';

COMMENT ON COLUMN public.work.after_ms IS 'It is not sent before: this object, not its gateway, asked for a pause';

ALTER TABLE ONLY public.event ATTACH PARTITION public.event_other DEFAULT;

ALTER TABLE ONLY public.attachment
    ADD CONSTRAINT attachment_net_key_key UNIQUE (net_key);

ALTER TABLE ONLY public.attachment
    ADD CONSTRAINT attachment_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.attachment
    ADD CONSTRAINT attachment_vpn_key_key UNIQUE (vpn_key);

ALTER TABLE ONLY public.conductor
    ADD CONSTRAINT conductor_pkey PRIMARY KEY (number);

ALTER TABLE ONLY public.control
    ADD CONSTRAINT control_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (id, at_ms);

ALTER TABLE ONLY public.event_other
    ADD CONSTRAINT event_other_pkey PRIMARY KEY (id, at_ms);

ALTER TABLE ONLY public.exchange
    ADD CONSTRAINT exchange_pkey PRIMARY KEY (port_id);

ALTER TABLE ONLY public.found
    ADD CONSTRAINT found_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.gateway
    ADD CONSTRAINT gateway_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.gateway
    ADD CONSTRAINT gateway_site_id_name_key UNIQUE (site_id, name);

ALTER TABLE ONLY public.idempotency_key
    ADD CONSTRAINT idempotency_key_pkey PRIMARY KEY (project_id, method, key);

ALTER TABLE ONLY public.integer_in_use
    ADD CONSTRAINT integer_in_use_pkey PRIMARY KEY (gateway_id, kind, value);

ALTER TABLE ONLY public.leftover
    ADD CONSTRAINT leftover_pkey PRIMARY KEY (port_id);

ALTER TABLE ONLY public.operation
    ADD CONSTRAINT operation_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.project
    ADD CONSTRAINT project_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.quota
    ADD CONSTRAINT quota_pkey PRIMARY KEY (project_id);

ALTER TABLE ONLY public.redelivered
    ADD CONSTRAINT redelivered_pkey PRIMARY KEY (message);

ALTER TABLE ONLY public.request_key
    ADD CONSTRAINT request_key_pkey PRIMARY KEY (project_id, key);

ALTER TABLE ONLY public.reservation
    ADD CONSTRAINT reservation_pkey PRIMARY KEY (link_id, resource_id, direction);

ALTER TABLE ONLY public.schema_step
    ADD CONSTRAINT schema_step_pkey PRIMARY KEY (number);

ALTER TABLE ONLY public.site
    ADD CONSTRAINT site_name_key UNIQUE (name);

ALTER TABLE ONLY public.site
    ADD CONSTRAINT site_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.timer
    ADD CONSTRAINT timer_pkey PRIMARY KEY (ref_id, kind);

ALTER TABLE ONLY public.vlink
    ADD CONSTRAINT vlink_pair_key_key UNIQUE (pair_key);

ALTER TABLE ONLY public.vlink
    ADD CONSTRAINT vlink_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.vpn
    ADD CONSTRAINT vpn_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.vpn_site
    ADD CONSTRAINT vpn_site_pkey PRIMARY KEY (vpn_id, site_id);

ALTER TABLE ONLY public.vport
    ADD CONSTRAINT vport_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.work
    ADD CONSTRAINT work_pkey PRIMARY KEY (object_id);

CREATE INDEX attachment_gateway ON public.attachment USING btree (gateway_id);

CREATE INDEX attachment_vpn ON public.attachment USING btree (vpn_id);

CREATE INDEX event_object ON ONLY public.event USING btree (object_id, id);

CREATE INDEX event_operation ON ONLY public.event USING btree (operation_id, id);

CREATE INDEX event_other_object_id_id_idx ON public.event_other USING btree (object_id, id);

CREATE INDEX event_other_operation_id_id_idx ON public.event_other USING btree (operation_id, id);

CREATE INDEX event_project ON ONLY public.event USING btree (project_id, id);

CREATE INDEX event_other_project_id_id_idx ON public.event_other USING btree (project_id, id);

CREATE INDEX exchange_link ON public.exchange USING btree (link_id);

CREATE INDEX found_gateway ON public.found USING btree (gateway_id);

CREATE INDEX found_link ON public.found USING btree (link_id);

CREATE INDEX found_peer ON public.found USING btree (peer_address);

CREATE INDEX found_vpn ON public.found USING btree (vpn_id);

CREATE INDEX idempotency_key_created ON public.idempotency_key USING btree (created_ms);

CREATE INDEX idempotency_key_key ON public.idempotency_key USING btree (key);

CREATE INDEX integer_owner ON public.integer_in_use USING btree (owner_id);

CREATE INDEX integer_pool ON public.integer_in_use USING btree (pool) WHERE (pool IS NOT NULL);

CREATE INDEX leftover_gateway ON public.leftover USING btree (gateway_id);

CREATE INDEX leftover_peer ON public.leftover USING btree (peer_address);

CREATE INDEX operation_link ON public.operation USING btree (link_id);

CREATE INDEX operation_parent ON public.operation USING btree (parent_id) WHERE (parent_id IS NOT NULL);

CREATE INDEX operation_project ON public.operation USING btree (project_id, id);

CREATE INDEX request_key_created ON public.request_key USING btree (created_ms);

CREATE INDEX request_key_key ON public.request_key USING btree (key);

CREATE INDEX timer_due ON public.timer USING btree (due_ms);

CREATE INDEX timer_project ON public.timer USING btree (project_id) WHERE (project_id <> ''::text);

CREATE INDEX vlink_project ON public.vlink USING btree (project_id, id);

CREATE INDEX vlink_vpn ON public.vlink USING btree (vpn_id);

CREATE INDEX vpn_project ON public.vpn USING btree (project_id, id);

CREATE INDEX vport_attachment ON public.vport USING btree (attachment_id);

CREATE INDEX vport_gateway ON public.vport USING btree (gateway_id);

CREATE INDEX vport_link ON public.vport USING btree (link_id);

CREATE INDEX work_gateway ON public.work USING btree (gateway_id);

ALTER INDEX public.event_object ATTACH PARTITION public.event_other_object_id_id_idx;

ALTER INDEX public.event_operation ATTACH PARTITION public.event_other_operation_id_id_idx;

ALTER INDEX public.event_pkey ATTACH PARTITION public.event_other_pkey;

ALTER INDEX public.event_project ATTACH PARTITION public.event_other_project_id_id_idx;

GRANT ALL ON SCHEMA public TO atlas_owner;
GRANT USAGE ON SCHEMA public TO atlas_conductor;
GRANT USAGE ON SCHEMA public TO atlas_api;

REVOKE ALL ON FUNCTION public.event_months(keep_days bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.event_months(keep_days bigint) TO atlas_conductor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.attachment TO atlas_conductor;
GRANT SELECT ON TABLE public.attachment TO atlas_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.conductor TO atlas_conductor;
GRANT SELECT ON TABLE public.conductor TO atlas_api;

GRANT USAGE ON SEQUENCE public.conductor_number TO atlas_conductor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.control TO atlas_conductor;
GRANT SELECT ON TABLE public.control TO atlas_api;

GRANT SELECT,INSERT ON TABLE public.event TO atlas_conductor;
GRANT SELECT ON TABLE public.event TO atlas_api;

GRANT SELECT ON TABLE public.event_other TO atlas_conductor;
GRANT SELECT ON TABLE public.event_other TO atlas_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.exchange TO atlas_conductor;
GRANT SELECT ON TABLE public.exchange TO atlas_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.found TO atlas_conductor;
GRANT SELECT ON TABLE public.found TO atlas_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.gateway TO atlas_conductor;
GRANT SELECT ON TABLE public.gateway TO atlas_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.idempotency_key TO atlas_conductor;
GRANT SELECT ON TABLE public.idempotency_key TO atlas_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.integer_in_use TO atlas_conductor;
GRANT SELECT ON TABLE public.integer_in_use TO atlas_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.leftover TO atlas_conductor;
GRANT SELECT ON TABLE public.leftover TO atlas_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.timer TO atlas_conductor;
GRANT SELECT ON TABLE public.timer TO atlas_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.open_work TO atlas_conductor;
GRANT SELECT ON TABLE public.open_work TO atlas_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.operation TO atlas_conductor;
GRANT SELECT ON TABLE public.operation TO atlas_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.project TO atlas_conductor;
GRANT SELECT ON TABLE public.project TO atlas_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.vlink TO atlas_conductor;
GRANT SELECT ON TABLE public.vlink TO atlas_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.vpn TO atlas_conductor;
GRANT SELECT ON TABLE public.vpn TO atlas_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.project_use TO atlas_conductor;
GRANT SELECT ON TABLE public.project_use TO atlas_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.quota TO atlas_conductor;
GRANT SELECT ON TABLE public.quota TO atlas_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.redelivered TO atlas_conductor;
GRANT SELECT ON TABLE public.redelivered TO atlas_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.request_key TO atlas_conductor;
GRANT SELECT ON TABLE public.request_key TO atlas_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.reservation TO atlas_conductor;
GRANT SELECT ON TABLE public.reservation TO atlas_api;

GRANT SELECT ON TABLE public.schema_step TO atlas_conductor;
GRANT SELECT ON TABLE public.schema_step TO atlas_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.site TO atlas_conductor;
GRANT SELECT ON TABLE public.site TO atlas_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.vpn_site TO atlas_conductor;
GRANT SELECT ON TABLE public.vpn_site TO atlas_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.vport TO atlas_conductor;
GRANT SELECT ON TABLE public.vport TO atlas_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.work TO atlas_conductor;
GRANT SELECT ON TABLE public.work TO atlas_api;

ALTER DEFAULT PRIVILEGES FOR ROLE atlas_owner IN SCHEMA public GRANT USAGE ON SEQUENCES  TO atlas_conductor;

ALTER DEFAULT PRIVILEGES FOR ROLE atlas_owner IN SCHEMA public GRANT SELECT,INSERT,DELETE,UPDATE ON TABLES  TO atlas_conductor;
ALTER DEFAULT PRIVILEGES FOR ROLE atlas_owner IN SCHEMA public GRANT SELECT ON TABLES  TO atlas_api;
