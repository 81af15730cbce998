-- SPDX-License-Identifier: Apache-2.0
-- The rows that :n links write on their way to ACTIVE, in the conductor's two transactions and nothing else: for pgbench -D n=64.
\set base random(1, 4000000000000)
BEGIN;
CREATE TEMP TABLE IF NOT EXISTS one (i bigint, link uuid, operation uuid, a uuid, z uuid, at bigint);
TRUNCATE one;
INSERT INTO one SELECT i, md5(:base || ' link ' || i)::uuid, md5(:base || ' operation ' || i)::uuid, md5(:base || ' a ' || i)::uuid,
                       md5(:base || ' z ' || i)::uuid, extract(epoch FROM now())::bigint * 1000 FROM generate_series(1, :n) i;
INSERT INTO vlink SELECT link, 'floor', link, 'floor:' || link, 'paris-lyon', '', 1000, 2000, 1000, 2000, 1500, 0, 2, '', true, '[]', operation, 1, 0, at, at FROM one;
INSERT INTO vport (id, link_id, project_id, side, site_id, site_name, gateway_id, label, generation, confirmed_generation, wanted, present, tx_kbps, rx_kbps, reason, verified_ms, created_ms)
        SELECT port, link, 'floor', side, link, 'bench-a', gateway, 16 + i, 1, 0, true, false, 1000, 2000, '', 0, at
        FROM one, LATERAL (VALUES (0, a), (1, z)) AS ends(side, port), LATERAL (SELECT md5('gw' || (i + side) % 64)::uuid AS gateway) AS g;
INSERT INTO operation SELECT operation, 'floor', 'req-' || operation, link, NULL, 0, 'ports', 0, '', 0, at, 0 FROM one;
INSERT INTO work (object_id, gateway_id, link_id, kind, generation, want, request_id, created_ms)
        SELECT port, gateway, link, 0, 1, repeat('w', 500), 'req-' || operation, at
        FROM one, LATERAL (VALUES (0, a), (1, z)) AS ends(side, port), LATERAL (SELECT md5('gw' || (i + side) % 64)::uuid AS gateway) AS g;
INSERT INTO timer SELECT operation, 0, at + 3600000, 0, 'floor' FROM one;
INSERT INTO integer_in_use SELECT port, 0, i, port, NULL, 0 FROM one, LATERAL (VALUES (a), (z)) AS ends(port);
INSERT INTO reservation SELECT link, port, direction, 1000, 0, 0 FROM one, LATERAL (VALUES (a), (z)) AS ends(port), generate_series(0, 1) direction;
INSERT INTO event SELECT 'floor', 'virtual_link', link, operation, 'req-' || operation, 'operation.step', 101, 'asked', 'ports', '', '', at, '', 0, event_id(i * 4 + j)
        FROM one, generate_series(0, 2) j;
COMMIT;
BEGIN;
UPDATE vlink SET provisioning = 1, operating = 0, operation_id = NULL, revision_number = 2, updated_ms = at FROM one WHERE id = link;
UPDATE vport SET confirmed_generation = 1, present = true, verified_ms = at FROM one WHERE id IN (a, z);
UPDATE operation SET state = 'done', result = 1, finished_ms = at FROM one WHERE id = operation;
DELETE FROM work USING one WHERE object_id IN (a, z);
DELETE FROM timer USING one WHERE ref_id = operation AND kind = 0;
INSERT INTO event SELECT 'floor', 'virtual_link', link, operation, 'req-' || operation, 'virtual_link.create.end', 105, 'ports', 'done', '', '', at, '', 0, event_id(i) FROM one;
COMMIT;
