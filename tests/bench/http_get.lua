-- SPDX-License-Identifier: Apache-2.0
-- wrk: GET one link after the other, in random order; their ids are in the file ATLAS_BENCH_IDS.
local requests = {}
local at = 0
function init(args)
        math.randomseed(os.time())
        for id in io.lines(os.getenv("ATLAS_BENCH_IDS")) do
                requests[#requests + 1] = wrk.format("GET", "/v1/virtual-links/" .. id)
        end
        at = math.random(#requests)
end
function request()
        at = at % #requests + 1
        return requests[at]
end
