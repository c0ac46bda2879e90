// SPDX-License-Identifier: Apache-2.0
/// @file What the order path needs of the sessions.
#pragma once
#include "integration/lane_run.hpp"

namespace portcullis {

/// Takes the declared bytes of an order that was not written back, if nothing was declared after it on that
/// session; otherwise they stay, and the witness sees a stream that does not move on: stale. By the thread
/// that may declare.
void take_back_bytes(LaneRun& run, const OrderSlot& slot) noexcept;

}  // namespace portcullis
