-- SPDX-License-Identifier: Apache-2.0
-- Quotas: what an operator has set for a project, and what it has. A row of project stands for no more than its lock, which
-- who adds to a project with a limit takes before he counts.

CREATE TABLE project (
        id         text COLLATE "C" PRIMARY KEY,
        created_ms bigint NOT NULL
);

CREATE TABLE quota (
        project_id text COLLATE "C" PRIMARY KEY,
        vpns       bigint NOT NULL,
        links      bigint NOT NULL,
        kbps       bigint NOT NULL
);
COMMENT ON TABLE quota IS '-1: no limit, -2: the conductor''s default';

-- A link counts with the greater of its directions and, while it changes, of old and new.
CREATE VIEW project_use AS
        SELECT project_id, count(link) FILTER (WHERE NOT link) AS vpns, count(link) FILTER (WHERE link) AS links, sum(kbps)::bigint AS kbps
        FROM (SELECT project_id, false AS link, 0::bigint AS kbps FROM vpn
              UNION ALL
              SELECT project_id, true, greatest(a_to_z_kbps, z_to_a_kbps, goal_a_to_z_kbps, goal_z_to_a_kbps) FROM vlink) AS each
        GROUP BY project_id;
