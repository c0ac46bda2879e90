// SPDX-License-Identifier: Apache-2.0
/// @file A venue in memory for the take-over's dialogue: strict about what it is sent (lengths, CheckSums, numbers,
/// PossDup rules, ClOrdIDs), as wayward as `Habits` say in what it does. A parser of its own. Whatever FIX forbids us lands in
/// `violations`.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace portcullis::testing {

/// One message that we sent, as the venue read it.
struct Heard {
  std::string type;
  std::uint64_t seq_num = 0;
  std::vector<std::pair<int, std::string>> fields;
  std::uint64_t at_ns = 0;
  [[nodiscard]] std::string get(int tag) const;
  [[nodiscard]] bool has(int tag) const;
};

struct VenueOrder {
  std::string order_id, name, symbol = "ES";
  std::vector<std::string> names;  ///< all it ever had
  char side = '1';
  long qty = 0, cum = 0;
  char status = '0';
  [[nodiscard]] bool open() const { return status == '0' || status == '1' || status == '6'; }
};

enum class MassAnswer { reports, terse, refused, reject, business_reject, silent };

struct Habits {
  bool fix44 = false;
  MassAnswer mass = MassAnswer::reports;
  bool status = true;               ///< knows 35=H
  bool needs_order_id = false;      ///< rejects (35=3) F without 37
  bool mute = false;                ///< acts, but no application message goes out: numbers are spent
  bool deaf = false;                ///< drops application messages unseen (a queue that nobody works off)
  bool asks_again = true;           ///< a gap leads to a ResendRequest; false: it was sent before, and swallowed
  int refuse_cancels = 0;           ///< so many cancels of each order get "not now"
  int pending_cancels = 0;          ///< so many cancels of each order get 39=6 and no more
  std::uint64_t delay_ns = 0;       ///< of every message
  std::uint32_t throttle_per_s = 0; ///< more application messages in a second: disconnects
};

class ScriptedVenue {
 public:
  Habits habits;
  std::uint64_t expected = 1;  ///< our next number
  std::uint64_t next_out = 1;  ///< its own
  std::map<std::string, VenueOrder> orders;  ///< by first name
  std::vector<Heard> heard;    ///< every whole message, in order of arrival
  std::vector<Heard> handled;  ///< in order of their numbers, each once
  std::vector<std::string> violations;
  std::uint64_t garbled = 0;
  bool disconnected = false;
  std::function<bool(const Heard&)> first_look;  ///< true: the message was dealt with (its number counts)

  void receive(const std::string& bytes, std::uint64_t now_ns);
  /// What has arrived at the other side by now.
  std::string take(std::uint64_t now_ns);

  /// Sends `fields` ("11=A|39=4|") with the next number.
  void send(const std::string& type, const std::string& fields);
  /// Spends a number on a message that never arrives, but can be resent.
  void lose(const std::string& type, const std::string& fields);
  void raw(const std::string& bytes) { out_.push_back({now_ns_ + habits.delay_ns, bytes}); }
  /// A whole message with any number.
  [[nodiscard]] std::string message(const std::string& type, std::uint64_t seq_num, const std::string& fields,
                                    bool again = false) const;
  void report(const VenueOrder& order, char ord_status, const std::string& cl_ord_id, const std::string& orig,
              char exec_type);
  void fill(const std::string& first_name, long qty);
  VenueOrder* find(const std::string& name);
  [[nodiscard]] std::size_t count(const std::string& type) const;

 private:
  struct Sent {
    std::uint64_t seq_num;
    std::string type, fields;
  };
  struct Out {
    std::uint64_t at_ns;
    std::string bytes;
  };
  void wrong(const std::string& what) { violations.push_back(what); }
  void read(const std::string& text);
  void throttle();
  void sequence(const Heard& m);
  void sequence_reset(const Heard& m);
  void handle(const Heard& m);
  void application(const Heard& m);
  void resend(std::uint64_t begin, std::uint64_t end);
  void cancel(const Heard& m);
  void cancel_reject(const Heard& m, const VenueOrder* order, char ord_status, const std::string& reason);
  void mass_cancel(const Heard& m);
  void status(const Heard& m);
  void fresh_id(const Heard& m);

  std::string in_;
  std::deque<Out> out_;
  std::vector<Sent> sent_;
  std::map<std::uint64_t, Heard> queue_;
  std::set<std::string> ids_;
  std::map<std::string, int> refused_, pended_;
  std::deque<std::uint64_t> stamps_;
  std::uint64_t resend_asked_ = 0;
  std::uint64_t now_ns_ = 0;
  std::uint64_t exec_ = 0;
};

}  // namespace portcullis::testing
