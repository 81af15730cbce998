-- SPDX-License-Identifier: Apache-2.0
-- Links whose way over the WAN a WAN driver makes. Programs of the step before go on working, but know nothing of such links:
-- sections [wan:DOMAIN] come into the settings when every conductor is new.
SET LOCAL atlas.least = 8;

ALTER TABLE vlink ADD COLUMN wan_domain text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE leftover ADD COLUMN attachment_id uuid;
ALTER TABLE work DROP CONSTRAINT work_kind_check, ADD CONSTRAINT work_kind_check CHECK (kind BETWEEN 0 AND 2);
ALTER TABLE timer DROP CONSTRAINT timer_kind_check, ADD CONSTRAINT timer_kind_check CHECK (kind BETWEEN 0 AND 4);
COMMENT ON COLUMN timer.kind IS '0 operation, 1 gate, 2 plug, 3 audit, 4 circuit';
