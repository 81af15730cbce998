# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts beside the programs: SQL steps, sample files, units of systemd.
install(DIRECTORY "${PROJECT_SOURCE_DIR}/sql/" DESTINATION "${CMAKE_INSTALL_DATADIR}/cloud-atlas/sql")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/etc/" DESTINATION "${CMAKE_INSTALL_DATADIR}/cloud-atlas/etc"
        PATTERN systemd EXCLUDE)

set(bindir "${CMAKE_INSTALL_FULL_BINDIR}")
foreach(program IN ITEMS atlas-api atlas-conductor atlas-agent)
        configure_file("${PROJECT_SOURCE_DIR}/etc/systemd/${program}.service.in"
                "${PROJECT_BINARY_DIR}/systemd/${program}.service" @ONLY)
        install(FILES "${PROJECT_BINARY_DIR}/systemd/${program}.service" DESTINATION lib/systemd/system)
endforeach()
install(FILES "${PROJECT_SOURCE_DIR}/docs/man/atlas.1" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
install(FILES "${PROJECT_SOURCE_DIR}/docs/completion/atlas"
        DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions")
