// SPDX-License-Identifier: Apache-2.0
/// @file A FIX client on a bare socket, for tests of the venue: it does nothing by itself, so the test knows
/// each byte. No heartbeats, no gap handling. Received messages are kept until asked for; what is no message
/// (wrong length or CheckSum included) is stepped over and kept apart.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace portcullis::venue {

/// A received message: its fields in order.
struct FixAnswer {
  std::vector<std::pair<int, std::string>> fields;
  /// First value of a tag; empty when there is none.
  [[nodiscard]] std::string get(int tag) const;
};

using FixFields = std::vector<std::pair<int, std::string>>;

class FixClient {
 public:
  FixClient(std::string engine, std::string venue, std::string begin_string = "FIX.4.2");
  ~FixClient();
  FixClient(const FixClient&) = delete;
  FixClient& operator=(const FixClient&) = delete;

  /// Connects to 127.0.0.1 and logs on (heartbeat 30 s); `reset` sends ResetSeqNumFlag (141). True when the
  /// Logon is answered.
  bool logon(int port, bool reset = true);
  /// The bytes of a message with the next MsgSeqNum: header, `fields`, CheckSum.
  std::string encode(const std::string& type, const FixFields& fields);
  /// The bytes of a message with a MsgSeqNum of the caller's choice, which is not counted; `poss_dup` adds
  /// PossDupFlag (43) and OrigSendingTime (122).
  std::string encode_as(int seq_num, const std::string& type, const FixFields& fields, bool poss_dup = false);
  /// Encodes and writes all of it. False when the connection is gone.
  bool send(const std::string& type, const FixFields& fields);
  bool send_raw(const std::string& bytes);
  /// NewOrderSingle; `px` empty for a market order.
  bool order(const std::string& cl_ord_id, char side, std::int64_t qty, const std::string& px,
             const std::string& symbol = "ACME", char tif = '0');
  bool cancel(const std::string& cl_ord_id, const std::string& orig_cl_ord_id);
  /// The next received application message, heartbeats and test requests skipped; false after `timeout_ms`.
  bool next(FixAnswer& out, int timeout_ms = 20000);
  /// Reads until FIN or RST: 0 or the errno; -1 when neither came in `timeout_ms`.
  int wait_closed(int timeout_ms = 20000);
  /// Closes by FIN, or by RST.
  void close_fin();
  void close_rst();

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] const std::string& sent() const { return sent_; }  ///< all bytes written on this connection
  [[nodiscard]] int next_seq_num() const { return next_seq_num_; }
  void set_next_seq_num(int next) { next_seq_num_ = next; }
  /// What was received on this connection and was no whole, right message.
  [[nodiscard]] const std::string& stepped_over() const { return stepped_over_; }

 private:
  bool receive(int timeout_ms);
  bool take(FixAnswer& out);
  std::string engine_, venue_, begin_string_;
  std::string sent_, in_, stepped_over_;
  std::size_t in_at_ = 0;  // bytes before it are done with
  int fd_ = -1;
  int next_seq_num_ = 1;
  int closed_with_ = -1;
};

}  // namespace portcullis::venue
