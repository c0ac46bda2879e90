// SPDX-License-Identifier: Apache-2.0
/// @file Compile check: hook.hpp, used as an engine uses it, is C++14.
#include "tests/unit/hook_header_use.hpp"

static_assert(__cplusplus == 201402L, "compiled at the standard that it claims");
