// SPDX-License-Identifier: Apache-2.0
/// @file Catch2's main of all unit tests; its own file because it is slow to compile and never changes.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
