-- SPDX-License-Identifier: Apache-2.0
-- The three roles, and the table that knows which files of this folder were applied. Each file is applied
-- once, in one transaction, by `atlas-manage db sync`; from the second file on as role atlas_owner where the
-- connection may. Roles are made without a password where they are missing and the connection may make them;
-- a database without them belongs to whoever made it.

DO $$
DECLARE
        wanted text;
BEGIN
        FOREACH wanted IN ARRAY ARRAY['atlas_owner', 'atlas_conductor', 'atlas_api'] LOOP
                IF EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
                        CONTINUE;
                END IF;
                IF EXISTS (SELECT FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolcreaterole)) THEN
                        BEGIN
                                EXECUTE format('CREATE ROLE %I LOGIN', wanted);
                        EXCEPTION WHEN duplicate_object OR unique_violation THEN
                                NULL; -- another database of the same cluster was faster
                        END;
                END IF;
        END LOOP;
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = current_user AND rolsuper) THEN
                EXECUTE format('GRANT CREATE, USAGE ON SCHEMA %I TO atlas_owner', current_schema());
                EXECUTE format('GRANT USAGE ON SCHEMA %I TO atlas_conductor, atlas_api', current_schema());
                SET LOCAL ROLE atlas_owner;
        END IF;
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'atlas_conductor') THEN
                EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO atlas_conductor', current_schema());
                EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT USAGE ON SEQUENCES TO atlas_conductor', current_schema());
        END IF;
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'atlas_api') THEN
                EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT ON TABLES TO atlas_api', current_schema());
        END IF;
END
$$;

CREATE TABLE schema_step (
        number     bigint PRIMARY KEY,
        name       text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE schema_step IS 'The files of sql/ that were applied here';
