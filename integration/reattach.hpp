// SPDX-License-Identifier: Apache-2.0
/// @file Attaching, and attaching again after the supervisor restarted. Under pc_hook::talk; system calls are
/// allowed. Steps, at most one per 100 ms while the lease is lost: look whether the supervisor's socket hung
/// up; connect and ask (without waiting); look for the answer; then register the sessions again, one by one.
/// Always into `locked`. A restarted supervisor must number the instruments as before, because the engine
/// keeps the numbers; otherwise, and after 16 re-attachments, the hook stays closed for good and says why.
#pragma once
#include "integration/attach_client.hpp"
#include "integration/hook_state.hpp"

namespace portcullis {

/// A sentence for pc_why.
void say(pc_hook& hook, const char* sentence, const char* detail = "") noexcept;
/// The pc_status of a refusal; also says why.
[[nodiscard]] pc_status refused_by(pc_hook& hook, const AttachReply& reply) noexcept;
/// The pc_status of a failed exchange; also says why.
[[nodiscard]] pc_status failed_talk(pc_hook& hook, TalkError error) noexcept;

/// Maps what an attach answer brought, makes the lanes' runs and publishes it. Throws std::bad_alloc.
[[nodiscard]] pc_status adopt(pc_hook& hook, UniqueFd socket, Answer& answer);
/// The request of an attach or session_open.
[[nodiscard]] AttachRequest attach_request(const pc_hook& hook) noexcept;
/// Enters a registered session into the attachment. Throws std::bad_alloc.
[[nodiscard]] pc_status enter_session(pc_hook& hook, pc_session& session, const AttachReply& reply);
/// Sends one template of the session and waits for the answer.
[[nodiscard]] pc_status send_template(pc_hook& hook, const pc_session& session, std::string_view text,
                                      std::uint64_t deadline_ns) noexcept;

/// The run of a lane (by order of opening) on that attachment, nullptr if there is none.
[[nodiscard]] LaneRun* run_on(const pc_hook& hook, const Attachment* attachment,
                              std::uint32_t number) noexcept;
/// Makes the run of a lane on the newest attachment; false where that has no such lane. Throws
/// std::bad_alloc.
bool open_lane(pc_hook& hook, pc_lane& lane);

/// One step, if it is time for one and no other thread is at it.
void try_reattach(pc_hook& hook, std::uint64_t now_ns) noexcept;

}  // namespace portcullis
