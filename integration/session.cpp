// SPDX-License-Identifier: Apache-2.0
/// @file pc_declare and pc_processed: what is written next, byte by byte, and which of it are orders.
/// The slot learns session, stream offsets and MsgSeqNum of its message; a new-order message whose ClOrdID
/// was never submitted, or was declared before, is counted: on the wire without the gate's yes. Bytes of a
/// FIX session that are not whole messages count the same (fail closed). declared_bytes is stored last: what
/// it covers is in the slots. A session whose first bytes are not "8=FIX" speaks another dialect: its bytes
/// are counted, nothing is looked for.
#include "integration/commit.hpp"
#include "integration/hook_state.hpp"
#include "integration/session_bytes.hpp"
#include "shm/fix_scan.hpp"

namespace portcullis {
namespace {

/// One declare call on its way.
struct Declaring {
  SessionRun& run;
  std::string_view bytes;
  std::uint64_t base;  ///< declared so far: the stream offset of bytes[0]
  std::uint64_t next_seq_num;
  std::uint64_t covered_seq_num;
};

/// What the fields of one message said.
struct Heard {
  std::string_view type;
  std::uint64_t seq_num = 0;
  std::uint64_t new_seq_num = 0;  ///< 36
  bool poss_dup = false;          ///< 43
  bool gap_fill = false;          ///< 123
  bool resets = false;            ///< 141
  std::uint32_t ids = 0;          ///< ClOrdIDs (11) seen
};

void count_unsubmitted(SessionBlock& block, std::string_view id) noexcept {
  Id kept;
  const auto length = static_cast<std::uint32_t>(id.size() < kIdBytes ? id.size() : kIdBytes);
  if (load(block.unsubmitted_orders) == 0 && kept.assign(id.data(), length)) block.unsubmitted_id.put(kept);
  add_own(block.unsubmitted_orders, 1);
}

/// Any lane's run would do: the index and the slots are the engine's.
std::uint32_t find_open(const Attachment& a, std::string_view text) noexcept {
  Id id;
  if (text.size() > kIdBytes || !id.assign(text.data(), static_cast<std::uint32_t>(text.size())))
    return OrderIndex::kNone;
  const std::uint32_t slot = a.index.find(
      a.index.home_of(id), [&](std::uint32_t s) { return a.ledger.order(s).cl_ord_id.get() == id; });
  if (slot == OrderIndex::kNone) return slot;
  const OrderSlot& order = a.ledger.order(slot);
  const auto state = static_cast<std::uint8_t>(load(order.submit_word));
  const bool live = state == static_cast<std::uint8_t>(SubmitState::reserved) ||
                    state == static_cast<std::uint8_t>(SubmitState::sent);
  return live && !terminal(answer_of(order)) ? slot : OrderIndex::kNone;
}

/// A new-order message carries this ClOrdID. A message that repeats an open order (43=Y) leaves its first
/// place alone.
void place_order(Declaring& d, const FixMessage& m, const Heard& h, std::string_view id) noexcept {
  const std::uint32_t index = find_open(*d.run.attachment, id);
  if (index == OrderIndex::kNone) return count_unsubmitted(*d.run.block, id);
  OrderSlot& slot = d.run.attachment->ledger.order(index);
  if (load(slot.session_epoch) != 0) {
    if (!h.poss_dup) count_unsubmitted(*d.run.block, id);  // the same order a second time
    return;
  }
  const bool replaces = load(slot.orig_slot) != 0;
  if ((h.type == "G") != replaces) return count_unsubmitted(*d.run.block, id);
  store(slot.msg_begin_byte, d.base + m.begin);
  store(slot.msg_end_byte, d.base + m.end);
  store(slot.msg_seq_num, h.seq_num);
  store(slot.session_epoch, std::uint64_t{d.run.index} << 32U | (d.run.epoch & 0xFFFF'FFFFU));
}

/// True where 11 of this message type is an order's own id.
void hear_field(Declaring& d, const FixMessage& m, const FixField& f, Heard& h) noexcept {
  switch (f.tag) {
    case 35: h.type = f.value; break;
    case 34:
      if (!fix::number(f.value, h.seq_num)) h.seq_num = 0;
      break;
    case 36:
      if (!fix::number(f.value, h.new_seq_num)) h.new_seq_num = 0;
      break;
    case 43: h.poss_dup = f.value == "Y"; break;
    case 123: h.gap_fill = f.value == "Y"; break;
    case 141: h.resets = f.value == "Y"; break;
    case 11:
      if (!fix::new_order(h.type)) break;
      if (h.ids++ == 0 || h.type == "E" || h.type == "s")
        place_order(d, m, h, f.value);  // a list has one per order
      break;
    default: break;
  }
}

/// Sequence numbers: a repeated message does not move `next`; a gap fill covers up to 36 - 1; a reset moves
/// `next`.
void count_sequence(Declaring& d, const Heard& h) noexcept {
  if (h.seq_num == 0) return;
  const bool resets = h.type == "4" && h.new_seq_num != 0;
  d.covered_seq_num = resets ? h.new_seq_num - 1 : h.seq_num;
  if (resets && (!h.gap_fill || !h.poss_dup)) {
    d.next_seq_num = h.new_seq_num;
  } else if (!h.poss_dup) {
    d.next_seq_num = h.seq_num + 1;
  }
}

void scan_message(Declaring& d, const FixMessage& m) noexcept {
  Heard h;
  std::size_t at = m.body_begin;
  while (at < m.body_end) {
    const FixField field = fix::next_field(d.bytes, at, m.body_end);
    if (field.tag == 0) break;  // malformed inside a whole message: the venue will say so
    hear_field(d, m, field, h);
  }
  if (fix::new_order(h.type)) {
    add_own(d.run.block->new_orders, 1);
    if (h.ids == 0) count_unsubmitted(*d.run.block, "?");
  }
  count_sequence(d, h);
  SessionBlock& block = *d.run.block;
  if (h.type == "A" && h.resets) add_own(block.logon_resets, 1);
  if (load(block.first_out_seq_num) == 0) store(block.first_out_seq_num, h.seq_num);
  const std::uint64_t head = block.ends_head.load(std::memory_order_relaxed);
  MessageEnd& end = d.run.attachment->ledger.message_end(d.run.index, head);
  store(end.end_byte, d.base + m.end);
  store(end.next_seq_num, d.next_seq_num);
  store(end.covered_seq_num, d.covered_seq_num);
  store(block.next_out_seq_num, d.next_seq_num);
  store(block.ends_head, head + 1);
}

void scan(Declaring& d) noexcept {
  std::size_t at = 0;
  while (at < d.bytes.size()) {
    FixMessage message;
    if (find_fix_message(d.bytes, at, message) != FixFound::message)
      return count_unsubmitted(*d.run.block, "?");
    scan_message(d, message);
    at = message.end;
  }
}

/// The session's present run; a new one after a re-attachment starts with the bytes that its kernel had not
/// taken yet.
SessionRun* present_run(pc_session& session) noexcept {
  SessionRun* newest = session.run.load(std::memory_order_acquire);
  if (newest == session.mine || newest == nullptr) return newest;
  if (session.mine == nullptr) {
    session.bytes = 0;
  } else if (newest->base_bytes > session.mine->base_bytes) {
    const std::uint64_t taken = newest->base_bytes - session.mine->base_bytes;
    session.bytes = session.bytes > taken ? session.bytes - taken : 0;
    if (session.bytes != 0) store(newest->block->declared_bytes, session.bytes);
  } else {
    session.bytes = 0;
  }
  session.mine = newest;
  return newest;
}

}  // namespace

void take_back_bytes(LaneRun& run, const OrderSlot& slot) noexcept {
  const std::uint64_t session_epoch = load(slot.session_epoch);
  const auto index = static_cast<std::uint32_t>(session_epoch >> 32U);
  if (session_epoch == 0 || index >= run.attachment->capacities.sessions) return;
  pc_session* session = run.attachment->sessions[index].load(std::memory_order_acquire);
  if (session == nullptr || session->mine == nullptr || session->mine->attachment != run.attachment) return;
  SessionRun& s = *session->mine;
  if ((s.epoch & 0xFFFF'FFFFU) != (session_epoch & 0xFFFF'FFFFU)) return;
  SessionBlock& block = *s.block;
  const std::uint64_t head = load(block.ends_head);
  if (head == 0 || load(slot.msg_end_byte) != load(block.declared_bytes)) return;
  const LedgerView& ledger = run.attachment->ledger;
  if (load(ledger.message_end(s.index, head - 1).end_byte) != load(slot.msg_end_byte)) return;
  const std::uint64_t before =
      head > 1 ? load(ledger.message_end(s.index, head - 2).next_seq_num) : load(slot.msg_seq_num);
  session->bytes = load(slot.msg_begin_byte);
  store(block.declared_bytes, session->bytes);
  store(block.ends_head, head - 1);
  store(block.next_out_seq_num, before);
  add_own(block.new_orders, UINT64_MAX);  // one less
}

}  // namespace portcullis

using namespace portcullis;

pc_status pc_declare(pc_session* session, const void* bytes, size_t length) {
  if (session == nullptr || (bytes == nullptr && length != 0)) return PC_ERR_ARGUMENT;
  if (!alive(session->alive)) return PC_ERR_CLOSED;
  SessionRun* run = present_run(*session);
  if (run == nullptr) return PC_ERR_CLOSED;
  if (length == 0) return PC_OK;
  SessionBlock& block = *run->block;
  const std::string_view text(static_cast<const char*>(bytes), length);
  if (session->dialect == pc_session::Dialect::unknown) {
    const bool fix_text = text.substr(0, 5) == "8=FIX";
    session->dialect = fix_text ? pc_session::Dialect::fix : pc_session::Dialect::other;
  }
  const std::uint64_t next = load(block.next_out_seq_num);
  Declaring d{*run, text, session->bytes, next, next == 0 ? 0 : next - 1};
  if (session->dialect == pc_session::Dialect::fix) scan(d);
  session->bytes += length;
  store(block.declared_ns, monotonic_now_ns());
  store(block.declared_bytes, session->bytes);
  return PC_OK;
}

int pc_session_numbers(const pc_session* session, uint64_t* next_out, uint64_t* next_in) {
  if (session == nullptr || next_out == nullptr || next_in == nullptr || !alive(session->alive)) return 0;
  if (session->handed_out_seq_num == 0 || session->handed_in_seq_num == 0) return 0;
  *next_out = session->handed_out_seq_num;
  *next_in = session->handed_in_seq_num;
  return 1;
}

void pc_processed(pc_session* session, uint64_t seq_num) {
  if (session == nullptr || !alive(session->alive)) return;
  const SessionRun* run = session->run.load(std::memory_order_acquire);
  if (run != nullptr) store(run->block->processed_seq_num, seq_num);
}
