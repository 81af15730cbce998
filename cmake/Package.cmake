# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts beside the programs: SQL steps, policy and dialects, sample files.
foreach(pair IN ITEMS "sql:${CMAKE_INSTALL_DATADIR}/cloud-atlas/sql" "etc:${CMAKE_INSTALL_DATADIR}/cloud-atlas/etc")
        string(REGEX MATCH "^([^:]+):(.*)$" matched "${pair}")
        if(EXISTS "${PROJECT_SOURCE_DIR}/${CMAKE_MATCH_1}")
                install(DIRECTORY "${PROJECT_SOURCE_DIR}/${CMAKE_MATCH_1}/" DESTINATION "${CMAKE_MATCH_2}")
        endif()
endforeach()
