#include "remb.h"

#include <algorithm>
#include <cmath>

namespace plane {
namespace {

constexpr size_t kHeaders = 64;   // IPv4, UDP, RTP with an extension, and the SRTP tag
constexpr int kMuch = 51;         // of 256: a fifth, as in bandwidth.cpp
constexpr double kLess = 0.75;    // of what was sent: his figure is 0.85 of what came
constexpr double kCut = 0.85;     // draft-ietf-rmcat-gcc-02 section 5.5, as the next
constexpr double kGrowth = 1.08;  // a second, where the way was full before
constexpr double kGrowthBeyond = 1.2, kBeyond = 1.25;
constexpr double kProbeShare = 0.85;  // of the rate, with the pictures and the sound
constexpr double kCreditBytes = 16000, kDebtBytes = 3000;
constexpr int64_t kHastyUs = 100'000;                        // figures come every 0.2 to 1 s
constexpr int64_t kConfirmUs = 300'000, kQueueUs = 150'000;  // more than a frame makes
constexpr int64_t kDrainUs = 3'000'000;                      // half a second of queue at 0.85 of the way
constexpr int64_t kOutageUs = 2'000'000;                     // what is lost in one is no sign
constexpr int64_t kProvenUs = 10'000'000;

}  // namespace

void SentLately::tick(int64_t now_us) {
  if (now_us - since_us_ > static_cast<int64_t>(kBins) * kBinUs) {
    bytes_.fill(0);
    bps_ = 0;
    since_us_ = now_us;
  }
  for (; now_us - since_us_ >= kBinUs; since_us_ += kBinUs) {
    bytes_[at_ = (at_ + 1) % kBins] = 0;
    uint64_t least = UINT64_MAX;
    for (size_t ago = 1; ago + kSecond <= kBins; ++ago) {
      uint64_t sum = 0;
      for (size_t n = 0; n < kSecond; ++n) sum += bytes_[(at_ + 2 * kBins - ago - n) % kBins];
      least = std::min(least, sum);
    }
    bps_ = static_cast<double>(least * 8);
  }
}

void ReceiverEstimate::on_sent(uint32_t picture, size_t wire_bytes) {
  const size_t bytes = wire_bytes - std::min(wire_bytes, kHeaders);  // as receivers count
  Picture& p = find(picture);
  p.sent.add(bytes);
  p.sent_us = now_us_;
  credit_ = std::max(credit_ - static_cast<double>(bytes), -kDebtBytes);
}

void ReceiverEstimate::on_sent_beside(size_t wire_bytes) {
  beside_.add(wire_bytes);
  credit_ = std::max(credit_ - static_cast<double>(wire_bytes), -kDebtBytes);
}

void ReceiverEstimate::on_remb(uint64_t bps, const uint32_t* pictures, size_t count, int64_t now_us) {
  bps = std::clamp(bps, RateControl::kMinBps, RateControl::kMaxBps);
  now_us_ = told_us_ = now_us;
  double sent = 0;
  for (size_t n = count; n-- > 0;) sent += find(pictures[n]).sent.bps();
  Picture& p = find(pictures[0]);
  const bool first = p.told_bps == 0;
  const bool fell = bps * 100 < p.told_bps * 97;
  p.hasty = !first && now_us - p.told_us < kHastyUs ? std::min(p.hasty + 1, 3) : 0;
  const bool haste = p.hasty >= 2;  // aiortc: with each packet while a queue grows
  p.told_bps = bps, p.told_us = now_us;
  const auto figure = static_cast<double>(bps);
  const bool less = figure < kLess * sent;  // came through than was sent
  if (!fell && !haste && !(first && less)) return;
  if (!less) {
    if (confirmed() && congested(std::max(figure, sent_bps()))) cut(kCut * before_);
    return;
  }
  for (size_t n = 0; n < count; ++n) {
    Picture& one = find(pictures[n]);
    one.came_bps = figure * one.sent.bps() / sent;
    one.came_us = now_us;
  }
  // It is of a second, some of which was before the queue: the next ones say it better.
  const bool news = congested(std::max(figure, sent_bps()));
  cut(std::min(news ? kCut * before_ : rate_, came_bps()));
}

void ReceiverEstimate::on_loss(uint32_t picture, int fraction_lost, int64_t now_us) {
  now_us_ = now_us;
  if (now_us != reported_us_) silence_us_ = told_us_ < 0 ? 0 : now_us - told_us_;
  reported_us_ = told_us_ = now_us;
  Picture& p = find(picture);
  // Once may be a moment's; but his first figure takes him seconds to find.
  const bool again = p.told_bps == 0 || p.lost > kMuch;
  p.lost = fraction_lost;
  if (p.lost <= kMuch || !again || silence_us_ > kOutageUs || !congested(sent_bps())) return;
  cut(std::min(kCut * before_, before_ * (256 - p.lost) / 256));
}

void ReceiverEstimate::on_rtt(int64_t rtt_us, int64_t now_us) { trips_.add(rtt_us, now_us); }

void ReceiverEstimate::on_timer(uint64_t wanted_bps, int64_t now_us) {
  const double elapsed_s = static_cast<double>(std::clamp<int64_t>(now_us - now_us_, 0, 100000)) / 1e6;
  now_us_ = now_us;
  std::erase_if(pictures_, [&](const Picture& p) { return now_us - p.sent_us > kProvenUs; });
  for (Picture& p : pictures_) p.sent.tick(now_us);
  beside_.tick(now_us);
  const bool more = wanted_bps > bps();
  const int64_t calm_us = now_us - signed_us_;
  if (!more && calm_us > kProvenUs) limiting_ = false;
  padding_ = limiting_ && more && calm_us > pause_us_ && now_us - cut_us_ > kDrainUs &&
             now_us - told_us_ < kSilentUs && !much_lost() && trips_.queue_us() < kQueueUs;
  if (!padding_) return;
  if (now_us - suspected_us_ > kSuspectUs && rate_ < 2 * sent_bps() + 20'000)
    rate_ *= std::pow(rate_ > kBeyond * limit_ ? kGrowthBeyond : kGrowth, elapsed_s);
  rate_ = std::min<double>(rate_, RateControl::kMaxBps);
  credit_ = std::min(credit_ + rate_ * kProbeShare / 8 * elapsed_s, kCreditBytes);
}

ReceiverEstimate::Picture& ReceiverEstimate::find(uint32_t id) {
  for (Picture& p : pictures_)
    if (p.id == id) return p;
  pictures_.emplace_back();
  pictures_.back().id = id;
  pictures_.back().sent_us = now_us_;
  return pictures_.back();
}

bool ReceiverEstimate::much_lost() const {
  return std::any_of(pictures_.begin(), pictures_.end(), [](const Picture& p) { return p.lost > kMuch; });
}

uint64_t ReceiverEstimate::bps() const {
  if (!limiting_) return RateControl::kMaxBps;
  return std::max(static_cast<uint64_t>(std::max(rate_ - beside_.bps(), 0.0)), RateControl::kMinBps);
}

double ReceiverEstimate::sent_bps() const {
  double sum = beside_.bps();
  for (const Picture& p : pictures_) sum += p.sent.bps();
  return sum;
}

double ReceiverEstimate::came_bps() const {
  double sum = beside_.bps();
  for (const Picture& p : pictures_) sum += now_us_ - p.came_us < kSecondUs ? p.came_bps : p.sent.bps();
  return sum;
}

// A way that takes all that is sent may have had a moment's unrest.
bool ReceiverEstimate::confirmed() {
  const int64_t since_us = now_us_ - suspected_us_;
  if (since_us > kSuspectUs) suspected_us_ = now_us_;
  return since_us > kConfirmUs && since_us <= kSuspectUs;
}

// A sign has come. True when it is of a queue that was not known, with the rate until now in `before_`.
bool ReceiverEstimate::congested(double otherwise_bps) {
  signed_us_ = now_us_;
  padding_ = false;
  if (limiting_ && now_us_ - cut_us_ < kDrainUs) return false;
  before_ = limiting_ ? rate_ : otherwise_bps;
  // Growth that found nothing waits longer the next time.
  pause_us_ = before_ > limit_ * kBeyond ? kPauseMinUs : std::min(pause_us_ * 3 / 2, kPauseMaxUs);
  cut_us_ = now_us_;
  limiting_ = true;
  return true;
}

void ReceiverEstimate::cut(double bps) { limit_ = rate_ = std::max<double>(bps, RateControl::kMinBps); }

}  // namespace plane
