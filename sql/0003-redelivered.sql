-- SPDX-License-Identifier: Apache-2.0
-- Messages that came again: how often each was begun without an end. Counted before a message is processed, taken away in the
-- transaction that does it; what reaches the limit becomes a dead letter.

CREATE TABLE redelivered (
        message text COLLATE "C" PRIMARY KEY,
        times   bigint NOT NULL,
        at_ms   bigint NOT NULL
) WITH (fillfactor = 50);

-- What is under way, by project: counted when more is asked for.
CREATE INDEX operation_open ON operation (project_id) WHERE result = 0;
CREATE VIEW open_work AS
        SELECT project_id, count(*) AS operations FROM operation WHERE result = 0 GROUP BY project_id;
