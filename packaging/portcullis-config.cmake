# SPDX-License-Identifier: Apache-2.0
# find_package(portcullis): portcullis::hook, what an engine links. The QuickFIX adapter is headers only: link
# portcullis::hook and QuickFIX.
include(${CMAKE_CURRENT_LIST_DIR}/portcullis-targets.cmake)
