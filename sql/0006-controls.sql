-- SPDX-License-Identifier: Apache-2.0
-- What an operator holds in hand: the freeze of everything, and the brake of each gateway's repairs.

CREATE TABLE control (
        name     text COLLATE "C" PRIMARY KEY,
        is_on    boolean NOT NULL,
        reason   text COLLATE "C" NOT NULL,
        user_id  text COLLATE "C" NOT NULL,
        since_ms bigint NOT NULL
);
ALTER TABLE gateway ADD COLUMN brake bigint NOT NULL DEFAULT 0 CHECK (brake BETWEEN 0 AND 2);
COMMENT ON COLUMN gateway.brake IS '0 armed, 1 halted, 2 released';
