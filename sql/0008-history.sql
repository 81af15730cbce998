-- SPDX-License-Identifier: Apache-2.0
-- History by months, with who asked and how long each state lasted; and what a step of the schema means for older programs.
--
-- From here on a file may begin with the number of the oldest step whose programs work on with it:
--      SET LOCAL atlas.least = N;
-- One without it ends the work of all older programs. So that they work on, new columns have defaults.

ALTER TABLE schema_step ADD COLUMN least bigint;
ALTER TABLE schema_step ALTER COLUMN least SET DEFAULT nullif(current_setting('atlas.least', true), '')::bigint;
COMMENT ON COLUMN schema_step.least IS 'Programs built for this step and later ones work; NULL: for none before this row''s';
SET LOCAL atlas.least = 7;

ALTER TABLE operation ADD COLUMN user_id text COLLATE "C" NOT NULL DEFAULT '', ADD COLUMN state_ms bigint NOT NULL DEFAULT 0;

-- The same columns, and two more. Each month has a table event_YYYY_MM, made ahead by event_months(); the first
-- of them holds all that was before, and event_other what no month's table would take. Ids stay unique because they are made so.
ALTER TABLE event RENAME TO event_before;
ALTER TABLE event_before RENAME CONSTRAINT event_pkey TO event_before_pkey;
ALTER INDEX event_project RENAME TO event_before_project;
ALTER INDEX event_object RENAME TO event_before_object;
ALTER INDEX event_operation RENAME TO event_before_operation;
ALTER TABLE event_before ADD COLUMN user_id text COLLATE "C" NOT NULL DEFAULT '', ADD COLUMN duration_ms bigint NOT NULL DEFAULT 0;
ALTER TABLE event_before DROP CONSTRAINT event_before_pkey;
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
        user_id      text COLLATE "C" NOT NULL DEFAULT '',
        duration_ms  bigint NOT NULL DEFAULT 0,
        id           bigint,
        PRIMARY KEY (id, at_ms)
) PARTITION BY RANGE (at_ms);
CREATE INDEX event_project ON event (project_id, id);
CREATE INDEX event_object ON event (object_id, id);
CREATE INDEX event_operation ON event (operation_id, id);
CREATE TABLE event_other PARTITION OF event DEFAULT;

CREATE FUNCTION event_month_ms(month timestamp) RETURNS bigint LANGUAGE sql STABLE
        AS $$ SELECT (extract(epoch FROM month) * 1000)::bigint $$;

DO $$
DECLARE
        month timestamp := date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC');
        name  text := to_char(month, '"event_"YYYY_MM');
BEGIN
        EXECUTE format('ALTER TABLE event_before RENAME TO %I', name);
        EXECUTE format('ALTER TABLE event ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%s)', name,
                       event_month_ms(month + interval '1 month'));
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'atlas_conductor') THEN
                EXECUTE format('REVOKE INSERT ON %I FROM atlas_conductor', name);
        END IF;
END
$$;

-- The tables of this month and the next three; without those that ended 'keep_days' ago. A conductor may call it, but not
-- take history that is younger than a month, nor any single row. How many tables were made or dropped.
CREATE FUNCTION event_months(keep_days bigint) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
        SET search_path FROM CURRENT SET lock_timeout = '1s' AS $$
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
$$;
REVOKE EXECUTE ON FUNCTION event_months FROM PUBLIC;
SELECT event_months(400);

DO $$
BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'atlas_conductor') THEN
                REVOKE UPDATE, DELETE ON event FROM atlas_conductor;
                REVOKE INSERT, UPDATE, DELETE ON event_other FROM atlas_conductor; -- history is only added to
                REVOKE INSERT, UPDATE, DELETE ON schema_step FROM atlas_conductor;
                GRANT EXECUTE ON FUNCTION event_months TO atlas_conductor;
        END IF;
END
$$;
