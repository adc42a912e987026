// How fast one subscriber's network is: Google congestion control at the sender (draft-ietf-rmcat-gcc-02, as
// libwebrtc has developed it) from transport-wide feedback.
//
// Time and what the receiver tells come in, a rate comes out; no clock, no I/O, nothing allocated per packet.
// The rate goes down for a queue that grows or stands (delay_trend.h) and for loss that comes with one; loss
// alone is the radio's and costs nothing up to 20 %. It goes up slowly by itself and at once where a probe
// (probing.h) has been through.
#pragma once
#include <optional>

#include "bytes.h"
#include "delay_trend.h"
#include "probing.h"
#include "rate_control.h"
#include "sent_packets.h"
#include "throughput.h"

namespace plane {

class BandwidthEstimator {
 public:
  // Returns the transport-wide sequence number to write into the packet. `probe`: the id of the Probe that
  // the packet is sent for, 0 for none.
  uint16_t on_sent(size_t wire_bytes, int64_t now_us, int probe = 0);

  // RTCP 205/15 after its 4-byte header. What is malformed, stale or about packets never sent is ignored.
  void on_feedback(View body, int64_t now_us);
  void on_rtt(int64_t rtt_us);

  // Every 10 ms. `wanted_bps`: what would be sent if there were room; no more than bps(): no probes.
  std::optional<Probe> on_timer(int64_t now_us, uint64_t wanted_bps);

  uint64_t bps() const { return rate_.bps(); }
  bool known() const { return known_; }  // before it, nothing is known and nothing need be limited
  // Whether the way has ever shown one: before it the rate is a lower bound that nobody has reached.
  bool met_limit() const { return met_limit_; }
  bool overusing() const { return trend_.usage() == Usage::over; }
  int64_t queue_delay_us() const { return trend_.queue_us(); }
  double loss() const { return loss_; }

 private:
  static constexpr int64_t kSilenceUs = 1'000'000;  // without feedback: an outage, not congestion
  static constexpr int64_t kRateUs = 500'000, kShortRateUs = 120'000;
  static constexpr int64_t kDecreaseEveryUs = 200'000;
  static constexpr int kInVainMax = 8;

  void resume(int64_t now_us);
  void begin_anew(int64_t now_us);
  void count_loss(int64_t now_us);
  void adapt(int64_t now_us);
  void decrease(int64_t now_us);
  void on_probed(uint64_t found_bps, int64_t now_us);
  bool congested_loss() const;

  SentPackets sent_;
  DelayTrend trend_;
  Throughput came_;
  RateControl rate_;
  Probing probing_;

  bool known_ = false, met_limit_ = false;
  int64_t feedback_us_ = -1, reference_ = 0;  // the receiver's clock, in units of 64 ms
  uint32_t next_told_ = 0;
  int64_t rtt_us_ = 200'000;

  uint32_t window_lost_ = 0, window_told_ = 0;
  int64_t window_us_ = 0, losses_count_from_us_ = 0;
  bool new_loss_ = false;
  double loss_ = 0;

  int64_t decreased_us_ = 0, in_vain_queue_us_ = 0;
  int decreases_in_vain_ = 0;
};

}  // namespace plane
