// SPDX-License-Identifier: Apache-2.0
/// @file A cancel as the engine's own encoder writes it, with holes where each cancel differs. Compiled when the engine
/// registers its session, so that during a take-over only the holes are filled: no allocation, no parsing.
///
///   engine's text   8=FIX.4.2|9=..|35=F|34=7|49=FIRM|52=..|56=CME|11=X|37=Y|38=1|41=Z|54=1|55=ES|60=..|1028=N|10=..|
///   compiled        8=FIX.4.2|9=()|35=F|34=()|49=FIRM|52=()|56=CME|11=()|37=()|38=()|41=()|54=()|55=()|60=()|1028=N|10=()|
///
/// Holes: 34, 52, 60, 11, 41, 37, 38, 54, 55, 790 and 369, each where the engine has it; 37 and 790 go out only where
/// there is something to say, tag and all. 43, 97 and 122 of the text are dropped; a repetition puts 43=Y and 122 behind
/// 52. Every other field stays as it is (1, 21, 50, 1028, party groups). BodyLength is zero padded where the engine pads.
/// 52 and 60 are the text's own 52 plus the monotonic time since it was rendered, each in its own precision: the wall
/// clock may be wrong. FIX.4.2 and FIX.4.4. Not for texts whose data fields (96, 91) hold a SOH: refused as malformed.
#pragma once
#include <array>

#include "watchdog/takeover_time.hpp"

namespace portcullis {

inline constexpr std::size_t kTakeoverTemplateBytes = 4096;  ///< longest text
inline constexpr std::size_t kTakeoverMessageBytes = 5120;   ///< longest message that we write ourselves

enum class TemplateKind : std::uint8_t { cancel, mass_cancel, status_request };  ///< 35=F, q, H

enum class [[nodiscard]] TemplateError : std::uint8_t{
    ok,
    too_long,        ///< above kTakeoverTemplateBytes, or its address fields above kAddressBytes
    not_whole,       ///< no complete FIX message, or its CheckSum is wrong
    version,         ///< neither FIX.4.2 nor FIX.4.4
    wrong_type,      ///< neither 35=F nor q nor H
    missing_field,   ///< 34, 49, 52, 56 or 11 (F also 41; q also 530)
    field_twice,     ///< a hole's tag twice: which one is meant?
    bad_time,        ///< 52 or 60 is no UTC time stamp
    not_all_orders,  ///< 35=q whose 530 is not 7, or that names a side or symbol: it would leave orders behind
    malformed,       ///< a field without tag or end
};
/// "ok", "too_long", ...
[[nodiscard]] const char* template_error_name(TemplateError error) noexcept;

/// What goes into the holes. Views must outlive the call only.
struct MessageValues {
  std::uint64_t seq_num = 0;               ///< 34
  std::uint64_t last_processed = 0;        ///< 369, where the engine sends it
  std::uint64_t sending_utc_ns = 0;        ///< 52
  std::uint64_t orig_sending_utc_ns = 0;   ///< not 0: a repetition, 43=Y and 122
  std::uint64_t transact_utc_ns = 0;       ///< 60
  std::string_view cl_ord_id;              ///< 11
  std::string_view orig_cl_ord_id;         ///< 41
  std::string_view order_id;               ///< 37; empty: the field is left out
  std::string_view symbol;                 ///< 55
  std::string_view request_id;             ///< 790; empty: the field is left out
  std::int64_t order_qty = 0;              ///< 38
  char side = '1';                         ///< 54
};

/// What the engine's messages of one session have in common: enough to write session messages of our own.
class SessionHeader {
 public:
  static constexpr std::size_t kAddressBytes = 1024;

  [[nodiscard]] std::string_view begin_string() const noexcept { return fix44_ ? "FIX.4.4" : "FIX.4.2"; }
  [[nodiscard]] bool fix44() const noexcept { return fix44_; }
  /// Digits of BodyLength (9) where the engine pads with zeros, else 0.
  [[nodiscard]] std::uint32_t body_length_width() const noexcept { return body_length_width_; }
  /// The engine's clock carried on by the monotonic one.
  [[nodiscard]] std::uint64_t utc_at(std::uint64_t now_ns) const noexcept {
    return sending_.utc_ns + (now_ns > rendered_ns_ ? now_ns - rendered_ns_ : 0);
  }
  /// One session message: header from `values` (34, 52, 43 and 122, 369), then `body` as it is.
  /// @return bytes written; 0 where `out` is too small
  std::size_t render(std::string_view msg_type, const MessageValues& values, std::string_view body,
                     std::span<char> out) const noexcept;

 private:
  friend class TakeoverTemplate;
  std::array<char, kAddressBytes> address_{};  ///< 49, 56, 50, 57, 115, 116, 128, 129, 142 to 145: "49=FIRM|56=CME|"
  std::uint32_t address_bytes_ = 0;
  std::uint32_t body_length_width_ = 0;
  bool fix44_ = false;
  bool last_processed_ = false;  ///< the engine sends 369
  UtcStamp sending_;
  std::uint64_t rendered_ns_ = 0;
};

class TakeoverTemplate {
 public:
  /// @param text one whole message; not kept
  /// @param rendered_ns monotonic time at which the engine rendered it
  /// On an error the template is empty.
  TemplateError compile(std::string_view text, std::uint64_t rendered_ns) noexcept;

  [[nodiscard]] bool empty() const noexcept { return piece_count_ == 0; }
  [[nodiscard]] TemplateKind kind() const noexcept { return kind_; }
  [[nodiscard]] const SessionHeader& header() const noexcept { return header_; }
  /// True where the engine names the venue's OrderID (37) in this message.
  [[nodiscard]] bool names_order_id() const noexcept { return names_order_id_; }
  /// @return bytes written; 0 where `out` is too small
  std::size_t render(const MessageValues& values, std::span<char> out) const noexcept;

 private:
  struct Piece {  ///< literal text, then the hole of `tag` (0: none)
    std::uint32_t begin = 0, bytes = 0, tag = 0;
  };
  static constexpr std::size_t kPieces = 16;

  struct Compiling;
  TemplateError take_fields(Compiling& c) noexcept;
  TemplateError take_field(Compiling& c, std::uint32_t tag, std::string_view value, std::string_view whole) noexcept;
  void open_hole(std::uint32_t tag) noexcept;
  void keep(std::string_view whole) noexcept;

  SessionHeader header_;
  std::array<char, kTakeoverTemplateBytes> literals_{};
  std::uint32_t literal_bytes_ = 0;
  std::array<Piece, kPieces> pieces_{};
  std::uint32_t piece_count_ = 0;
  std::uint32_t transact_decimals_ = 0;
  TemplateKind kind_ = TemplateKind::cancel;
  bool names_order_id_ = false;
};

}  // namespace portcullis
