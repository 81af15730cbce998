-- SPDX-License-Identifier: Apache-2.0
-- A database that was restored from a backup: gateways are read before they are believed, and what no row knows is listed.
SET LOCAL atlas.least = 8;

-- The restore (its since_ms in control) after which a gateway was read; 0 before the first, -1: to be read.
ALTER TABLE gateway ADD COLUMN read_ms bigint NOT NULL DEFAULT 0;

-- The other end's gateway: what one end becomes waits until both were read.
ALTER TABLE work ADD COLUMN peer_id uuid;
UPDATE work SET peer_id = peer.gateway_id FROM vport AS own, vport AS peer
        WHERE own.id = work.object_id AND peer.link_id = own.link_id AND peer.side <> own.side;

-- What is at a gateway and no row knows, or none as it is there. It keeps its integer and its bandwidth until an operator decides.
CREATE TABLE found (
        id            uuid PRIMARY KEY,
        gateway_id    uuid NOT NULL,
        kind          bigint NOT NULL CHECK (kind BETWEEN 0 AND 1),
        link_id       uuid,
        vpn_id        uuid,
        attachment_id uuid,
        generation    bigint NOT NULL,
        number        bigint NOT NULL,
        peer_label    bigint NOT NULL,
        peer_address  text COLLATE "C" NOT NULL,
        tx_kbps       bigint NOT NULL,
        rx_kbps       bigint NOT NULL,
        mtu           bigint NOT NULL,
        vif_id        text COLLATE "C" NOT NULL,
        network_id    text COLLATE "C" NOT NULL,
        neutron_port_id text COLLATE "C" NOT NULL,
        holds         boolean NOT NULL,
        created_ms    bigint NOT NULL
);
CREATE INDEX found_gateway ON found (gateway_id);
CREATE INDEX found_link ON found (link_id);
CREATE INDEX found_vpn ON found (vpn_id);
CREATE INDEX found_peer ON found (peer_address);
COMMENT ON COLUMN found.kind IS '0 port, 1 attachment';
COMMENT ON COLUMN found.number IS 'its label or tag; 0 until its gateway was asked for it';
