// A stream's bit rate, smoothed over about a second, so that one key frame does not look like a new rate.
#pragma once
#include <cstdint>

namespace plane {

class Rate {
 public:
  static constexpr int64_t kEveryUs = 90000;  // in each round of the core

  void add(size_t bytes) { bytes_ += bytes; }
  void tick(int64_t now_us) {
    if (since_us_ < 0) {
      since_us_ = now_us;
      return;
    }
    const int64_t elapsed_us = now_us - since_us_;
    if (elapsed_us < kEveryUs) return;
    const double bps = static_cast<double>(bytes_) * 8e6 / static_cast<double>(elapsed_us);
    // The first second is a plain mean, then each tenth of a second moves it by a twelfth.
    ticks_ = bytes_ == 0 && bps_ == 0 ? 0 : ticks_ < 12 ? ticks_ + 1 : 12;
    if (ticks_ > 0) bps_ += (bps - bps_) / ticks_;
    bytes_ = 0;
    since_us_ = now_us;
  }
  uint64_t bps() const { return static_cast<uint64_t>(bps_); }

 private:
  uint64_t bytes_ = 0;
  int64_t since_us_ = -1;
  int ticks_ = 0;
  double bps_ = 0;
};

}  // namespace plane
