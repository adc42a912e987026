#include "twcc.h"

#include <algorithm>

#include "rtcp.h"

namespace plane {
namespace {

constexpr int64_t kReferenceUs = 64000, kDeltaUs = 250;
enum Symbol : uint8_t { kLost = 0, kSmall = 1, kLarge = 2 };

}  // namespace

void TransportFeedback::on_packet(uint16_t seq, int64_t arrival_us) {
  if (pending_.size() >= kPendingMax) return;
  pending_.push_back({line_.unwrap(seq), arrival_us});
}

size_t TransportFeedback::write(uint8_t* out, uint32_t sender, uint32_t media) {
  if (pending_.empty()) return 0;
  std::sort(pending_.begin(), pending_.end(), [](auto& a, auto& b) { return a.seq < b.seq; });
  // The line starts where the last message ended, so that losses between messages are told too; late
  // packets are told again from where they belong.
  int64_t base = pending_.front().seq;
  if (next_seq_ >= 0 && next_seq_ < base && base - next_seq_ < kSpanMax / 2) base = next_seq_;

  Symbol symbols[kSpanMax];
  int64_t deltas[kSpanMax];
  int64_t reference = pending_.front().at_us / kReferenceUs;
  int64_t clock = reference * kReferenceUs, count = 0;
  size_t taken = 0;
  for (; taken < pending_.size(); ++taken) {
    const Arrival& a = pending_[taken];
    if (a.seq - base >= kSpanMax) break;
    if (a.seq - base < count) continue;  // a duplicate
    int64_t delta = (a.at_us - clock + (a.at_us >= clock ? kDeltaUs / 2 : -kDeltaUs / 2)) / kDeltaUs;
    if (delta < -32768 || delta > 32767) {
      if (count == 0)
        reference = a.at_us / kReferenceUs, clock = reference * kReferenceUs, delta = 0;
      else
        break;  // the next message starts its own reference
    }
    while (count < a.seq - base) symbols[count++] = kLost;
    symbols[count] = delta >= 0 && delta <= 255 ? kSmall : kLarge;
    deltas[count++] = delta;
    clock += delta * kDeltaUs;
  }
  if (count == 0) {
    pending_.clear();
    return 0;
  }
  next_seq_ = base + count;
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(taken));

  put32(out + 4, sender);
  put32(out + 8, media);
  put16(out + 12, static_cast<uint32_t>(base));
  put16(out + 14, static_cast<uint32_t>(count));
  put24(out + 16, static_cast<uint32_t>(reference) & 0xffffff);
  out[19] = messages_++;
  uint8_t* p = out + 20;
  for (int64_t i = 0; i < count; i += 7) {  // status vector chunks of seven two-bit symbols
    uint32_t chunk = 0xc000;
    for (int64_t k = 0; k < 7 && i + k < count; ++k)
      chunk |= static_cast<uint32_t>(symbols[i + k]) << (12 - 2 * k);
    put16(p, chunk);
    p += 2;
  }
  for (int64_t i = 0; i < count; ++i) {
    if (symbols[i] == kSmall) {
      *p++ = static_cast<uint8_t>(deltas[i]);
    } else if (symbols[i] == kLarge) {
      put16(p, static_cast<uint32_t>(deltas[i]) & 0xffff);
      p += 2;
    }
  }
  size_t size = static_cast<size_t>(p - out), padding = (4 - size % 4) % 4;
  if (padding) {
    std::memset(p, 0, padding);
    p[padding - 1] = static_cast<uint8_t>(padding);
    size += padding;
  }
  out[0] = static_cast<uint8_t>(0x80 | (padding ? 0x20 : 0) | rtcp::kTransportCc);
  out[1] = rtcp::kTransportFeedback;
  put16(out + 2, static_cast<uint32_t>(size / 4 - 1));
  return size;
}

}  // namespace plane
