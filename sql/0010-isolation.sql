-- SPDX-License-Identifier: Apache-2.0
-- What keeps one object, project or gateway from holding up others: waiting desires know whose they are and when each may be
-- tried again, gateways why they do not answer. And what an end was asked to be plugged into, for building it again.
SET LOCAL atlas.least = 8;

ALTER TABLE work ADD COLUMN project_id text COLLATE "C" NOT NULL DEFAULT '', ADD COLUMN tries bigint NOT NULL DEFAULT 0,
        ADD COLUMN after_ms bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN work.after_ms IS 'It is not sent before: this object, not its gateway, asked for a pause';

ALTER TABLE gateway ADD COLUMN reason text COLLATE "C" NOT NULL DEFAULT '', ADD COLUMN observe_only boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN gateway.reason IS 'Why its last command came to nothing';

ALTER TABLE vport ADD COLUMN asked_network_id text COLLATE "C" NOT NULL DEFAULT '',
        ADD COLUMN asked_port_id text COLLATE "C" NOT NULL DEFAULT '';
COMMENT ON COLUMN vport.asked_network_id IS 'What the tenant wants this end plugged into, whatever became of it';

INSERT INTO control (name, is_on, reason, user_id, since_ms) VALUES ('freeze', false, '', '', 0) ON CONFLICT DO NOTHING;
