# SPDX-License-Identifier: Apache-2.0
# One cmocka program per test file.
#
#   atlas_test(test_vlink.c)                        in tests/unit/model: label unit, links src/model
#   atlas_test(test_pg.c LABEL integration LINK store SUPPORT pg.c PRIVATE PostgreSQL::PostgreSQL)
#
# The test is named by its path below tests/ ("unit/model/test_vlink"). LABEL is the first folder of
# that path unless given, LINK the rest of it where such a folder of src/ exists. LINK adds folders,
# SOURCES files beside the test, SUPPORT files of tests/support, PRIVATE targets. TIMEOUT is in seconds.
# atlas_sample(atlas-api) checks etc/atlas-api.conf against what the program prints.

# cmocka's assertions end a test in a way the compiler cannot see.
add_library(atlas-test-house INTERFACE)
target_compile_options(atlas-test-house INTERFACE -Wno-null-dereference)

function(atlas_test_program name main)
        cmake_parse_arguments(PARSE_ARGV 2 A "" "" "LINK;SOURCES;SUPPORT;PRIVATE")
        list(TRANSFORM A_SUPPORT PREPEND "${PROJECT_SOURCE_DIR}/tests/support/")
        add_executable(${name} ${main} ${A_SOURCES} ${A_SUPPORT})
        target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
        target_compile_definitions(${name} PRIVATE
                ATLAS_SOURCE_DIR="${PROJECT_SOURCE_DIR}" ATLAS_BINARY_DIR="${PROJECT_BINARY_DIR}")
        foreach(folder IN LISTS A_LINK)
                atlas_target(${folder} library)
                target_link_libraries(${name} PRIVATE ${library})
        endforeach()
        target_link_libraries(${name} PRIVATE atlas-house atlas-test-house ${A_PRIVATE})
endfunction()

function(atlas_test path)
        cmake_parse_arguments(PARSE_ARGV 1 A "" "LABEL;TIMEOUT" "LINK;SOURCES;SUPPORT;PRIVATE")
        if(A_UNPARSED_ARGUMENTS)
                message(FATAL_ERROR "atlas_test(${path}): unknown ${A_UNPARSED_ARGUMENTS}")
        endif()
        cmake_path(ABSOLUTE_PATH path NORMALIZE OUTPUT_VARIABLE file)
        cmake_path(RELATIVE_PATH file BASE_DIRECTORY "${PROJECT_SOURCE_DIR}/tests"
                OUTPUT_VARIABLE test)
        string(REGEX REPLACE "\\.c$" "" test "${test}")
        string(REGEX MATCH "^([a-z]+)/(.*/)?[^/]+$" matched "${test}")
        set(label "${CMAKE_MATCH_1}")
        string(REGEX REPLACE "/$" "" folder "${CMAKE_MATCH_2}")
        if(A_LABEL)
                set(label "${A_LABEL}")
        endif()
        if(folder IN_LIST ATLAS_FOLDERS)
                list(PREPEND A_LINK "${folder}")
        endif()
        if(NOT A_TIMEOUT)
                set(A_TIMEOUT 60)
        endif()
        string(REPLACE "/" "-" name "${test}")
        atlas_test_program(${name} "${file}" LINK ${A_LINK} SOURCES ${A_SOURCES}
                SUPPORT ${A_SUPPORT} PRIVATE PkgConfig::cmocka ${A_PRIVATE})
        add_test(NAME "${test}" COMMAND ${name})
        set_tests_properties("${test}" PROPERTIES LABELS "${label}" TIMEOUT "${A_TIMEOUT}"
                ENVIRONMENT "UBSAN_OPTIONS=print_stacktrace=1")
endfunction()

function(atlas_sample program)
        add_test(NAME "lint/sample-${program}"
                COMMAND "${PROJECT_SOURCE_DIR}/tests/lint/sample.sh" "$<TARGET_FILE:${program}>"
                        "${PROJECT_SOURCE_DIR}/etc/${program}.conf")
        set_tests_properties("lint/sample-${program}" PROPERTIES LABELS lint TIMEOUT 60)
endfunction()
