# SPDX-License-Identifier: Apache-2.0
# What is installed where, and the packages: portcullis (supervisor), libportcullis1 (hook), libportcullis-dev. Included
# by CMakeLists.txt, which is long enough. `cpack -G DEB` and `cpack -G TGZ` in a build folder make them; packaging/packages
# does both. Components: supervisor, hook, development.
set(PORTCULLIS_UNIT_DIR "lib/systemd/system" CACHE STRING "Folder of the units, below the prefix")
set(PORTCULLIS_DOC_DIR "${CMAKE_INSTALL_DATAROOTDIR}/doc")
set(PORTCULLIS_LIBEXEC_DIR "libexec/portcullis")   # as the units name it, below /usr

# gzip without name and time: the same input gives the same package
function(portcullis_compress name source)
  set(compressed ${PROJECT_BINARY_DIR}/packaging/${name}.gz)
  add_custom_command(OUTPUT ${compressed}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/packaging
    COMMAND gzip -9 -n -c ${source} > ${compressed} DEPENDS ${source} VERBATIM)
  set_property(GLOBAL APPEND PROPERTY PORTCULLIS_COMPRESSED ${compressed})
endfunction()

# ---- supervisor ----------------------------------------------------------------------------------------------------
install(TARGETS portcullis_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT supervisor)
install(TARGETS portcullisd RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR} COMPONENT supervisor)
install(TARGETS portcullis_fence RUNTIME DESTINATION ${PORTCULLIS_LIBEXEC_DIR} COMPONENT supervisor)
install(PROGRAMS packaging/systemd/notify packaging/systemd/share-control-group DESTINATION ${PORTCULLIS_LIBEXEC_DIR}
  COMPONENT supervisor)
install(FILES
  packaging/systemd/portcullis@.service packaging/systemd/portcullis-abandoned@.service
  packaging/systemd/portcullis-fence@.socket packaging/systemd/portcullis-fence@.service
  packaging/systemd/portcullis-notify@.path packaging/systemd/portcullis-notify@.service
  packaging/systemd/portcullis-metrics.timer packaging/systemd/portcullis-metrics.service
  DESTINATION ${PORTCULLIS_UNIT_DIR} COMPONENT supervisor)
install(FILES packaging/systemd/sysusers.conf DESTINATION lib/sysusers.d RENAME portcullis.conf COMPONENT supervisor)
install(FILES packaging/systemd/tmpfiles.conf DESTINATION lib/tmpfiles.d RENAME portcullis.conf COMPONENT supervisor)
install(FILES ${PROJECT_BINARY_DIR}/portcullis.catalog DESTINATION lib/systemd/catalog COMPONENT supervisor)
install(FILES packaging/completion.bash DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/bash-completion/completions
  RENAME portcullis COMPONENT supervisor)
install(FILES packaging/examples/mm1.toml packaging/examples/instruments.csv packaging/systemd/engine.conf
  DESTINATION ${PORTCULLIS_DOC_DIR}/portcullis/examples COMPONENT supervisor)
install(DIRECTORY DESTINATION /etc/portcullis COMPONENT supervisor)
foreach(page portcullis.1 portcullis.toml.5 portcullisd.8)
  string(REGEX MATCH "[0-9]$" section ${page})
  portcullis_compress(${page} ${PROJECT_SOURCE_DIR}/watchdog/man/${page})
  install(FILES ${PROJECT_BINARY_DIR}/packaging/${page}.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section} COMPONENT supervisor)
endforeach()

portcullis_compress(portcullis.3 ${PROJECT_SOURCE_DIR}/watchdog/man/portcullis.3)
install(FILES ${PROJECT_BINARY_DIR}/packaging/portcullis.3.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man3 COMPONENT development)

