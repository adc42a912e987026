// Does a queue grow on the way? Delay-based detection of Google congestion control (draft-ietf-rmcat-gcc-02
// sections 5.1 to 5.4, with libwebrtc's line fitting instead of the draft's Kalman filter).
//
// A frame leaves as one burst, so its last packets wait for its first ones: their delay tells the frame's
// size. The least delay within a group of packets is that of the queue the burst met, whatever its size;
// that is what is fitted. Delays are arrival minus departure on two clocks: only differences mean anything.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

namespace plane {

// The least value of the last ten seconds or so, in ten buckets.
class RecentMinimum {
 public:
  void add(int64_t value, int64_t now_us) {
    if (now_us - bucket_us_ >= kBucketUs) {
      at_ = (at_ + 1) % least_.size();
      least_[at_] = kNone;
      bucket_us_ = now_us;
    }
    least_[at_] = std::min(least_[at_], value);
  }
  int64_t get() const { return *std::min_element(least_.begin(), least_.end()); }
  void clear() { least_.fill(kNone); }
  RecentMinimum() { clear(); }

 private:
  static constexpr int64_t kBucketUs = 1000000, kNone = std::numeric_limits<int64_t>::max();

  std::array<int64_t, 10> least_;
  size_t at_ = 0;
  int64_t bucket_us_ = 0;
};

enum class Usage { normal, over, under };

class DelayTrend {
 public:
  // A packet that came, in the order of sending; times in microseconds, each on its own clock.
  void on_packet(int64_t sent_us, int64_t arrival_us) {
    int64_t delay_us = arrival_us - sent_us;
    if (open_ && std::abs(delay_us - delay_us_) > kClockJumpUs) forget_least();
    if (open_ && sent_us < first_sent_us_) return;
    if (!open_ || !belongs(sent_us, arrival_us, delay_us)) {
      if (open_) finish();
      open_ = true;
      first_sent_us_ = sent_us, first_arrival_us_ = last_arrival_us_ = arrival_us, delay_us_ = delay_us;
      return;
    }
    delay_us_ = std::min(delay_us_, delay_us);
    last_arrival_us_ = std::max(last_arrival_us_, arrival_us);
  }

  Usage usage() const { return usage_; }
  int64_t queue_us() const { return fitting_ ? std::max<int64_t>(0, queue_us_) : 0; }
  double trend() const { return trend_; }
  int64_t noise_us() const { return static_cast<int64_t>(noise_us_); }  // mean change between groups

  // After a silence: what was before says nothing about how the queue changes now.
  void restart() {
    open_ = fitting_ = false;
    count_ = 0, trend_ = 0, over_us_ = -1;
    usage_ = Usage::normal;
  }
  // Another path, or another clock: what looked like a queue is the way itself.
  void forget_least() {
    restart();
    least_.clear();
  }

 private:
  static constexpr int64_t kBurstUs = 5000;            // sent within: one group
  static constexpr int64_t kGroupUs = 100000;          // arrived within; more is a queue, whoever made it
  static constexpr int64_t kClockJumpUs = 10'000'000;  // no path holds a packet longer
  static constexpr size_t kWindow = 20;                // groups in the fit
  static constexpr double kSmoothing = 0.9, kGain = 4, kUp = 0.0087, kDown = 0.039;
  static constexpr double kThresholdMin = 6, kThresholdMax = 600, kOutlier = 15;
  static constexpr int64_t kOverUs = 50000;  // overuse must last so long
  static constexpr int64_t kShownUs = 20000;
  static constexpr int64_t kStandingUs =
      120000;  // a queue so long is overuse even when it has stopped growing

  bool belongs(int64_t sent_us, int64_t arrival_us, int64_t delay_us) const {
    if (arrival_us - first_arrival_us_ >= kGroupUs) return false;
    if (sent_us - first_sent_us_ <= kBurstUs) return true;
    return arrival_us - last_arrival_us_ <= kBurstUs &&
           delay_us < delay_us_;  // held back and let go together
  }

  void finish() {
    least_.add(delay_us_, first_sent_us_);
    int64_t least = least_.get();
    int64_t since_us = first_sent_us_ - last_group_us_;
    last_group_us_ = first_sent_us_;
    if (!fitting_) {
      fitting_ = true;
      since_us = 0;
      origin_us_ = delay_us_, origin_arrival_us_ = first_arrival_us_, before_us_ = delay_us_;
      smoothed_ms_ = 0;
      queue_us_ = delay_us_ - least;
    }
    noise_us_ += (static_cast<double>(std::abs(delay_us_ - before_us_)) - noise_us_) / 16;
    bool longer = delay_us_ >= before_us_;
    before_us_ = delay_us_;
    queue_us_ += ((delay_us_ - least) - queue_us_) / 3;
    smoothed_ms_ =
        kSmoothing * smoothed_ms_ + (1 - kSmoothing) * static_cast<double>(delay_us_ - origin_us_) / 1000;
    points_[count_++ % kWindow] = {static_cast<double>(first_arrival_us_ - origin_arrival_us_) / 1000,
                                   smoothed_ms_};
    double before = trend_;
    if (count_ >= kWindow) trend_ = slope();
    detect(longer && trend_ >= before, since_us);
  }

  // A queue shorter than this may be the network's unrest, and does no harm.
  int64_t shown_us() const { return std::max<int64_t>(kShownUs, 2 * noise_us()); }

  double slope() const {
    double x_mean = 0, y_mean = 0, xy = 0, xx = 0;
    for (auto& p : points_) x_mean += p.x, y_mean += p.y;
    x_mean /= kWindow, y_mean /= kWindow;
    for (auto& p : points_) xy += (p.x - x_mean) * (p.y - y_mean), xx += (p.x - x_mean) * (p.x - x_mean);
    return xx > 0 ? xy / xx : trend_;
  }

  void detect(bool growing, int64_t since_us) {
    double modified = static_cast<double>(std::min<size_t>(count_, 60)) * trend_ * kGain;
    if (modified > threshold_) {
      over_us_ = over_us_ < 0 ? since_us / 2 : over_us_ + since_us;
      if (queue_us_ <= shown_us())
        usage_ = Usage::normal;
      else if (over_us_ > kOverUs && growing)
        usage_ = Usage::over;
    } else {
      over_us_ = -1;
      usage_ = modified < -threshold_ ? Usage::under : Usage::normal;
      if (usage_ == Usage::normal && queue_us_ > kStandingUs) usage_ = Usage::over;
    }
    double size = std::abs(modified);
    if (size > threshold_ + kOutlier) return;
    double k = size < threshold_ ? kDown : kUp;
    threshold_ += k * (size - threshold_) * static_cast<double>(std::min<int64_t>(since_us, 100000)) / 1000;
    threshold_ = std::clamp(threshold_, kThresholdMin, kThresholdMax);
  }

  struct Point {
    double x, y;  // arrival, smoothed delay; milliseconds
  };

  bool open_ = false;  // the group being gathered
  int64_t first_sent_us_ = 0, first_arrival_us_ = 0, last_arrival_us_ = 0, delay_us_ = 0;

  bool fitting_ = false;
  int64_t last_group_us_ = 0, origin_us_ = 0, origin_arrival_us_ = 0, before_us_ = 0, queue_us_ = 0;
  double smoothed_ms_ = 0, noise_us_ = 0, trend_ = 0, threshold_ = 12.5;
  std::array<Point, kWindow> points_{};
  size_t count_ = 0;
  int64_t over_us_ = -1;
  RecentMinimum least_;
  Usage usage_ = Usage::normal;
};

}  // namespace plane
