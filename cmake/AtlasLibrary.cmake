# SPDX-License-Identifier: Apache-2.0
# One static library per folder of src/, linked to the floors that src/FLOORS gives it and no others.
#
#   atlas_library(drivers/ssh SOURCES ssh.c PRIVATE PkgConfig::libssh2)  -> target lib-drivers-ssh
#   atlas_program(atlas-api FOLDER api-server)    main.c of that folder + its library
#
# A program's folder has both: everything but main.c is in the library, so that tests and the
# simulation can link it.

# ATLAS_FOLDERS: all folders, in order. ATLAS_FLOOR_<folder>: what it may include.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/FLOORS")
file(STRINGS "${PROJECT_SOURCE_DIR}/src/FLOORS" lines REGEX "^[a-z]")
foreach(line IN LISTS lines)
        string(REGEX MATCH "^([a-z/-]+): *(.*)$" matched "${line}")
        if(NOT matched)
                message(FATAL_ERROR "src/FLOORS: cannot read: ${line}")
        endif()
        set(folder "${CMAKE_MATCH_1}")
        string(REGEX MATCHALL "[^ ]+" ATLAS_FLOOR_${folder} "${CMAKE_MATCH_2}")
        list(APPEND ATLAS_FOLDERS "${folder}")
endforeach()

# The target of a folder: "drivers/ssh" -> "lib-drivers-ssh".
function(atlas_target folder ret)
        string(REPLACE "/" "-" name "lib-${folder}")
        set(${ret} "${name}" PARENT_SCOPE)
endfunction()

function(atlas_library folder)
        cmake_parse_arguments(PARSE_ARGV 1 A "" "" "SOURCES;PRIVATE")
        if(A_UNPARSED_ARGUMENTS OR NOT A_SOURCES)
                message(FATAL_ERROR "atlas_library(${folder} SOURCES … [PRIVATE …])")
        endif()
        if(NOT folder IN_LIST ATLAS_FOLDERS)
                message(FATAL_ERROR "${folder} is not in src/FLOORS")
        endif()
        atlas_target(${folder} target)
        add_library(${target} STATIC ${A_SOURCES})
        string(REGEX REPLACE "^lib" "atlas" output "${target}")
        set_target_properties(${target} PROPERTIES OUTPUT_NAME "${output}")
        target_link_libraries(${target} PUBLIC atlas-house PRIVATE ${A_PRIVATE})
        foreach(floor IN LISTS ATLAS_FLOOR_${folder})
                atlas_target(${floor} below)
                if(TARGET ${below})
                        target_link_libraries(${target} PUBLIC ${below})
                elseif(EXISTS "${PROJECT_SOURCE_DIR}/src/${floor}/CMakeLists.txt")
                        message(FATAL_ERROR "src/FLOORS: ${floor} has to stand above ${folder}")
                endif()
        endforeach()
endfunction()

function(atlas_program name)
        cmake_parse_arguments(PARSE_ARGV 1 A "" "FOLDER" "PRIVATE")
        if(A_UNPARSED_ARGUMENTS OR NOT A_FOLDER)
                message(FATAL_ERROR "atlas_program(${name} FOLDER … [PRIVATE …])")
        endif()
        atlas_target(${A_FOLDER} library)
        add_executable(${name} main.c)
        target_link_libraries(${name} PRIVATE ${library} ${A_PRIVATE})
        set_target_properties(${name} PROPERTIES
                RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
        install(TARGETS ${name} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endfunction()
