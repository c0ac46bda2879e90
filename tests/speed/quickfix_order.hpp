// SPDX-License-Identifier: Apache-2.0
/// @file One NewOrderSingle as QuickFIX writes it, behind a plain interface: QuickFIX 1.15.1 compiles as
/// C++14 only.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

namespace portcullis::speed {

class QuickFixWriter {
 public:
  QuickFixWriter();
  ~QuickFixWriter();
  QuickFixWriter(const QuickFixWriter&) = delete;
  QuickFixWriter& operator=(const QuickFixWriter&) = delete;

  /// A fresh message object each time, header and body set field by field, rendered to bytes; their number.
  std::size_t write_fresh(const char* cl_ord_id, std::int64_t seq_num);
  /// The same message object again, with what changes set anew.
  std::size_t write_reused(const char* cl_ord_id, std::int64_t seq_num);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace portcullis::speed
