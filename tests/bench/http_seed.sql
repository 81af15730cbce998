-- SPDX-License-Identifier: Apache-2.0
-- What the HTTP bench reads: 100 000 links of one project, each with two ports, 1 000 VPNs with an attachment at each end.
-- The database has two sites from `link_bench seed`; here they were seen far in the future, so that nothing is silent.
UPDATE site SET last_seen_ms = 4102444800000;

CREATE FUNCTION pg_temp.id(kind text, n bigint) RETURNS uuid LANGUAGE sql AS
        $$ SELECT md5('http-bench ' || kind || n)::uuid $$;
CREATE TEMP TABLE end_of AS SELECT row_number() OVER (ORDER BY name) - 1 AS side, id, name FROM site;

INSERT INTO attachment (id, project_id, vpn_id, vpn_key, site_id, gateway_id, gateway_name, site_name, tag, n_ports, vif_id, generation,
                        confirmed_generation, wanted, present, reason, plug, plug_generation, plug_sent, plug_clear_ms, network_id,
                        port_id, neutron_port_id, left_port_id, plug_reason, created_ms)
        SELECT pg_temp.id('attachment', v * 2 + side), 'bench', pg_temp.id('vpn', v), v || ':' || side, e.id, pg_temp.id('gateway', side),
               'gw', e.name, 100 + v, 100, 'ca1:bench:gw:' || v, 1, 1, true, true, '', 0, 0, 0, 0, '', '', '', '', '', 1700000000000
        FROM generate_series(0, 999) v, end_of e;
INSERT INTO vlink (id, project_id, vpn_id, pair_key, name, description, a_to_z_kbps, z_to_a_kbps, goal_a_to_z_kbps, goal_z_to_a_kbps,
                   mtu, provisioning, operating, status_reason, admin_state_up, ignored, revision_number, verified_ms, created_ms, updated_ms)
        SELECT pg_temp.id('link', n), 'bench', pg_temp.id('vpn', n % 1000), 'bench:' || n, 'link ' || n, 'one of many', 10000, 10000,
               10000, 10000, 1500, 1, 0, '', true, '[]', 2, 1700000000000, 1700000000000, 1700000000000
        FROM generate_series(1, 100000) n;
INSERT INTO vport (id, link_id, project_id, side, site_id, site_name, gateway_id, attachment_id, label, generation,
                   confirmed_generation, wanted, present, tx_kbps, rx_kbps, reason, verified_ms, created_ms)
        SELECT pg_temp.id('port', n * 2 + side), pg_temp.id('link', n), 'bench', side, e.id, e.name, pg_temp.id('gateway', side),
               pg_temp.id('attachment', (n % 1000) * 2 + side), n, 1, 1, true, true, 10000, 10000, '', 1700000000000, 1700000000000
        FROM generate_series(1, 100000) n, end_of e;
VACUUM ANALYZE;
