// What a receiver knows of one incoming stream: losses, jitter (RFC 3550 appendix A), and which gaps to ask
// for again. Time comes in, report blocks and sequence numbers come out.
#pragma once
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "rtcp.h"
#include "rtp.h"

namespace plane {

class Reception {
 public:
  explicit Reception(uint32_t clock_rate) : clock_rate_(clock_rate) {}

  // So far from the last packet that it must be taken as a new stream.
  bool jumped(int64_t index) const { return highest_ >= 0 && std::abs(index - highest_) > kGapMax; }

  // A packet of the stream at its unwrapped index; `repaired` when it came by retransmission.
  void on_packet(int64_t index, uint32_t timestamp, int64_t arrival_us, bool repaired, bool ask_again) {
    ++received_;
    if (highest_ < 0) {
      base_ = highest_ = index;
    } else if (index > highest_) {
      gaps_ += index - highest_ - 1;
      if (ask_again)
        for (int64_t i = highest_ + 1; i < index; ++i)
          if (missing_.size() < kMissingMax) missing_.push_back({i, 0, 0});
      highest_ = index;
    } else {
      std::erase_if(missing_, [&](const Missing& m) { return m.index == index; });
      if (index < base_) base_ = index;
    }
    if (!repaired && clock_rate_ > 0) {
      // Frames share a timestamp: only the change between timestamps measures the network.
      if (have_arrival_ && timestamp != last_timestamp_) {
        const int64_t ticks = static_cast<int32_t>(timestamp - last_timestamp_);
        const int64_t off_us = arrival_us - last_arrival_us_ - ticks * 1000000 / clock_rate_;
        jitter_s_ += (static_cast<double>(std::abs(off_us)) * 1e-6 - jitter_s_) / 16;
      }
      if (!have_arrival_ || timestamp != last_timestamp_)
        last_timestamp_ = timestamp, last_arrival_us_ = arrival_us, have_arrival_ = true;
    }
  }

  // Sequence numbers to ask for now: each gap at once, then every 50 ms, up to ten times.
  void due(int64_t now_us, std::vector<uint16_t>& out) {
    out.clear();
    for (auto& m : missing_) {
      if (m.tries > 0 && now_us - m.asked_us < kAskEveryUs) continue;
      m.asked_us = now_us;
      ++m.tries;
      out.push_back(static_cast<uint16_t>(m.index));
    }
    std::erase_if(missing_, [&](const Missing& m) { return m.tries > kTriesMax; });
    nacks_ += out.size();
  }
  bool any_missing() const { return !missing_.empty(); }
  bool any_new_gap() const { return !missing_.empty() && missing_.back().tries == 0; }

  void on_sender_report(uint64_t ntp, int64_t now_us) {
    last_sr_ = static_cast<uint32_t>(ntp >> 16);
    last_sr_us_ = now_us;
  }

  rtcp::ReportBlock report(uint32_t ssrc, int64_t now_us) {
    rtcp::ReportBlock b{};
    b.ssrc = ssrc;
    int64_t expected = highest_ - base_ + 1;
    int64_t expected_interval = expected - expected_before_, received_interval = received_ - received_before_;
    expected_before_ = expected, received_before_ = received_;
    int64_t lost_interval = expected_interval - received_interval;
    if (expected_interval > 0 && lost_interval > 0)
      b.fraction_lost = static_cast<uint8_t>(std::min<int64_t>(255, lost_interval * 256 / expected_interval));
    b.lost = static_cast<int32_t>(std::clamp<int64_t>(lost(), -0x800000, 0x7fffff));
    b.highest = static_cast<uint32_t>(highest_ - (1 << 16));  // the line began one cycle up
    b.jitter = static_cast<uint32_t>(jitter_s_ * clock_rate_);
    if (last_sr_us_ >= 0) {
      b.last_sr = last_sr_;
      b.delay_since_last_sr = static_cast<uint32_t>((now_us - last_sr_us_) * 65536 / 1000000);
    }
    return b;
  }

  int64_t lost() const { return highest_ < 0 ? 0 : highest_ - base_ + 1 - received_; }
  int64_t gaps() const { return gaps_; }
  int64_t nacks() const { return static_cast<int64_t>(nacks_); }
  double jitter_s() const { return jitter_s_; }
  int64_t highest() const { return highest_; }
  bool started() const { return highest_ >= 0; }

 private:
  struct Missing {
    int64_t index, asked_us;
    int tries;
  };
  static constexpr int64_t kGapMax = 3000;  // RFC 3550's MAX_DROPOUT
  static constexpr size_t kMissingMax = 256;
  static constexpr int kTriesMax = 10;
  static constexpr int64_t kAskEveryUs = 50000;

  uint32_t clock_rate_;
  int64_t highest_ = -1, base_ = -1, received_ = 0, gaps_ = 0, expected_before_ = 0, received_before_ = 0;
  std::vector<Missing> missing_;
  size_t nacks_ = 0;
  double jitter_s_ = 0;
  int64_t last_arrival_us_ = 0;
  uint32_t last_timestamp_ = 0, last_sr_ = 0;
  bool have_arrival_ = false;
  int64_t last_sr_us_ = -1;
};

}  // namespace plane
