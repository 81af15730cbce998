-- SPDX-License-Identifier: Apache-2.0
-- What tenants mark their VPNs and links with: sorted, joined by commas.

ALTER TABLE vpn ADD COLUMN tags text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE vlink ADD COLUMN tags text COLLATE "C" NOT NULL DEFAULT '';
