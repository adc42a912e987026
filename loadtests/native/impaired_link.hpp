// One direction of an emulated network: packets and time in, packets with departure times out.
//
// A packet goes through three stages: a finite queue in front of a transmitter of limited rate; the wire,
// where it may be lost, copied or held back; and the air, where it is for delay and jitter. Every chance
// is a function of the seed and of the packet's number on the wire (jitter: of time), never of how often
// anybody looks, so the same packets at the same times have the same fate. No clock, no input or output.
// `loadtests/impairment/reference.py` says the same in Python, and the tests compare the two.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <queue>
#include <string>
#include <utility>
#include <vector>

namespace loadtests {

enum class Outage : std::int64_t { kNone, kLose, kHold };

// Whole numbers only, so that both languages reckon alike. Chances are in units of 2^-53.
struct LinkSettings {
  std::int64_t rate_bps, queue_bytes, queue_ns;  // 0: unlimited
  std::int64_t delay_ns, jitter_ns, jitter_slot_ns;
  std::int64_t loss, burst_enter, burst_leave, burst_loss, burst_loss_between;
  std::int64_t reorder, reorder_ns, duplicate;
  Outage outage;

  using Numbers = std::array<std::int64_t, 15>;
  explicit LinkSettings(const Numbers& n);
};

struct LinkCounts {
  std::int64_t arrived = 0, delivered = 0, delivered_bytes = 0;
  std::int64_t dropped_queue = 0, dropped_outage = 0, dropped_full = 0;
  std::int64_t lost_random = 0, lost_burst = 0, duplicated = 0, reordered = 0;
};

struct Delivery {
  std::int64_t departure_ns;
  std::uint32_t flow;  // the caller's: which of its peers the packet belongs to
  std::string data;
};

class ImpairedLink {
 public:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
  static constexpr std::int64_t kHeaders = 28;  // IPv4 and UDP, which a rate limit counts too
  static constexpr std::size_t kMaxHeld =
      16384;  // packets in queue, and again in the air: 20 MB of media each

  ImpairedLink(const LinkSettings& settings, std::uint64_t seed);

  // Replaces what is left of an earlier schedule. Times ascend; those that have passed act at once.
  void schedule(std::vector<std::pair<std::int64_t, LinkSettings>> changes);
  void push(std::int64_t now_ns, std::uint32_t flow, std::string data);
  // Appends what has departed by now, in the order of departure.
  void poll(std::int64_t now_ns, std::vector<Delivery>& out);
  // When to poll next if nothing is pushed before.
  std::int64_t next_ns() const;

  const LinkCounts& counts() const { return counts_; }
  // How long a packet that came now would wait before it is sent.
  std::int64_t queue_ns(std::int64_t now_ns) const;
  std::int64_t queued_bytes() const { return queued_bytes_; }
  std::size_t held() const { return queue_.size() + air_.size() + (done_ns_ != kNever); }

 private:
  struct Packet {
    std::uint32_t flow = 0;
    std::string data;
    std::int64_t size() const { return static_cast<std::int64_t>(data.size()) + kHeaders; }
  };
  struct InAir {
    std::int64_t departure_ns;
    std::uint64_t order;
    mutable Packet packet;                      // moved out when it departs
    bool operator<(const InAir& other) const {  // the soonest is the greatest, as priority_queue wants it
      return std::pair(departure_ns, order) > std::pair(other.departure_ns, other.order);
    }
  };
  enum Chance : unsigned { kLoss, kBurstMove, kBurstLoss, kReorder, kDuplicate, kJitter, kChances };

  std::int64_t draw(Chance chance, std::uint64_t n) const;
  std::int64_t jitter(std::int64_t at_ns) const;
  bool fits(std::int64_t size, std::int64_t now_ns) const;
  void advance(std::int64_t now_ns);
  void change(const LinkSettings& settings);
  void transmit(std::int64_t at_ns);
  void wire(std::int64_t at_ns, Packet packet);
  bool lost(std::uint64_t n);

  LinkSettings settings_;
  std::array<std::uint64_t, kChances> keys_;
  std::deque<std::pair<std::int64_t, LinkSettings>> changes_;
  std::deque<Packet> queue_;
  std::int64_t queued_bytes_ = 0;
  Packet sending_;
  std::int64_t done_ns_ = kNever;  // when the packet in the transmitter is through
  std::priority_queue<InAir> air_;
  std::int64_t now_ns_ = 0;
  std::int64_t last_departure_ns_ = 0;
  std::uint64_t wired_ = 0;
  std::uint64_t order_ = 0;
  bool in_burst_ = false;
  LinkCounts counts_;
};

}  // namespace loadtests
