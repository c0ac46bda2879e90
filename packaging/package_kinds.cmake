# SPDX-License-Identifier: Apache-2.0
# Read by cpack once for each kind of package. The tarball has one folder on top, then usr/ and etc/ as they belong.
if(CPACK_GENERATOR STREQUAL "TGZ")
  set(CPACK_SET_DESTDIR ON)
  set(CPACK_INSTALL_PREFIX /usr)
endif()
