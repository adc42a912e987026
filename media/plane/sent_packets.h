// The last packets that were sent to one subscriber, by transport-wide sequence number: when, how large, and
// what became of them. Bounded: a newer packet takes an old one's place.
#pragma once
#include <cstdint>
#include <memory>

namespace plane {

enum class Fate : uint8_t { unknown, lost, skipped, came };  // skipped: the feedback about it was lost

struct SentPacket {
  int64_t at_us;
  uint32_t seq;
  uint16_t size;
  uint8_t probe;
  Fate fate;
};
static_assert(sizeof(SentPacket) == 16);

class SentPackets {
 public:
  uint16_t add(size_t size, int64_t now_us, uint8_t probe) {
    if (!packets_) packets_ = std::make_unique<SentPacket[]>(kSlots);
    packets_[next_ & (kSlots - 1)] = {now_us, next_, static_cast<uint16_t>(size < 65535 ? size : 65535),
                                      probe, Fate::unknown};
    return static_cast<uint16_t>(next_++);
  }

  // The number on the long line; of those sent so far the nearest.
  uint32_t unwrap(uint16_t seq) const { return next_ - 1 - static_cast<uint16_t>(next_ - 1 - seq); }

  // Null when it was never sent, or so long ago that its place is taken.
  SentPacket* find(uint32_t seq) {
    if (!packets_ || seq >= next_ || seq < kFirst) return nullptr;
    SentPacket& p = packets_[seq & (kSlots - 1)];
    return p.seq == seq ? &p : nullptr;
  }

 private:
  static constexpr uint32_t kSlots = 2048;   // 20 Mbit/s for a second; 32 KB
  static constexpr uint32_t kFirst = 65536;  // room below, so that unwrapping never wraps

  uint32_t next_ = kFirst;
  std::unique_ptr<SentPacket[]> packets_;
};

}  // namespace plane
