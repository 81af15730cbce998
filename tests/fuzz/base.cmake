# SPDX-License-Identifier: Apache-2.0
atlas_fuzzer(config LINK base)
