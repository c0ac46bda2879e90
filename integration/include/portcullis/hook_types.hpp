// SPDX-License-Identifier: Apache-2.0
/// @file The plain values of the C++ hook interface: orders, fills, references, results. Included by
/// hook.hpp, which says how they flow. Nothing here owns memory or calls a supervisor; text points at the
/// caller's bytes. Units: quantities are whole units, prices 1e-8 currency units, as in portcullis.h.
#pragma once
#include <portcullis/portcullis.h>

#include <cstring>
#include <string>

namespace portcullis {
/// Its own level, so that a program may hold this and the supervisor's types of the same names.
inline namespace hook_v1 {

enum class Side : std::uint8_t { buy = PC_BUY, sell = PC_SELL, sell_short = PC_SELL_SHORT };  ///< 54
enum class OrdType : std::uint8_t {
  market = PC_MARKET,
  limit = PC_LIMIT,
  stop = PC_STOP,
  stop_limit = PC_STOP_LIMIT
};  ///< 40
enum class Tif : std::uint8_t {
  day = PC_DAY,
  gtc = PC_GTC,
  ioc = PC_IOC,
  fok = PC_FOK,
  gtd = PC_GTD
};  ///< 59
enum class Keep : std::uint8_t { none = PC_KEEP_NONE, gtc = PC_KEEP_GTC };
/// What the supervisor asks; on `cancel` cancel every open order, on `stop` only send no new ones.
enum class Command : std::uint8_t {
  none = PC_COMMAND_NONE,
  stop = PC_COMMAND_STOP,
  cancel = PC_COMMAND_CANCEL
};

/// Result of everything that is not an order; each value means what pc_status says of it.
enum class Status : std::uint8_t {
  ok = PC_OK,
  argument = PC_ERR_ARGUMENT,
  no_supervisor = PC_ERR_NO_SUPERVISOR,
  refused = PC_ERR_REFUSED,
  version = PC_ERR_VERSION,
  kernel = PC_ERR_KERNEL,
  unknown_name = PC_ERR_UNKNOWN_NAME,
  not_locked = PC_ERR_NOT_LOCKED,
  not_tcp = PC_ERR_NOT_TCP,
  full = PC_ERR_FULL,
  unknown_order = PC_ERR_UNKNOWN_ORDER,
  repeated = PC_ERR_REPEATED,
  wrong_thread = PC_ERR_WRONG_THREAD,
  closed = PC_ERR_CLOSED,
  busy = PC_ERR_BUSY,
  io = PC_ERR_IO
};

inline Status to_status(pc_status status) noexcept { return static_cast<Status>(status); }
inline const char* name(Status status) noexcept { return pc_status_name(static_cast<pc_status>(status)); }

/// Text by pointer and length; never owns, never ends in NUL by promise.
class Text {
 public:
  Text() noexcept : text_() {}
  Text(const char* data, std::size_t length) noexcept : text_() {
    text_.data = data;
    // Cut lengths would name another order: a length beyond 32 bits becomes one that the library refuses.
    text_.length = length > 0xFFFFFFFFu ? 0xFFFFFFFFu : static_cast<std::uint32_t>(length);
  }
  Text(const char* text) noexcept : Text(text, text == nullptr ? 0 : std::strlen(text)) {}
  Text(const std::string& text) noexcept : Text(text.data(), text.size()) {}
  const char* data() const noexcept { return text_.data; }
  std::size_t size() const noexcept { return text_.length; }
  pc_text raw() const noexcept { return text_; }

 private:
  pc_text text_;
};

/// A sentence in a buffer of its own ("order_rate/10ms 51 > 50"); made only when asked for.
class Reason {
 public:
  explicit Reason(const pc_ticket& ticket) noexcept : text_() {
    pc_ticket_text(&ticket, text_, sizeof text_);
  }
  const char* c_str() const noexcept { return text_; }
  operator const char*() const noexcept { return text_; }

 private:
  char text_[128];
};

/// A parent order (worked by children); false when none.
struct Parent {
  pc_parent_handle handle = 0;
  explicit operator bool() const noexcept { return handle != 0; }
};

/// A new order as the gate judges it. Quantities in whole units, prices in 1e-8 currency units.
struct Order {
  Text cl_ord_id;                     ///< 11; 1 to 36 bytes
  std::uint32_t instrument;           ///< from Hook::instrument
  Side side;                          ///< 54
  std::int64_t order_qty;             ///< 38; above 0
  std::int64_t px_e8;                 ///< 44; ignored for market orders
  Tif tif = Tif::day;                 ///< 59
  OrdType ord_type = OrdType::limit;  ///< 40
  Parent parent = Parent();           ///< none unless set
  std::int64_t stop_px_e8 = 0;        ///< 99; stop and stop limit only

  pc_order raw() const noexcept {
    pc_order order = pc_order();
    order.size = sizeof order;
    order.instrument = instrument;
    order.cl_ord_id = cl_ord_id.raw();
    order.order_qty = order_qty;
    order.px_e8 = px_e8;
    order.stop_px_e8 = stop_px_e8;
    order.parent = parent.handle;
    order.side = static_cast<std::uint8_t>(side);
    order.ord_type = static_cast<std::uint8_t>(ord_type);
    order.tif = static_cast<std::uint8_t>(tif);
    return order;
  }
};

/// Names an order by handle or by ClOrdID.
class OrderRef {
 public:
  OrderRef(pc_order_handle handle) noexcept : ref_() { ref_.size = sizeof ref_, ref_.handle = handle; }
  OrderRef(Text cl_ord_id) noexcept : ref_() { ref_.size = sizeof ref_, ref_.cl_ord_id = cl_ord_id.raw(); }
  OrderRef(const char* cl_ord_id) noexcept : OrderRef(Text(cl_ord_id)) {}
  OrderRef(const std::string& cl_ord_id) noexcept : OrderRef(Text(cl_ord_id)) {}
  const pc_order_ref* raw() const noexcept { return &ref_; }

 private:
  pc_order_ref ref_;
};

/// A fill; instrument and side only matter for an order that the hook never saw (it is booked all the same).
struct Fill {
  OrderRef order;
  std::int64_t last_qty;               ///< 32
  std::int64_t last_px_e8;             ///< 31
  Text exec_id = Text();               ///< 17; a repeated one is booked once
  std::int64_t cum_qty = -1;           ///< 14; -1 = not given
  std::uint32_t instrument = PC_NONE;  ///< PC_NONE = unknown
  Side side = Side::buy;
};

/// One open order as the ledger has it (see pc_open_order).
struct OpenOrder : pc_open_order {
  OpenOrder() noexcept : pc_open_order() { size = sizeof(pc_open_order); }
};

}  // namespace hook_v1
}  // namespace portcullis
