-- SPDX-License-Identifier: Apache-2.0
-- What a project has under way is counted by the timers of its operations: the index that told it by an operation's result made
-- every end of an operation write all of that table's indexes.
SET LOCAL atlas.least = 7;

ALTER TABLE timer ADD COLUMN project_id text COLLATE "C" NOT NULL DEFAULT '';
COMMENT ON COLUMN timer.project_id IS 'whose operation it is (kind 0), else empty';
UPDATE timer SET project_id = operation.project_id FROM operation WHERE timer.kind = 0 AND operation.id = timer.ref_id;
CREATE INDEX timer_project ON timer (project_id) WHERE project_id <> '';

CREATE OR REPLACE VIEW open_work AS
        SELECT project_id, count(*) AS operations FROM timer WHERE kind = 0 AND project_id <> '' GROUP BY project_id;
DROP INDEX operation_open;
