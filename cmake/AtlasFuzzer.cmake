# SPDX-License-Identifier: Apache-2.0
# A fuzz target is one file with LLVMFuzzerTestOneInput().
#
#   atlas_fuzzer(config LINK base)      tests/fuzz/config.c; corpus in tests/data/corpus/config/
#
# Every build replays the corpus with a plain main() as test fuzz/<name>. The preset fuzz (clang)
# builds libFuzzer programs instead: build/fuzz/tests/fuzz/fuzz-config tests/data/corpus/config
option(ATLAS_LIBFUZZER "Build the fuzz targets with libFuzzer (clang)" OFF)

function(atlas_fuzzer target)
        cmake_parse_arguments(PARSE_ARGV 1 A "" "" "LINK;SOURCES;SUPPORT;PRIVATE")
        if(A_UNPARSED_ARGUMENTS)
                message(FATAL_ERROR "atlas_fuzzer(${target}): unknown ${A_UNPARSED_ARGUMENTS}")
        endif()
        set(name "fuzz-${target}")
        set(corpus "${PROJECT_SOURCE_DIR}/tests/data/corpus/${target}")
        if(NOT ATLAS_LIBFUZZER)
                list(APPEND A_SOURCES "${PROJECT_SOURCE_DIR}/tests/fuzz/main.c")
        endif()
        atlas_test_program(${name} ${target}.c LINK ${A_LINK} SOURCES ${A_SOURCES}
                SUPPORT ${A_SUPPORT} PRIVATE ${A_PRIVATE})
        if(ATLAS_LIBFUZZER)
                target_link_options(${name} PRIVATE -fsanitize=fuzzer)
                add_test(NAME "fuzz/${target}" COMMAND ${name} -runs=0 "${corpus}")
        else()
                add_test(NAME "fuzz/${target}" COMMAND ${name} "${corpus}")
        endif()
        set_tests_properties("fuzz/${target}" PROPERTIES LABELS fuzz TIMEOUT 120)
endfunction()
