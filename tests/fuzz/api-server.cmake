# SPDX-License-Identifier: Apache-2.0
atlas_fuzzer(api_request LINK api-server store http PRIVATE PkgConfig::jansson PostgreSQL::PostgreSQL)
