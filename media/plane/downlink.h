// What the relay knows of one subscriber's way to him, and what it holds back for its sake.
#pragma once
#include <optional>

#include "bandwidth.h"
#include "pacer.h"
#include "remb.h"
#include "repeats.h"

namespace plane {

struct Downlink {
  BandwidthEstimator estimator;
  std::optional<ReceiverEstimate> remb;  // in its place, where the receiver estimates
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

  static constexpr Pacer::Pace kStills{75, 0}, kDraining{75, 20000}, kNarrow{125, 20000}, kWide{250, 100000};
  static constexpr int64_t kHoldUs = 2000000, kHoldMaxUs = 8000000, kRelapseUs = 8000000;
  static constexpr int64_t kObeyUs = 2000000;
  static constexpr int64_t kSettleUs = 1000000;  // the estimate begins low and needs a moment to find the way

  uint64_t bps() const { return remb ? remb->bps() : estimator.bps(); }
  bool known() const { return remb ? remb->known() : estimator.known(); }
  bool overusing() const { return remb ? remb->overusing() : estimator.overusing(); }
  bool met_limit() const { return remb ? remb->known() : estimator.met_limit(); }

  // Into the packet that leaves now: its transport-wide number, or the time (abs-send-time: seconds, 6.18
  // bits in fixed point).
  void stamp(uint8_t* at, uint32_t picture, size_t wire_bytes, int64_t now_us, int probe) {
    if (!remb) return put16(at, estimator.on_sent(wire_bytes, now_us, probe));
    remb->on_sent(picture, wire_bytes);
    put24(at, static_cast<uint32_t>((static_cast<uint64_t>(now_us) << 18) / 1000000) & 0xffffff);
  }

  // Pictures wait for what is sent beside them; a receiver's padding waits for them.
  void spend(size_t wire_bytes, bool picture) {
    if (picture || !remb) pacer.spend(wire_bytes);
  }
  void spend_beside(size_t wire_bytes) {
    if (remb)
      remb->on_sent_beside(wire_bytes);
    else
      pacer.spend(wire_bytes);
  }

  // An estimate that limits is the way's own rate: faster would only queue there. One that nobody has reached
  // yet is no more than a lower bound. A still has seconds, and leaves the way to the sound.
  void refill(int64_t now_us) {
    const bool draining = remb && remb->overusing();
    pacer.refill(bps(), starved ? kStills : draining ? kDraining : short_of_room ? kNarrow : kWide, now_us);
  }
  bool limits(int64_t now_us) const {
    if (known_since_us < 0) return false;
    return overusing() || (met_limit() && now_us - known_since_us > kSettleUs);
  }
  // Publishers who are held back need a moment to send less. Until then a little too much is sent, rather
  // than nothing.
  bool lenient(uint64_t offered_bps, int64_t now_us) {
    if (offered_bps <= bps()) squeezed_since_us = now_us;
    return now_us - squeezed_since_us < kObeyUs && offered_bps < bps() * 3 / 2;
  }
  // What is sent is all that there is room for: more would queue, and losses are the queue's.
  bool full() const { return short_of_room || overusing(); }
  // Quality that came back too early waits longer the next time, unless there is far more room than before.
  bool may_grow(int64_t now_us) const { return now_us >= grow_after_us || bps() > 2 * shrunk_bps; }
  void shrank(int64_t now_us) {
    const bool relapse = grown_us > shrunk_us && now_us - grown_us < kRelapseUs;
    if (relapse)
      hold_us = std::min(hold_us * 2, kHoldMaxUs);
    else if (grown_us > shrunk_us)
      hold_us = kHoldUs;
    shrunk_us = now_us;
    shrunk_bps = bps();
    grow_after_us = now_us + hold_us;
  }
  void grew(int64_t now_us) { grown_us = now_us; }
};

}  // namespace plane
