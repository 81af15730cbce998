# SPDX-License-Identifier: Apache-2.0
atlas_fuzzer(session LINK bus messages model base PRIVATE PkgConfig::rabbitmq PkgConfig::jansson)
