# SPDX-License-Identifier: Apache-2.0
atlas_fuzzer(envelope LINK messages PRIVATE PkgConfig::jansson)
