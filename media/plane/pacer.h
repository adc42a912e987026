// What waits to leave on one subscriber's way. A picture that fits into the next moments of the way goes at
// once and whole, which is cheapest; of a larger one (a key frame on a narrow link) the rest follows in the
// ticks after it, so that it neither overflows the link's queue nor makes sound wait behind it.
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>

#include "mapping.h"

namespace plane {

struct Subscription;

struct Waiting {
  Subscription* subscription;
  int64_t index;    // in its layer's ring, where the bytes stay
  Segment numbers;  // as decided when it was its turn
  bool repair;      // a retransmission
  uint16_t size = 0;
};

class Pacer {
 public:
  static constexpr size_t kSlots = 512;  // half a megabyte of packets; a way that slow has too high a layer

  struct Pace {
    int64_t percent;   // of the estimate
    int64_t burst_us;  // what may leave at once, in time at the estimate's rate
  };

  // The way carries `bps`; time has passed.
  void refill(uint64_t bps, const Pace& pace, int64_t now_us) {
    rate_ = static_cast<int64_t>(bps) * pace.percent / 100;
    const int64_t burst = std::max<int64_t>(static_cast<int64_t>(bps) * pace.burst_us / 8000000, kBurstLeast);
    const int64_t elapsed_us = std::clamp<int64_t>(now_us - refilled_us_, 0, 100000);
    refilled_us_ = now_us;
    budget_ = std::min(burst, budget_ + rate_ * elapsed_us / 8000000);
  }
  int64_t budget() const { return budget_; }
  void spend(size_t bytes) { budget_ = std::max<int64_t>(budget_ - static_cast<int64_t>(bytes), -50000); }

  bool empty() const { return count_ == 0; }
  size_t size() const { return count_; }
  size_t bytes() const { return bytes_; }
  const Waiting& at(size_t n) const { return slots_[(first_ + n) % kSlots]; }
  const Waiting& front() const { return at(0); }
  void pop(size_t n) {
    for (size_t i = 0; i < n; ++i) bytes_ -= at(i).size;
    first_ = (first_ + n) % kSlots, count_ -= n;
  }
  // False when there is no room, in slots or in time.
  bool push(Waiting w, size_t size) {
    if (!fits(size)) return false;
    w.size = static_cast<uint16_t>(size);
    slots_[(first_ + count_++) % kSlots] = w;
    return true;
  }
  bool push_front(Waiting w, size_t size) {
    if (!fits(size)) return false;
    w.size = static_cast<uint16_t>(size);
    first_ = (first_ + kSlots - 1) % kSlots, ++count_;
    slots_[first_] = w;
    return true;
  }

  // Forgets what waits of one subscription.
  void purge(const Subscription* s) {
    size_t kept = 0;
    for (size_t n = 0; n < count_; ++n) {
      const Waiting w = at(n);
      if (w.subscription == s)
        bytes_ -= w.size;
      else
        slots_[(first_ + kept++) % kSlots] = w;
    }
    count_ = kept;
  }

 private:
  static constexpr int64_t kBurstLeast = 5000;  // a few packets go together anywhere
  static constexpr int64_t kLongestMs = 400;
  static constexpr size_t kBytesLeast = 128000;  // a large key frame, even where it takes seconds

  bool fits(size_t size) {
    const auto longest = static_cast<size_t>(rate_ * kLongestMs / 8000);
    if (count_ == kSlots || bytes_ + size > std::max(longest, kBytesLeast)) return false;
    if (!slots_) slots_ = std::make_unique<Waiting[]>(kSlots);
    bytes_ += size;
    return true;
  }

  std::unique_ptr<Waiting[]> slots_;
  size_t first_ = 0, count_ = 0, bytes_ = 0;
  int64_t budget_ = 0, refilled_us_ = 0, rate_ = 0;
};

}  // namespace plane
