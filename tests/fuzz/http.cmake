# SPDX-License-Identifier: Apache-2.0
atlas_fuzzer(http_request LINK http)
