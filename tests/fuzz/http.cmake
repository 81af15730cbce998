# SPDX-License-Identifier: Apache-2.0
atlas_fuzzer(http_request LINK http)

# What proxies read in two ways has to be the same in pieces too.
if(NOT ATLAS_LIBFUZZER)
        add_test(NAME fuzz/http_smuggling
                COMMAND fuzz-http_request "${PROJECT_SOURCE_DIR}/tests/data/corpus/http_smuggling")
        set_tests_properties(fuzz/http_smuggling PROPERTIES LABELS fuzz TIMEOUT 120)
endif()
