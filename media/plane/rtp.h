// RTP packets (RFC 3550 section 5.1) and their header extensions (RFC 8285): read once on arrival, written
// per subscriber. Nothing here trusts a length.
#pragma once
#include <algorithm>
#include <array>
#include <optional>

#include "bytes.h"

namespace plane {

constexpr size_t kMaxDatagram = 1500;  // larger ones are not media that a network without fragments carries

// The extensions that the plane knows. Order is the order on the wire; Python names them by URI in the same
// order (media/codecs.py), and a test holds the two together.
enum class Ext : uint8_t {
  audio_level,
  abs_capture_time,
  orientation,
  playout_delay,
  content_type,
  color_space,
  toffset,
  dependency_descriptor,
  layers_allocation,
  frame_marking,
  // consumed here, never forwarded:
  mid,
  transport_cc,
  abs_send_time,
  rid,
  repaired_rid,
  count
};
constexpr size_t kForwardedExts = static_cast<size_t>(Ext::mid);
constexpr size_t kExts = static_cast<size_t>(Ext::count);

using ExtIds = std::array<uint8_t, kExts>;  // by Ext: the id on this transport, 0 for none

struct ExtAt {
  uint16_t offset = 0;  // 0: absent
  uint8_t size = 0;
};

struct RtpHeader {
  bool marker = false, padding = false;
  uint8_t pt = 0;
  uint16_t seq = 0;
  uint32_t timestamp = 0, ssrc = 0;
  uint16_t payload = 0;  // offset of the payload
  std::array<ExtAt, kExts> ext{};
};

inline bool is_rtcp(const uint8_t* d) { return d[1] >= 192 && d[1] <= 223; }  // RFC 5761 section 4

inline std::optional<RtpHeader> parse_rtp(View d, const ExtIds& ids) {
  if (d.size < 12 || d.size > kMaxDatagram || d.data[0] >> 6 != 2) return std::nullopt;
  RtpHeader h;
  h.padding = d.data[0] & 0x20;
  h.marker = d.data[1] & 0x80;
  h.pt = d.data[1] & 0x7f;
  h.seq = get16(d.data + 2);
  h.timestamp = get32(d.data + 4);
  h.ssrc = get32(d.data + 8);
  size_t at = 12 + 4 * (d.data[0] & 0x0f);
  if (d.data[0] & 0x10) {
    if (at + 4 > d.size) return std::nullopt;
    uint16_t profile = get16(d.data + at);
    size_t end = at + 4 + 4 * static_cast<size_t>(get16(d.data + at + 2));
    if (end > d.size) return std::nullopt;
    const bool one = profile == 0xbede, two = (profile & 0xfff0) == 0x1000;
    at += 4;
    while ((one || two) && at < end) {
      if (d.data[at] == 0) {  // padding between elements
        ++at;
        continue;
      }
      uint8_t id = one ? d.data[at] >> 4 : d.data[at];
      if (one && (id == 0 || id == 15)) break;  // reserved: nothing after it counts
      if (two && at + 1 >= end) return std::nullopt;
      size_t size = one ? (d.data[at] & 0x0f) + 1u : d.data[at + 1];
      at += one ? 1 : 2;
      if (at + size > end) return std::nullopt;
      auto known = std::find(ids.begin(), ids.end(), id);  // the first: none of two is written twice
      if (known != ids.end())
        h.ext[static_cast<size_t>(known - ids.begin())] = {static_cast<uint16_t>(at),
                                                           static_cast<uint8_t>(size)};
      at += size;
    }
    at = end;
  }
  if (at > d.size) return std::nullopt;
  h.payload = static_cast<uint16_t>(at);
  return h;
}

// Writes the header extension block for a subscriber's ids and returns its size, 0 when nothing is left to
// carry. Two-byte form only when an element needs it and the subscriber allows mixing. `stamp_at`: where each
// copy gets its transport-wide sequence number, or its time of sending, from `out`; left alone when the
// copies get none.
inline size_t write_exts(uint8_t* out, const uint8_t* packet, const RtpHeader& h, const ExtIds& ids,
                         bool mixed, size_t* stamp_at = nullptr) {
  const uint8_t cc = ids[static_cast<size_t>(Ext::transport_cc)];
  const uint8_t stamp = !stamp_at ? 0 : cc ? cc : ids[static_cast<size_t>(Ext::abs_send_time)];
  bool two = stamp > 14;
  for (size_t e = 0; e < kForwardedExts; ++e)
    if (ids[e] && h.ext[e].offset && (h.ext[e].size > 16 || h.ext[e].size == 0 || ids[e] > 14)) two = true;
  if (!mixed) two = false;
  uint8_t* p = out + 4;
  for (size_t e = 0; e < kForwardedExts; ++e) {
    const ExtAt& x = h.ext[e];
    if (!ids[e] || !x.offset) continue;
    if (!two && (x.size > 16 || x.size == 0 || ids[e] > 14)) continue;
    if (two) {
      *p++ = ids[e];
      *p++ = x.size;
    } else {
      *p++ = static_cast<uint8_t>(ids[e] << 4 | (x.size - 1));
    }
    std::memcpy(p, packet + x.offset, x.size);
    p += x.size;
  }
  if (stamp && (two || stamp <= 14)) {
    const uint8_t size = cc ? 2 : 3;
    if (two)
      *p++ = stamp, *p++ = size;
    else
      *p++ = static_cast<uint8_t>(stamp << 4 | (size - 1));
    *stamp_at = static_cast<size_t>(p - out);
    for (uint8_t n = 0; n < size; ++n) *p++ = 0;
  }
  if (p == out + 4) return 0;
  while ((p - out) % 4) *p++ = 0;
  put16(out, two ? 0x1000 : 0xbede);
  put16(out + 2, static_cast<uint32_t>((p - out) / 4 - 1));
  return static_cast<size_t>(p - out);
}

// Unwraps 16-bit sequence numbers into a line, from the nearest distance to the highest seen.
class SequenceLine {
 public:
  int64_t unwrap(uint16_t seq) {
    if (highest_ < 0) return highest_ = seq + (1 << 16);  // room below for late first packets
    int64_t v = highest_ + static_cast<int16_t>(seq - static_cast<uint16_t>(highest_));
    if (v > highest_) highest_ = v;
    return v;
  }
  int64_t peek(uint16_t seq) const {
    return highest_ + static_cast<int16_t>(seq - static_cast<uint16_t>(highest_));
  }
  int64_t highest() const { return highest_; }  // negative before the first
  void reset() { highest_ = -1; }

 private:
  int64_t highest_ = -1;
};

}  // namespace plane
