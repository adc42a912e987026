#include "bandwidth.h"

#include "transport_feedback.h"

namespace plane {
namespace {

constexpr double kLossHold = 0.02, kLossCut = 0.10, kLossAlone = 0.20;
constexpr int64_t kQueueShowsUs = 10'000;  // with so much queue, loss is taken for congestion
constexpr int64_t kQueueGoneUs = 30'000, kQueueHoldUs = 60'000, kShortQueueUs = 80'000;
constexpr int64_t kLossWindowUs = 500'000;
constexpr uint32_t kLossWindowPackets = 50;

}  // namespace

uint16_t BandwidthEstimator::on_sent(size_t wire_bytes, int64_t now_us, int probe) {
  return sent_.add(wire_bytes, now_us, probing_.on_sent(wire_bytes, now_us, probe));
}

void BandwidthEstimator::on_feedback(View body, int64_t now_us) {
  ReceivedFeedback feedback(body);
  if (!feedback.valid()) return;
  // 24 bits, unwrapped to the nearest to the last.
  int32_t ahead = static_cast<int32_t>((feedback.reference() - static_cast<uint32_t>(reference_)) << 8) >> 8;
  int64_t reference = known_ ? reference_ + ahead : feedback.reference();
  bool any = false;
  std::optional<uint64_t> probed;
  feedback.each([&](uint16_t seq, bool came, int64_t after_us) {
    uint32_t number = sent_.unwrap(seq);
    SentPacket* p = sent_.find(number);
    if (!p || p->fate == Fate::came || (p->fate == Fate::lost && !came)) return;
    int64_t arrival_us = reference * ReceivedFeedback::kReferenceUs + after_us;
    if (!any) {
      any = true;
      if (feedback_us_ >= 0 && now_us - feedback_us_ > kSilenceUs) resume(now_us);
      // What an earlier feedback told and was lost with it, most likely came.
      if (came && next_told_ > 0 && number > next_told_ && number - next_told_ < 1000)
        for (uint32_t n = next_told_; n < number; ++n)
          if (SentPacket* q = sent_.find(n); q && q->fate == Fate::unknown && q->at_us > p->at_us - kRateUs) {
            q->fate = Fate::skipped;
            came_.add(arrival_us, q->size);
          }
    }
    next_told_ = std::max(next_told_, number + 1);
    bool counts = p->at_us >= losses_count_from_us_;
    if (came) {
      if (p->fate == Fate::lost) {
        if (counts && window_lost_ > 0) --window_lost_;
      } else if (counts) {
        ++window_told_;
      }
      if (p->fate != Fate::skipped) came_.add(arrival_us, p->size);
      trend_.on_packet(p->at_us, arrival_us);
    } else if (counts) {
      ++window_told_, ++window_lost_;
    }
    bool first = p->fate == Fate::unknown || p->fate == Fate::skipped;
    p->fate = came ? Fate::came : Fate::lost;
    if (p->probe && first)
      if (auto rate = probing_.on_packet(p->probe, p->size, came, arrival_us)) probed = rate;
  });
  if (!any) return;
  reference_ = reference;
  known_ = true;
  feedback_us_ = now_us;
  count_loss(now_us);
  adapt(now_us);
  if (probed) on_probed(*probed, now_us);
}

void BandwidthEstimator::resume(int64_t now_us) {
  probing_.wait(now_us);
  probing_.hurry();
  begin_anew(now_us);
}

void BandwidthEstimator::begin_anew(int64_t now_us) {
  trend_.restart();
  came_.clear();
  window_lost_ = window_told_ = 0;
  window_us_ = losses_count_from_us_ = now_us;  // what the outage lost tells nothing
  rate_.hold(now_us);
}

void BandwidthEstimator::count_loss(int64_t now_us) {
  if (window_us_ == 0) window_us_ = now_us;
  int64_t age_us = now_us - window_us_;
  new_loss_ = age_us >= kLossWindowUs && (window_told_ >= kLossWindowPackets || age_us >= 3 * kLossWindowUs);
  if (!new_loss_) return;
  loss_ = window_told_ ? static_cast<double>(window_lost_) / window_told_ : 0;
  window_lost_ = window_told_ = 0;
  window_us_ = now_us;
}

bool BandwidthEstimator::congested_loss() const {
  return loss_ > kLossAlone || (loss_ > kLossHold && trend_.queue_us() > kQueueShowsUs);
}

void BandwidthEstimator::adapt(int64_t now_us) {
  uint64_t came = came_.bps(kRateUs);
  if (trend_.usage() == Usage::over) {
    if (now_us - decreased_us_ >= kDecreaseEveryUs) decrease(now_us);
    rate_.hold(now_us);
  } else if (new_loss_ && loss_ > kLossCut && congested_loss()) {
    rate_.lose(loss_, came, now_us);
    met_limit_ = true;
    probing_.wait(now_us + kSilenceUs);
  } else if (trend_.usage() == Usage::under || congested_loss() || trend_.queue_us() > kQueueHoldUs) {
    rate_.hold(now_us);
  } else {
    if (trend_.queue_us() < kQueueGoneUs) rate_.drained(), decreases_in_vain_ = 0;
    rate_.increase(came, rtt_us_, now_us);
  }
}

void BandwidthEstimator::decrease(int64_t now_us) {
  int64_t queue_us = trend_.queue_us();
  uint64_t came = came_.bps(kRateUs);
  // What comes now rather than half a second ago, once a queue keeps the link busy without a break.
  if (queue_us > kQueueHoldUs)
    if (uint64_t lately = came_.bps(kShortRateUs)) came = std::min(came, lately);
  // A short queue after a probe, or while little is sent, as after a key frame, goes by itself, or it grows.
  bool harmless = probing_.asked_since(now_us - kSilenceUs) || came < rate_.bps() * 3 / 4;
  if (queue_us < kShortQueueUs && harmless) return;
  rate_.decrease(came, queue_us, now_us);
  met_limit_ = true;
  decreased_us_ = now_us;
  probing_.on_overuse(now_us);
  // A queue that does not care how little is sent is none: the way has become longer.
  if (decreases_in_vain_ == 0 || queue_us < in_vain_queue_us_ * 8 / 10 ||
      queue_us > in_vain_queue_us_ * 12 / 10)
    in_vain_queue_us_ = queue_us, decreases_in_vain_ = 0;
  if (++decreases_in_vain_ > kInVainMax) {
    trend_.forget_least();
    decreases_in_vain_ = 0;
  }
}

void BandwidthEstimator::on_probed(uint64_t found_bps, int64_t now_us) {
  if (trend_.usage() == Usage::over) return probing_.fail(now_us);
  bool whole = found_bps >= probing_.target_bps() * 9 / 10;
  uint64_t safe = whole ? found_bps : found_bps * 95 / 100;
  if (safe > rate_.bps() * 105 / 100)
    rate_.raise(probing_.succeed(rate_.bps(), safe, now_us));
  else
    probing_.fail(now_us);
}

void BandwidthEstimator::on_rtt(int64_t rtt_us) {
  rtt_us_ = std::clamp<int64_t>(rtt_us, 1'000, 3'000'000);
  probing_.set_rtt(rtt_us_);
}

std::optional<Probe> BandwidthEstimator::on_timer(int64_t now_us, uint64_t wanted_bps) {
  if (!known_) return std::nullopt;
  if (now_us - feedback_us_ >= kSilenceUs) {  // nothing is known of the present: a probe is how to find out
    auto probe = probing_.on_timer(rate_.bps(), wanted_bps, true, trend_.noise_us(), now_us);
    if (probe) {
      begin_anew(now_us);
      feedback_us_ = now_us;
    }
    return probe;
  }
  bool calm = trend_.usage() != Usage::over && trend_.queue_us() < kQueueHoldUs && !congested_loss();
  return probing_.on_timer(rate_.bps(), wanted_bps, calm, trend_.noise_us(), now_us);
}

}  // namespace plane
