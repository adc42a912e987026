// Is there more room than is used? A short train of packets, sent as fast as it leaves, comes out of the
// bottleneck at the bottleneck's own rate. One train at a time.
#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>

namespace plane {

struct Probe {
  int id;        // marks each packet of it
  size_t bytes;  // beyond media, in at least five packets
};

class Probing {
 public:
  // Whether to ask for a train now. `wanted`: what would be sent if there were room. `calm`: neither queue
  // nor loss forbids it.
  std::optional<Probe> on_timer(uint64_t bps, uint64_t wanted, bool calm, int64_t noise_us, int64_t now_us) {
    if (active_) {
      if (now_us - asked_us_ > kTimeoutUs + rtt_us_) fail(now_us);
      return std::nullopt;
    }
    if (wanted <= bps || !calm || now_us < next_us_) return std::nullopt;
    double factor = first_ ? 3 : 2;
    target_bps_ = std::min(static_cast<uint64_t>(factor * static_cast<double>(bps)), 2 * wanted);
    first_ = false;
    noise_us_ = noise_us;
    int64_t duration_us = std::clamp<int64_t>(kDurationUs + 2 * noise_us, kDurationUs, 3 * kDurationUs);
    wanted_bytes_ = std::max<size_t>(target_bps_ / 8 * static_cast<uint64_t>(duration_us) / 1000000,
                                     std::clamp<size_t>(target_bps_ / 80, kBytesLeast, kBytesMin));
    id_ = id_ % 255 + 1;
    active_ = true;
    asked_us_ = now_us;
    packets_ = told_ = came_ = 0, bytes_ = 0, came_bytes_ = 0;
    return Probe{id_, wanted_bytes_};
  }

  // The mark for a packet that is sent now: a media packet between those of a train is part of it.
  uint8_t on_sent(size_t size, int64_t now_us, int probe) {
    if (!active_ || (probe != id_ && (packets_ == 0 || bytes_ >= wanted_bytes_))) return 0;
    if (packets_++ == 0) first_sent_us_ = now_us, first_size_ = size;
    bytes_ += size;
    last_sent_us_ = now_us;
    return static_cast<uint8_t>(id_);
  }

  // Told of a marked packet. The rate that a whole train found, when this was its last.
  std::optional<uint64_t> on_packet(uint8_t probe, size_t size, bool came, int64_t arrival_us) {
    if (!active_ || probe != id_) return std::nullopt;
    ++told_;
    if (came) {
      if (came_++ == 0) first_arrival_us_ = arrival_us, first_came_size_ = size;
      came_bytes_ += size;
      last_arrival_us_ = arrival_us;
    }
    if (told_ < packets_ || bytes_ < wanted_bytes_) return std::nullopt;
    active_ = false;
    if (came_ < 4 || came_ * 10 < packets_ * 8) return 0;
    // A train that arrives closer together than the network's own unrest tells nothing that precise.
    int64_t received_us = std::max<int64_t>(last_arrival_us_ - first_arrival_us_, 500) + noise_us_;
    uint64_t received = (came_bytes_ - first_came_size_) * 8 * 1000000 / static_cast<uint64_t>(received_us);
    int64_t sent_us = last_sent_us_ - first_sent_us_;
    uint64_t rate = std::min(target_bps_, received);
    if (sent_us > 0)
      rate = std::min(rate, (bytes_ - first_size_) * 8 * 1000000 / static_cast<uint64_t>(sent_us));
    return rate;
  }

  bool asked_since(int64_t us) const { return id_ > 0 && asked_us_ >= us; }
  uint64_t target_bps() const { return target_bps_; }
  void set_rtt(int64_t rtt_us) { rtt_us_ = rtt_us; }

  // The train found more room: `bps` and how much of the difference to believe.
  uint64_t succeed(uint64_t bps, uint64_t found_bps, int64_t now_us) {
    if (doubt_ > 0 && raised_us_ >= 0 && now_us - raised_us_ > kTimeoutUs * 9 / 10) --doubt_;
    raised_us_ = now_us;
    pause_us_ = kPauseMinUs;
    next_us_ = now_us + (doubt_ ? kTimeoutUs : 0);
    return bps + ((found_bps - bps) >> doubt_);
  }
  void fail(int64_t now_us) {
    active_ = false;
    next_us_ = now_us + pause_us_ + pause_us_ / 2 * doubt_;
    pause_us_ = std::min(pause_us_ * 3 / 2, kPauseMaxUs);
  }
  // A queue grew. Soon after a success it means that the train was wrong: between other people's packets, or
  // let go together by the radio.
  void on_overuse(int64_t now_us) {
    if (raised_us_ >= 0 && now_us - raised_us_ < kProofUs) doubt_ = std::min(doubt_ + 1, kDoubtMax);
    raised_us_ = -1;
    wait(now_us + kTimeoutUs);
  }
  // Not before so long; whatever is under way tells nothing.
  void wait(int64_t until_us) {
    active_ = false;
    next_us_ = std::max(next_us_, until_us);
  }
  void hurry() { pause_us_ = kPauseMinUs; }

 private:
  static constexpr int64_t kDurationUs = 20000;  // of the train, at the rate that it asks about
  static constexpr size_t kBytesMin = 3000, kBytesLeast = 500;  // on a very narrow way a tenth of a second's
  static constexpr int64_t kTimeoutUs = 1000000;
  static constexpr int64_t kPauseMinUs = 2000000, kPauseMaxUs = 5000000;
  static constexpr int64_t kProofUs = 3000000;
  static constexpr int kDoubtMax = 2;

  bool active_ = false, first_ = true;
  int id_ = 0, doubt_ = 0;
  uint64_t target_bps_ = 0;
  size_t wanted_bytes_ = 0, bytes_ = 0, first_size_ = 0, came_bytes_ = 0, first_came_size_ = 0;
  size_t packets_ = 0, told_ = 0, came_ = 0;
  int64_t asked_us_ = 0, first_sent_us_ = 0, last_sent_us_ = 0, first_arrival_us_ = 0, last_arrival_us_ = 0;
  int64_t raised_us_ = -1, next_us_ = 0, pause_us_ = kPauseMinUs, rtt_us_ = 200000, noise_us_ = 0;
};

}  // namespace plane
