# SPDX-License-Identifier: Apache-2.0
atlas_fuzzer(neutron LINK drivers/cloud openstack model base PRIVATE PkgConfig::jansson)
