-- SPDX-License-Identifier: Apache-2.0
-- Links that are switched off and on, links that are deleted by force, and answers kept under Idempotency-Keys for every
-- method. Programs of the step before go on working: request_key stays for them, and goes in a later step.

ALTER TABLE operation DROP CONSTRAINT operation_kind_check;
ALTER TABLE operation ADD CONSTRAINT operation_kind_check CHECK (kind BETWEEN 0 AND 6);
COMMENT ON COLUMN operation.kind IS '0 create, 1 update, 2 delete, 3 attach, 4 detach, 5 enable, 6 disable';

ALTER TABLE vport ADD COLUMN holds boolean NOT NULL DEFAULT true;
UPDATE vport SET holds = false WHERE NOT wanted;

CREATE TABLE leftover (
        port_id       uuid PRIMARY KEY,
        link_id       uuid NOT NULL,
        vpn_id        uuid NOT NULL,
        gateway_id    uuid NOT NULL,
        generation    bigint NOT NULL,
        label         bigint NOT NULL,
        to_wan_kbps   bigint NOT NULL,
        from_wan_kbps bigint NOT NULL,
        created_ms    bigint NOT NULL
);
CREATE INDEX leftover_gateway ON leftover (gateway_id);

CREATE TABLE idempotency_key (
        project_id   text COLLATE "C",
        method       text COLLATE "C",
        key          text COLLATE "C",
        request_hash text COLLATE "C" NOT NULL,
        object_id    uuid,
        answer       text COLLATE "C" NOT NULL,
        created_ms   bigint NOT NULL,
        PRIMARY KEY (project_id, method, key)
);
CREATE INDEX idempotency_key_key ON idempotency_key (key);
CREATE INDEX idempotency_key_created ON idempotency_key (created_ms);
INSERT INTO idempotency_key SELECT project_id, 'create_virtual_link', key, request_hash, object_id,
        '{"virtual_link":' || answer || '}', created_ms FROM request_key;
