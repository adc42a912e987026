// How many bits a second came, over the last moments before the newest packet, on the receiver's clock.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>

namespace plane {

class Throughput {
 public:
  void add(int64_t at_us, size_t octets) {
    int64_t bin = at_us / kBinUs;
    if (head_ < 0 || bin - head_ >= kBins || head_ - bin > kClockJumpBins) clear(bin);
    if (bin <= head_ - kBins) return;
    while (head_ < bin) octets_[index(++head_)] = 0;
    octets_[index(bin)] += octets;
    newest_us_ = std::max(newest_us_, at_us);
  }

  void clear() { head_ = -1; }

  // 0 while too little is known.
  uint64_t bps(int64_t window_us) const {
    if (head_ < 0) return 0;
    int64_t first = std::max(newest_us_ - window_us, first_us_) / kBinUs;
    first = std::max(first, head_ - kBins + 1);
    int64_t span_us = newest_us_ - std::max(first * kBinUs, first_us_);
    if (span_us < kLeastUs) return 0;
    uint64_t sum = 0;
    for (int64_t bin = first; bin <= head_; ++bin) sum += octets_[index(bin)];
    return sum * 8 * 1000000 / static_cast<uint64_t>(span_us);
  }

 private:
  static constexpr int64_t kBinUs = 20000, kBins = 64, kClockJumpBins = 500, kLeastUs = 100000;

  static size_t index(int64_t bin) { return static_cast<size_t>(bin) & (kBins - 1); }
  void clear(int64_t bin) {
    octets_.fill(0);
    head_ = bin;
    first_us_ = newest_us_ = bin * kBinUs;
  }

  std::array<uint32_t, kBins> octets_{};
  int64_t head_ = -1, first_us_ = 0, newest_us_ = 0;
};

}  // namespace plane
