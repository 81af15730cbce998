# SPDX-License-Identifier: Apache-2.0
atlas_fuzzer(envelope LINK messages PRIVATE PkgConfig::jansson)
atlas_fuzzer(quick_json LINK messages PRIVATE PkgConfig::jansson)
