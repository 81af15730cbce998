# SPDX-License-Identifier: Apache-2.0
# ATLAS_SANITIZE: a comma list for -fsanitize=, given by the presets asan, tsan and fuzz.
set(ATLAS_SANITIZE "" CACHE STRING "Sanitizers, for example address,undefined")
if(ATLAS_SANITIZE)
        target_compile_options(atlas-house INTERFACE
                -fsanitize=${ATLAS_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer
                # What gcc cannot follow through the sanitizers' own code.
                -Wno-null-dereference
                $<$<C_COMPILER_ID:GNU>:-Wno-maybe-uninitialized -Wno-format-truncation -Wno-stringop-overflow>)
        target_link_options(atlas-house INTERFACE -fsanitize=${ATLAS_SANITIZE})
endif()
