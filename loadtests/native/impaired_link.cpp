#include "impaired_link.hpp"

#include <algorithm>

namespace loadtests {
namespace {

constexpr std::uint64_t kStep = 0x9E3779B97F4A7C15;

// SplitMix64 (Steele, Lea, Flood 2014): neighbouring inputs give independent outputs.
std::uint64_t mix(std::uint64_t z) {
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
  z = (z ^ z >> 27) * 0x94D049BB133111EB;
  return z ^ z >> 31;
}

}  // namespace

LinkSettings::LinkSettings(const Numbers& n)
    : rate_bps(n[0]),
      queue_bytes(n[1]),
      queue_ns(n[2]),
      delay_ns(n[3]),
      jitter_ns(n[4]),
      jitter_slot_ns(n[5]),
      loss(n[6]),
      burst_enter(n[7]),
      burst_leave(n[8]),
      burst_loss(n[9]),
      burst_loss_between(n[10]),
      reorder(n[11]),
      reorder_ns(n[12]),
      duplicate(n[13]),
      outage(static_cast<Outage>(n[14])) {}

ImpairedLink::ImpairedLink(const LinkSettings& settings, std::uint64_t seed) : settings_(settings) {
  for (unsigned i = 0; i < kChances; ++i) keys_[i] = mix(seed + kStep * (i + 1));
}

void ImpairedLink::schedule(std::vector<std::pair<std::int64_t, LinkSettings>> changes) {
  changes_.assign(changes.begin(), changes.end());
}

void ImpairedLink::push(std::int64_t now_ns, std::uint32_t flow, std::string data) {
  advance(now_ns);
  ++counts_.arrived;
  Packet packet{flow, std::move(data)};
  if (settings_.outage == Outage::kLose) {
    ++counts_.dropped_outage;
  } else if (!fits(packet.size(), now_ns_)) {
    ++counts_.dropped_queue;
  } else {
    queued_bytes_ += packet.size();
    queue_.push_back(std::move(packet));
    transmit(now_ns_);
  }
}

void ImpairedLink::poll(std::int64_t now_ns, std::vector<Delivery>& out) {
  advance(now_ns);
  while (!air_.empty() && air_.top().departure_ns <= now_ns_) {
    const InAir& top = air_.top();
    ++counts_.delivered;
    counts_.delivered_bytes += static_cast<std::int64_t>(top.packet.data.size());
    out.push_back({top.departure_ns, top.packet.flow, std::move(top.packet.data)});
    air_.pop();
  }
}

std::int64_t ImpairedLink::next_ns() const {
  std::int64_t next = done_ns_;
  if (!air_.empty()) next = std::min(next, air_.top().departure_ns);
  if (!queue_.empty() && !changes_.empty()) next = std::min(next, changes_.front().first);
  return next;
}

std::int64_t ImpairedLink::draw(Chance chance, std::uint64_t n) const {
  return static_cast<std::int64_t>(mix(keys_[chance] + kStep * (n + 1)) >> 11);
}

// Drifts from one slot's value to the next, so that it does not depend on how many packets there are.
// Squared: a queue somewhere is mostly short.
std::int64_t ImpairedLink::jitter(std::int64_t at_ns) const {
  if (settings_.jitter_ns == 0) return 0;
  const std::int64_t slot = at_ns / settings_.jitter_slot_ns;
  const std::int64_t into = at_ns % settings_.jitter_slot_ns;
  const auto value = [&](std::int64_t i) {
    const std::int64_t u = draw(kJitter, static_cast<std::uint64_t>(i)) >> 33;  // 20 bits
    return settings_.jitter_ns * (u * u >> 20) >> 20;
  };
  return (value(slot) * (settings_.jitter_slot_ns - into) + value(slot + 1) * into) /
         settings_.jitter_slot_ns;
}

bool ImpairedLink::fits(std::int64_t size, std::int64_t now_ns) const {
  const LinkSettings& s = settings_;
  if (queue_.size() >= kMaxHeld) return false;
  if (s.queue_bytes > 0 && queued_bytes_ + size > s.queue_bytes) return false;
  if (s.rate_bps == 0 || s.queue_ns == 0) return true;
  return queue_ns(now_ns) <= s.queue_ns;
}

std::int64_t ImpairedLink::queue_ns(std::int64_t now_ns) const {
  if (settings_.rate_bps == 0) return 0;
  const std::int64_t ahead_ns = done_ns_ == kNever ? 0 : std::max<std::int64_t>(0, done_ns_ - now_ns);
  return ahead_ns + queued_bytes_ * 8'000'000'000 / settings_.rate_bps;
}

void ImpairedLink::advance(std::int64_t now_ns) {
  for (;;) {
    const std::int64_t change_ns = changes_.empty() ? kNever : changes_.front().first;
    if (std::min(change_ns, done_ns_) > now_ns) break;
    std::int64_t at_ns = done_ns_;
    if (done_ns_ <= change_ns) {
      done_ns_ = kNever;
      wire(at_ns, std::move(sending_));
    } else {
      at_ns = std::max(now_ns_, change_ns);
      change(changes_.front().second);
      changes_.pop_front();
    }
    now_ns_ = std::max(now_ns_, at_ns);
    transmit(now_ns_);
  }
  now_ns_ = std::max(now_ns_, now_ns);
}

void ImpairedLink::change(const LinkSettings& settings) {
  settings_ = settings;
  if (settings.outage != Outage::kLose) return;
  counts_.dropped_outage += static_cast<std::int64_t>(queue_.size()) + (done_ns_ != kNever);
  queue_.clear();
  queued_bytes_ = 0;
  done_ns_ = kNever;
}

// A packet that is being sent keeps the rate at which it began.
void ImpairedLink::transmit(std::int64_t at_ns) {
  while (done_ns_ == kNever && !queue_.empty() && settings_.outage != Outage::kHold) {
    Packet packet = std::move(queue_.front());
    queue_.pop_front();
    queued_bytes_ -= packet.size();
    if (settings_.rate_bps == 0) {
      wire(at_ns, std::move(packet));
    } else {
      const std::int64_t bits = packet.size() * 8;
      done_ns_ = at_ns + (bits * 1'000'000'000 + settings_.rate_bps - 1) / settings_.rate_bps;
      sending_ = std::move(packet);
    }
  }
}

void ImpairedLink::wire(std::int64_t at_ns, Packet packet) {
  const std::uint64_t n = wired_++;
  if (lost(n)) return;
  const bool copy = draw(kDuplicate, n) < settings_.duplicate;
  if (air_.size() + copy >= kMaxHeld) {
    ++counts_.dropped_full;
    return;
  }
  std::int64_t departure_ns = at_ns + settings_.delay_ns + jitter(at_ns);
  if (draw(kReorder, n) < settings_.reorder) {
    ++counts_.reordered;
    departure_ns += settings_.reorder_ns;  // and those behind it do not wait
  } else {
    departure_ns = last_departure_ns_ = std::max(departure_ns, last_departure_ns_);
  }
  if (copy) {
    ++counts_.duplicated;
    air_.push({departure_ns, order_++, packet});
  }
  air_.push({departure_ns, order_++, std::move(packet)});
}

// Gilbert and Elliott: two states, each with its own loss; the state moves after each packet.
bool ImpairedLink::lost(std::uint64_t n) {
  const bool burst = draw(kBurstLoss, n) < (in_burst_ ? settings_.burst_loss : settings_.burst_loss_between);
  if (draw(kBurstMove, n) < (in_burst_ ? settings_.burst_leave : settings_.burst_enter))
    in_burst_ = !in_burst_;
  const bool random = draw(kLoss, n) < settings_.loss;
  counts_.lost_burst += burst;
  counts_.lost_random += random && !burst;
  return burst || random;
}

}  // namespace loadtests
