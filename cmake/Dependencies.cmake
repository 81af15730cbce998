# SPDX-License-Identifier: Apache-2.0
# Third-party libraries as imported targets. Which folder may use which is in CONTRIBUTING.md.
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(CURL REQUIRED)       # CURL::libcurl
find_package(PostgreSQL REQUIRED) # PostgreSQL::PostgreSQL
pkg_check_modules(jansson REQUIRED IMPORTED_TARGET jansson>=2.14)         # PkgConfig::jansson
pkg_check_modules(libevent REQUIRED IMPORTED_TARGET libevent>=2.1)        # PkgConfig::libevent
pkg_check_modules(libevent_pthreads REQUIRED IMPORTED_TARGET libevent_pthreads>=2.1)
pkg_check_modules(rabbitmq REQUIRED IMPORTED_TARGET librabbitmq>=0.11)    # PkgConfig::rabbitmq
pkg_check_modules(libssh2 REQUIRED IMPORTED_TARGET libssh2>=1.10)         # PkgConfig::libssh2
pkg_check_modules(yaml REQUIRED IMPORTED_TARGET yaml-0.1)                 # PkgConfig::yaml
pkg_check_modules(smartcols REQUIRED IMPORTED_TARGET smartcols)           # PkgConfig::smartcols
if(BUILD_TESTING)
        pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka>=1.1.5)  # PkgConfig::cmocka
endif()
