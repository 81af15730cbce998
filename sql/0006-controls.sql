-- SPDX-License-Identifier: Apache-2.0
-- What the ends of a link make for each other; and what an operator holds in hand: the freeze of everything, and the brake
-- of each gateway's repairs.

ALTER TABLE vlink ADD COLUMN exchange boolean NOT NULL DEFAULT false;
CREATE TABLE exchange (
        port_id uuid PRIMARY KEY,
        link_id uuid NOT NULL,
        object  text COLLATE "C" NOT NULL,
        given   text COLLATE "C" NOT NULL
);
CREATE INDEX exchange_link ON exchange (link_id);

CREATE TABLE control (
        name     text COLLATE "C" PRIMARY KEY,
        is_on    boolean NOT NULL,
        reason   text COLLATE "C" NOT NULL,
        user_id  text COLLATE "C" NOT NULL,
        since_ms bigint NOT NULL
);
ALTER TABLE gateway ADD COLUMN brake bigint NOT NULL DEFAULT 0 CHECK (brake BETWEEN 0 AND 2);
COMMENT ON COLUMN gateway.brake IS '0 armed, 1 halted, 2 released';
