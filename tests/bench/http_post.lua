-- SPDX-License-Identifier: Apache-2.0
-- wrk: creates links, 64 in each VPN in turn; the VPNs' ids are in the file ATLAS_BENCH_VPNS.
local bodies = {}
local n = 0
function init(args)
        for id in io.lines(os.getenv("ATLAS_BENCH_VPNS")) do
                bodies[#bodies + 1] = '{"virtual_link": {"vpn_id": "' .. id .. '", "endpoints": [{"site_id": "bench-a"}, ' ..
                        '{"site_id": "bench-z"}], "bandwidth": {"a_to_z_kbps": 1000, "z_to_a_kbps": 1000}}}'
        end
end
function request()
        n = n + 1
        return wrk.format("POST", "/v1/virtual-links", nil, bodies[math.floor(n / 64) % #bodies + 1])
end
