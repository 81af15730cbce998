-- SPDX-License-Identifier: Apache-2.0
-- Whom an end sends to that was found at its gateway and given up: until it is gone, that label is nobody else's. Programs of the
-- step before go on working, and do not look.
SET LOCAL atlas.least = 13;

ALTER TABLE leftover ADD COLUMN peer_label bigint NOT NULL DEFAULT 0, ADD COLUMN peer_address text COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX leftover_peer ON leftover (peer_address);
COMMENT ON COLUMN leftover.peer_label IS 'which it sends to at the gateway of peer_address; 0 where the link was known';
