// Transport-wide feedback of one receiver (draft-holmer-rmcat-transport-wide-cc-extensions-01): which
// packets came, and when, written every few tens of milliseconds as a browser writes it. No socket, no clock.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace loadtests {

class ArrivalLog {
 public:
  static constexpr std::size_t kMost = 1000;  // packets that one report covers; the rest go into the next
  static constexpr std::size_t kRoom = 20 + 2 * (kMost + 6) / 7 + 2 * kMost + 8;

  void note(std::uint16_t sequence, std::int64_t now_ns) {
    if (highest_ < 0) highest_ = next_ = std::int64_t{65536} + sequence;
    const std::int64_t extended =
        highest_ + static_cast<std::int16_t>(sequence - static_cast<std::uint16_t>(highest_));
    highest_ = std::max(highest_, extended);
    if (arrivals_.size() < kWaiting) arrivals_.push_back({extended, now_ns / kTick_ns});
  }

  bool empty() const { return arrivals_.empty(); }

  // RTCP 205/15 of what came since the last one, in at most kRoom octets; 0 when nothing did.
  std::size_t write(std::uint8_t* out, std::uint32_t sender, std::uint32_t media) {
    if (arrivals_.empty()) return 0;
    std::stable_sort(arrivals_.begin(), arrivals_.end(),
                     [](const Arrival& a, const Arrival& b) { return a.sequence < b.sequence; });
    arrivals_.erase(std::unique(arrivals_.begin(), arrivals_.end(),
                                [](const Arrival& a, const Arrival& b) { return a.sequence == b.sequence; }),
                    arrivals_.end());
    std::int64_t base = std::min(next_, arrivals_.front().sequence);
    if (arrivals_.front().sequence - base >= static_cast<std::int64_t>(kMost))
      base = arrivals_.front().sequence;
    const std::int64_t reference = arrivals_.front().tick / kReferenceTicks;
    symbols_.clear();
    deltas_.clear();
    std::int64_t previous = reference * kReferenceTicks;
    std::size_t used = 0;
    for (; used < arrivals_.size(); ++used) {
      const Arrival& arrival = arrivals_[used];
      const auto place = static_cast<std::size_t>(arrival.sequence - base);
      const std::int64_t delta = arrival.tick - previous;
      if (place >= kMost || delta < -32768 || delta > 32767) break;
      previous = arrival.tick;
      symbols_.resize(place, 0);  // what lies between was lost, so far
      const bool small = delta >= 0 && delta <= 255;
      symbols_.push_back(small ? 1 : 2);
      if (!small) deltas_.push_back(static_cast<std::uint8_t>(delta >> 8));
      deltas_.push_back(static_cast<std::uint8_t>(delta));
    }
    next_ = base + static_cast<std::int64_t>(symbols_.size());
    arrivals_.erase(arrivals_.begin(), arrivals_.begin() + static_cast<std::ptrdiff_t>(used));

    put32(out + 4, sender);
    put32(out + 8, media);
    put16(out + 12, static_cast<std::uint32_t>(base & 0xffff));
    put16(out + 14, static_cast<std::uint32_t>(symbols_.size()));
    put32(out + 16, static_cast<std::uint32_t>(reference & 0xffffff) << 8 | count_++);
    std::size_t size = 20;
    for (std::size_t at = 0; at < symbols_.size(); size += 2) at += put_chunk(out + size, at);
    for (const std::uint8_t octet : deltas_) out[size++] = octet;
    const std::size_t padding = (4 - size % 4) % 4;
    for (std::size_t i = 1; i <= padding; ++i)
      out[size++] = static_cast<std::uint8_t>(i == padding ? padding : 0);
    out[0] = static_cast<std::uint8_t>(0x80 | (padding ? 0x20 : 0) | 15);
    out[1] = 205;
    put16(out + 2, static_cast<std::uint32_t>(size / 4 - 1));
    return size;
  }

 private:
  static constexpr std::int64_t kTick_ns = 250'000;
  static constexpr std::int64_t kReferenceTicks = 256;  // 64 ms
  static constexpr std::size_t kWaiting = 8192;         // a second of 8000 packets/s
  static constexpr std::size_t kLongestRun = 8191;

  struct Arrival {
    std::int64_t sequence, tick;
  };

  static void put16(std::uint8_t* at, std::uint32_t value) {
    at[0] = static_cast<std::uint8_t>(value >> 8);
    at[1] = static_cast<std::uint8_t>(value);
  }
  static void put32(std::uint8_t* at, std::uint32_t value) {
    put16(at, value >> 16);
    put16(at + 2, value);
  }

  // One run, or seven symbols of two bits, whichever says more. Returns how many symbols it took.
  std::size_t put_chunk(std::uint8_t* out, std::size_t at) const {
    const std::size_t left = symbols_.size() - at;
    std::size_t run = 1;
    while (run < left && run < kLongestRun && symbols_[at + run] == symbols_[at]) ++run;
    if (run >= std::min<std::size_t>(7, left)) {
      put16(out, static_cast<std::uint32_t>(symbols_[at]) << 13 | static_cast<std::uint32_t>(run));
      return run;
    }
    std::uint32_t vector = 0xc000;
    for (std::size_t i = 0; i < 7 && i < left; ++i)
      vector |= static_cast<std::uint32_t>(symbols_[at + i]) << (12 - 2 * i);
    put16(out, vector);
    return std::min<std::size_t>(7, left);
  }

  std::vector<Arrival> arrivals_;
  std::vector<std::uint8_t> symbols_, deltas_;
  std::int64_t highest_ = -1;
  std::int64_t next_ = -1;  // the first that no report has covered
  std::uint8_t count_ = 0;
};

}  // namespace loadtests
