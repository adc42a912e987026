// From signs of congestion to a rate (draft-ietf-rmcat-gcc-02 section 5.5): up by a share while the limit is
// unknown, up a little where it is known, down below what came through when a queue grows.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

namespace plane {

class RateControl {
 public:
  static constexpr uint64_t kStartBps = 1'000'000, kMinBps = 30'000, kMaxBps = 100'000'000;

  uint64_t bps() const { return static_cast<uint64_t>(bps_); }

  // `came`: what arrived lately, 0 when unknown.
  void increase(uint64_t came, int64_t rtt_us, int64_t now_us) {
    double dt = since(now_us);
    double cap = came ? kHeadroom * static_cast<double>(came) + 10'000 : 0;
    if (came && limit_ > 0 && static_cast<double>(came) > limit_ + 3 * deviation())
      limit_ = 0;  // it has gone up
    double next = bps_;
    if (limit_ > 0 && bps_ > limit_ - 3 * deviation()) {
      double packet_bits = bps_ / 30 / std::ceil(bps_ / 30 / (1200 * 8));  // of a frame at 30 Hz
      next += std::max(4000.0, packet_bits * 1e6 / static_cast<double>(rtt_us + 100'000)) * dt;
    } else {
      next *= std::pow(1.08, dt);
      next = std::max(next, bps_ + 1000 * dt);
    }
    if (next > cap) next = std::max(bps_, cap);
    set(next);
  }

  // A queue of so long: down to what drains it in about a second.
  void decrease(uint64_t came, int64_t queue_us, int64_t now_us) {
    since(now_us);
    double base = came ? static_cast<double>(came) : bps_;
    double drain = std::clamp(1 - static_cast<double>(queue_us) / 1e6, kDrainMin, kBeta);
    if (came) learn(base);
    drained_ = std::min(drained_ > 0 ? drained_ : bps_, kBeta * base);
    set(std::min(bps_, drain * base));
  }

  // The queue is gone: no need to stay below the limit.
  void drained() {
    if (drained_ > bps_) set(drained_);
    drained_ = 0;
  }

  // Loss that congestion made: classic Google congestion control's cut.
  void lose(double share, uint64_t came, int64_t now_us) {
    since(now_us);
    double sent = came ? static_cast<double>(came) / std::max(0.1, 1 - share) : bps_;
    drained_ = 0;
    set(std::min(bps_, sent) * (1 - 0.5 * share));
  }

  void hold(int64_t now_us) { since(now_us); }
  void raise(uint64_t bps) { set(std::max(bps_, static_cast<double>(bps))); }

 private:
  static constexpr double kBeta = 0.85, kDrainMin = 0.25, kHeadroom = 1.5;

  void set(double bps) { bps_ = std::clamp<double>(bps, kMinBps, kMaxBps); }
  double since(int64_t now_us) {
    double dt = last_us_ < 0 ? 0 : std::clamp(static_cast<double>(now_us - last_us_) / 1e6, 0.0, 1.0);
    last_us_ = now_us;
    return dt;
  }
  // The link's limit as seen at overuse, with its variance relative to its size.
  void learn(double came) {
    if (limit_ <= 0 || came < limit_ - 3 * deviation()) {
      limit_ = came;
      return;
    }
    double error = limit_ - came;
    limit_ = 0.95 * limit_ + 0.05 * came;
    variance_ = std::clamp(0.95 * variance_ + 0.05 * error * error / limit_, 400.0, 2500.0);
  }
  double deviation() const { return std::sqrt(variance_ * limit_); }

  double bps_ = kStartBps, limit_ = 0, variance_ = 400, drained_ = 0;
  int64_t last_us_ = -1;
};

}  // namespace plane
