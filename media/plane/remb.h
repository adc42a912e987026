// How fast the network of one subscriber is who gives no transport-wide feedback but estimates by himself,
// from abs-send-time, and says so (REMB, draft-alvestrand-rmcat-remb-03), and whose reports tell of loss.
//
// His figure follows what arrives: it says little while little is sent, and falls to 0.85 of it when a queue
// grows. So a fall is taken as a sign of congestion, and the figure as the way's only where less came than
// was sent. One queue is answered once: until it has had time to go, its other signs say nothing new. Before
// the first there is no limit, nor once all that is wanted has been through for a while. In between the rate
// grows while padding and pictures come through without a sign, and round trips tell of no queue.
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "rate_control.h"

namespace plane {

// What was sent in a second: in the least of those that have ended in the last half second, because what is
// told of now was sent a while ago.
class SentLately {
 public:
  void add(size_t bytes) { bytes_[at_] += static_cast<uint32_t>(bytes); }
  void tick(int64_t now_us);
  double bps() const { return bps_; }

 private:
  static constexpr size_t kBins = 16, kSecond = 10;
  static constexpr int64_t kBinUs = 100'000;

  std::array<uint32_t, kBins> bytes_{};
  size_t at_ = 0;
  int64_t since_us_ = 0;
  double bps_ = 0;
};

// By how much a round trip is longer than the least of the last minute or two.
class RoundTrips {
 public:
  void add(int64_t rtt_us, int64_t now_us) {
    if (now_us - since_us_ > kWindowUs) {
      before_us_ = least_us_, least_us_ = rtt_us;
      since_us_ = now_us;
    }
    least_us_ = std::min(least_us_, rtt_us);
    queue_us_ = rtt_us - std::min(least_us_, before_us_);
  }
  int64_t queue_us() const { return queue_us_; }

 private:
  static constexpr int64_t kWindowUs = 60'000'000;

  int64_t least_us_ = INT64_MAX, before_us_ = INT64_MAX, since_us_ = 0, queue_us_ = 0;
};

class ReceiverEstimate {
 public:
  // A packet with abs-send-time that belongs to this picture: itself, repairs and padding.
  void on_sent(uint32_t picture, size_t wire_bytes);
  // Sound, which never waits: the pictures have what it leaves.
  void on_sent_beside(size_t wire_bytes);

  // A figure for so many of our pictures, at least one: aiortc has one for each, others one for all. One of 0
  // or beyond all networks counts as the least or the most.
  void on_remb(uint64_t bps, const uint32_t* pictures, size_t count, int64_t now_us);

  // A receiver report; `fraction_lost` of a picture, in 256ths.
  void on_loss(uint32_t picture, int fraction_lost, int64_t now_us);
  void on_rtt(int64_t rtt_us, int64_t now_us);

  // At least ten times a second. `wanted_bps`: what would be sent if there were room.
  void on_timer(uint64_t wanted_bps, int64_t now_us);

  bool known() const { return limiting_; }
  bool overusing() const { return limiting_ && now_us_ - signed_us_ < kAgainUs; }
  uint64_t bps() const;  // for pictures

  bool pads() const { return padding_; }
  // Bytes that may go out beside the pictures now, in packets of about that size: his filter wants many.
  size_t padding() const { return padding_ && credit_ > 0 ? static_cast<size_t>(credit_) : 0; }
  size_t padding_size() const { return static_cast<size_t>(rate_ / 8 / kPacketsASecond); }

 private:
  static constexpr int64_t kSecondUs = 1'200'000;  // that of a figure, and some for its way
  struct Picture {
    uint32_t id = 0;
    int64_t sent_us = 0;
    SentLately sent;
    uint64_t told_bps = 0;  // by the last figure of which it was the first
    int64_t told_us = 0;
    int hasty = 0;
    double came_bps = 0;  // a little less than that, and when it became known
    int64_t came_us = -kSecondUs;
    int lost = 0;  // by the last report
  };
  static constexpr double kPacketsASecond = 30;
  static constexpr int64_t kAgainUs = 1'000'000, kSuspectUs = 2'000'000, kSilentUs = 3'000'000;
  static constexpr int64_t kPauseMinUs = 3'000'000, kPauseMaxUs = 10'000'000;

  Picture& find(uint32_t id);
  bool much_lost() const;
  double sent_bps() const;
  double came_bps() const;
  bool confirmed();
  bool congested(double otherwise_bps);
  void cut(double bps);

  std::vector<Picture> pictures_;  // of which something was sent lately
  SentLately beside_;
  RoundTrips trips_;
  bool limiting_ = false, padding_ = false;
  double rate_ = RateControl::kStartBps;  // of all together
  double before_ = 0, limit_ = 0, credit_ = 0;
  int64_t now_us_ = 0, signed_us_ = 0, cut_us_ = 0, suspected_us_ = -kSuspectUs, told_us_ = -1;
  int64_t reported_us_ = -1, silence_us_ = 0;  // the last report, and how long nothing had come before
  int64_t pause_us_ = kPauseMinUs;
};

}  // namespace plane