# ---- hook and development ------------------------------------------------------------------------------------------
install(TARGETS portcullis_hook EXPORT portcullis
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT hook NAMELINK_COMPONENT development
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
set_target_properties(portcullis_hook PROPERTIES EXPORT_NAME hook)
install(DIRECTORY integration/include/portcullis DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
install(EXPORT portcullis NAMESPACE portcullis:: FILE portcullis-targets.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/portcullis COMPONENT development)
include(CMakePackageConfigHelpers)
# a later minor version serves an older request: the C interface only grows within one SONAME
write_basic_package_version_file(${PROJECT_BINARY_DIR}/portcullis-config-version.cmake COMPATIBILITY SameMajorVersion)
install(FILES packaging/portcullis-config.cmake ${PROJECT_BINARY_DIR}/portcullis-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/portcullis COMPONENT development)
configure_file(packaging/portcullis.pc.in ${PROJECT_BINARY_DIR}/portcullis.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/portcullis.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
install(FILES integration/examples/minimal_c.c integration/examples/minimal_cpp.cpp integration/examples/fix_wire.hpp
  DESTINATION ${PORTCULLIS_DOC_DIR}/libportcullis-dev/examples COMPONENT development)

# ---- packages ------------------------------------------------------------------------------------------------------
portcullis_compress(changelog ${PROJECT_SOURCE_DIR}/packaging/debian/changelog)
foreach(pair "supervisor portcullis" "hook libportcullis1" "development libportcullis-dev")
  string(REPLACE " " ";" pair ${pair})
  list(GET pair 0 component)
  list(GET pair 1 package)
  install(FILES packaging/debian/copyright DESTINATION ${PORTCULLIS_DOC_DIR}/${package} COMPONENT ${component})
  install(FILES ${PROJECT_BINARY_DIR}/packaging/changelog.gz DESTINATION ${PORTCULLIS_DOC_DIR}/${package} COMPONENT ${component})
endforeach()
get_property(compressed GLOBAL PROPERTY PORTCULLIS_COMPRESSED)
add_custom_target(portcullis_compressed ALL DEPENDS ${compressed})

set(CPACK_PACKAGE_NAME portcullis)
set(CPACK_PACKAGE_VENDOR "The Portcullis authors")
set(CPACK_PACKAGE_CONTACT "The Portcullis authors <portcullis-maintainers@users.noreply.github.com>")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL supervisor hook development)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
# the tarball: one file with everything, for other distributions
set(CPACK_ARCHIVE_COMPONENT_INSTALL OFF)
set(CPACK_PROJECT_CONFIG_FILE ${PROJECT_SOURCE_DIR}/packaging/package_kinds.cmake)
set(CPACK_PACKAGE_FILE_NAME portcullis-${PROJECT_VERSION}-${CMAKE_SYSTEM_NAME}-${CMAKE_SYSTEM_PROCESSOR})

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR})
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)

set(CPACK_DEBIAN_SUPERVISOR_PACKAGE_NAME portcullis)
set(CPACK_DEBIAN_SUPERVISOR_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_SUPERVISOR_PACKAGE_DEPENDS "systemd (>= 252)")
set(CPACK_DEBIAN_SUPERVISOR_PACKAGE_SUGGESTS prometheus-node-exporter)
set(CPACK_COMPONENT_SUPERVISOR_DESCRIPTION
"kill switch and watchdog for trading engines: supervisor
Beside each trading engine runs one small supervisor. When a hard limit is
broken, or anything fails, no further order enters, every open order is
cancelled and each cancel proven, and the engine stays halted until people
arm it again. With the command line and the units for systemd.")
set(CPACK_DEBIAN_SUPERVISOR_PACKAGE_CONTROL_EXTRA
  "${PROJECT_BINARY_DIR}/packaging/postinst;${PROJECT_BINARY_DIR}/packaging/prerm;${PROJECT_BINARY_DIR}/packaging/postrm")
foreach(script postinst prerm postrm)
  configure_file(packaging/debian/portcullis.${script} ${PROJECT_BINARY_DIR}/packaging/${script} COPYONLY)
endforeach()

set(CPACK_DEBIAN_HOOK_PACKAGE_NAME libportcullis1)
set(CPACK_DEBIAN_HOOK_PACKAGE_SECTION libs)
set(CPACK_COMPONENT_HOOK_DESCRIPTION
"kill switch for trading engines: hook library
What a trading engine links: it keeps the ledger of its orders in shared
memory and asks the gate before every order.")
configure_file(packaging/debian/libportcullis1.triggers ${PROJECT_BINARY_DIR}/packaging/triggers COPYONLY)
set(CPACK_DEBIAN_HOOK_PACKAGE_CONTROL_EXTRA "${PROJECT_BINARY_DIR}/packaging/triggers")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libportcullis-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "libportcullis1 (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SUGGESTS libquickfix-dev)
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
"kill switch for trading engines: headers
The C interface, the C++ one (C++14 and later, headers only), the QuickFIX
adapter, and what CMake and pkg-config need to find them.")
include(CPack)
