// Repairs that leave a second time. Where a way loses much without being full, it loses one repair in that
// many too, and its request as well; each loss costs the receiver another round trip, which shows. The second
// one leaves a moment later, so that one run of losses does not take both.
#pragma once
#include <array>
#include <cstdint>

#include "mapping.h"

namespace plane {

struct Subscription;

class Repeats {
 public:
  static constexpr int kMuch = 10;               // 256ths of the packets: 4 %; below, one repair is enough
  static constexpr int64_t kReportUs = 3000000;  // for so long after a report that tells of so much

  void reported(int fraction_lost, int64_t now_us) {
    if (fraction_lost >= kMuch) until_us_ = now_us + kReportUs;
  }
  bool wanted(int64_t now_us) const { return now_us < until_us_; }

  void push(Subscription* s, int64_t index, const Segment& numbers, int64_t now_us) {
    if (count_ < kSlots) slots_[(first_ + count_++) % kSlots] = {s, index, numbers, now_us + kLaterUs};
  }
  bool empty() const { return count_ == 0; }
  // `f` sees what is due.
  template <class F>
  void each_due(int64_t now_us, F&& f) {
    for (; count_ > 0 && slots_[first_].due_us <= now_us; first_ = (first_ + 1) % kSlots, --count_)
      if (const Again& a = slots_[first_]; a.subscription) f(*a.subscription, a.index, a.numbers);
  }
  void forget(const Subscription* s) {
    for (Again& a : slots_)
      if (a.subscription == s) a.subscription = nullptr;
  }

 private:
  struct Again {
    Subscription* subscription = nullptr;
    int64_t index = 0;  // in its layer's ring
    Segment numbers;
    int64_t due_us = 0;
  };
  static constexpr size_t kSlots =
      32;  // in 20 ms; more in so short a time is a gap that one repair must fill
  static constexpr int64_t kLaterUs = 20000;  // some six packets of a large picture later

  std::array<Again, kSlots> slots_;
  size_t first_ = 0, count_ = 0;
  int64_t until_us_ = 0;
};

}  // namespace plane
