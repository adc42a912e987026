// What the relay knows of one subscriber's way to him, and what it holds back for its sake.
#pragma once
#include "bandwidth.h"
#include "pacer.h"
#include "repeats.h"

namespace plane {

struct Downlink {
  BandwidthEstimator estimator;
  Pacer pacer;
  Repeats repeats;
  uint64_t wanted_bps = 0;  // what would be sent if there were room, with some to spare
  int64_t known_since_us = -1;
  int64_t allocate_due_us = 0;
  bool short_of_room = false;  // some picture is less than was asked for
  bool starved = false;        // some picture is no more than a still now and then
  int64_t grow_after_us = 0, grown_us = -1, shrunk_us = -1, hold_us = kHoldUs;
  uint64_t shrunk_bps = 0;
  int64_t squeezed_since_us = 0;

  static constexpr Pacer::Pace kStills{75, 0}, kNarrow{125, 20000}, kWide{250, 100000};
  static constexpr int64_t kHoldUs = 2000000, kHoldMaxUs = 8000000, kRelapseUs = 8000000;
  static constexpr int64_t kObeyUs = 2000000;
  static constexpr int64_t kSettleUs = 1000000;  // the estimate begins low and needs a moment to find the way

  // An estimate that limits is the way's own rate: faster would only queue there. One that nobody has reached
  // yet is no more than a lower bound. A still has seconds, and leaves the way to the sound.
  void refill(int64_t now_us) {
    pacer.refill(estimator.bps(), starved ? kStills : short_of_room ? kNarrow : kWide, now_us);
  }
  bool limits(int64_t now_us) const {
    if (known_since_us < 0) return false;
    return estimator.overusing() || (estimator.met_limit() && now_us - known_since_us > kSettleUs);
  }
  // Publishers who are held back need a moment to send less. Until then a little too much is sent, rather
  // than nothing.
  bool lenient(uint64_t offered_bps, int64_t now_us) {
    if (offered_bps <= estimator.bps()) squeezed_since_us = now_us;
    return now_us - squeezed_since_us < kObeyUs && offered_bps < estimator.bps() * 3 / 2;
  }
  // What is sent is all that there is room for: more would queue, and losses are the queue's.
  bool full() const { return short_of_room || estimator.overusing(); }
  // Quality that came back too early waits longer the next time, unless there is far more room than before.
  bool may_grow(int64_t now_us) const { return now_us >= grow_after_us || estimator.bps() > 2 * shrunk_bps; }
  void shrank(int64_t now_us) {
    const bool relapse = grown_us > shrunk_us && now_us - grown_us < kRelapseUs;
    if (relapse)
      hold_us = std::min(hold_us * 2, kHoldMaxUs);
    else if (grown_us > shrunk_us)
      hold_us = kHoldUs;
    shrunk_us = now_us;
    shrunk_bps = estimator.bps();
    grow_after_us = now_us + hold_us;
  }
  void grew(int64_t now_us) { grown_us = now_us; }
};

}  // namespace plane
