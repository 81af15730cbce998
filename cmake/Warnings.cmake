# SPDX-License-Identifier: Apache-2.0
# The one interface target every target of ours links: the language, the warnings, the include root.
option(ATLAS_FAILPOINTS "Compile the named failpoints of base/failpoint.h in" ON)
option(ATLAS_HARDEN "Fortify, stack protector, position-independent, read-only relocations" OFF)

add_library(atlas-house INTERFACE)
target_include_directories(atlas-house INTERFACE "${PROJECT_SOURCE_DIR}/src")
target_compile_features(atlas-house INTERFACE c_std_17)
target_compile_definitions(atlas-house INTERFACE
        _GNU_SOURCE
        ATLAS_VERSION="${PROJECT_VERSION}"
        $<$<BOOL:${ATLAS_FAILPOINTS}>:ATLAS_FAILPOINTS_ENABLED>)
target_compile_options(atlas-house INTERFACE
        -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
        -Wformat=2 -Wvla -Walloca -Wundef -Wpointer-arith -Wwrite-strings -Wcast-qual
        -Wimplicit-fallthrough -Wnull-dereference -Wdouble-promotion -Wconversion
        -Wno-sign-conversion
        -fno-common)
target_link_libraries(atlas-house INTERFACE Threads::Threads)

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(ATLAS_HARDEN)
        set(CMAKE_POSITION_INDEPENDENT_CODE ON)
        target_compile_options(atlas-house INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
                -fstack-protector-strong)
        target_link_options(atlas-house INTERFACE -pie -Wl,-z,relro,-z,now)
endif()

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_C_COMPILER_LAUNCHER)
        set(CMAKE_C_COMPILER_LAUNCHER "${CCACHE}")
endif()
