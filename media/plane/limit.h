// How much a publisher may send of a picture that has no layers to choose from, so that those who watch it on
// slower networks see it live and not as stills: as much as the widest of their ways takes.
#pragma once
#include <algorithm>
#include <cstdint>

namespace plane {

class Limit {
 public:
  static constexpr int64_t kNone = INT64_MAX;

  int64_t bps() const { return bps_; }
  bool set() const { return bps_ != kNone; }
  // The publisher sends as much as it may: with more it would send more.
  bool filled(int64_t sent_bps) const { return set() && sent_bps > bps_ * 4 / 5; }

  // Ten times a second. `room_bps`: the widest way's, kNone when somebody who watches is not short of room. A
  // fall counts at once. A rise goes step by step, each way shows its room only when more is sent on it; and
  // once the publisher leaves room for long, there is nothing left to limit.
  void update(int64_t room_bps, int64_t sent_bps, int64_t now_us) {
    if (room_bps == kNone) {
      bps_ = kNone;
      return;
    }
    room_bps = std::max(room_bps, kLeastBps);
    if (room_bps < bps_) {
      bps_ = room_bps;
      spare_since_us_ = now_us;
      return;
    }
    bps_ = std::min(room_bps, bps_ + bps_ / kRise);
    if (filled(sent_bps)) spare_since_us_ = now_us;
    if (now_us - spare_since_us_ > kSpareUs) bps_ = kNone;
  }

 private:
  static constexpr int64_t kLeastBps = 100000;  // below, encoders make no useful picture
  static constexpr int64_t kRise = 50;          // 2 % each time: twice as much after 3.5 s
  static constexpr int64_t kSpareUs = 5000000;

  int64_t bps_ = kNone, spare_since_us_ = 0;
};

}  // namespace plane
