// SPDX-License-Identifier: Apache-2.0
/// @file QuickFIX's memory store with a bound: the last kKeptMessages sent messages of a session can be
/// resent, older ones are gap-filled by QuickFIX. Without a bound a minute of run-away orders costs a
/// gigabyte.
#pragma once
#include <quickfix/MessageStore.h>

#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace portcullis {
namespace venue {

constexpr std::size_t kKeptMessages = 65536;

class BoundedStore : public FIX::MemoryStore {
 public:
  bool set(int seq_num, const std::string& message) throw(FIX::IOException) override {
    kept_.emplace_back(seq_num, message);
    if (kept_.size() > kKeptMessages) kept_.pop_front();
    return true;
  }
  void get(int begin, int end, std::vector<std::string>& out) const throw(FIX::IOException) override {
    out.clear();
    for (const auto& kept : kept_)
      if (kept.first >= begin && kept.first <= end) out.push_back(kept.second);
  }
  void reset() throw(FIX::IOException) override {
    FIX::MemoryStore::reset();
    kept_.clear();
  }

 private:
  std::deque<std::pair<int, std::string>> kept_;
};

class BoundedStoreFactory : public FIX::MessageStoreFactory {
 public:
  FIX::MessageStore* create(const FIX::SessionID&) override { return new BoundedStore; }
  void destroy(FIX::MessageStore* store) override { delete store; }
};

}  // namespace venue
}  // namespace portcullis
