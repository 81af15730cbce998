-- SPDX-License-Identifier: Apache-2.0
-- Connections: one operation over the operations of several links, which have it as their parent. What it made besides them says so,
-- for that goes with it when it fails. Older programs do not know such operations, so they stop at this step.

ALTER TABLE operation DROP CONSTRAINT operation_kind_check;
ALTER TABLE operation ADD CONSTRAINT operation_kind_check CHECK (kind BETWEEN 0 AND 7);
ALTER TABLE operation ADD COLUMN parent_id uuid, ADD COLUMN vpn_id uuid;
CREATE INDEX operation_parent ON operation (parent_id) WHERE parent_id IS NOT NULL;
COMMENT ON COLUMN operation.kind IS '0 create, 1 update, 2 delete, 3 attach, 4 detach, 5 enable, 6 disable, 7 connect';
COMMENT ON COLUMN operation.vpn_id IS 'of a connection: what its links are in';

ALTER TABLE vpn ADD COLUMN made_by uuid;
ALTER TABLE vpn_site ADD COLUMN made_by uuid;
COMMENT ON COLUMN vpn.made_by IS 'the operation of the connection that made it';
COMMENT ON COLUMN vpn_site.made_by IS 'the operation of the connection that made it';

ALTER TABLE timer DROP CONSTRAINT timer_kind_check;
ALTER TABLE timer ADD CONSTRAINT timer_kind_check CHECK (kind BETWEEN 0 AND 5);
COMMENT ON COLUMN timer.kind IS '0 operation, 1 gate, 2 plug, 3 audit, 4 circuit, 5 parent (a part of an operation has ended)';
