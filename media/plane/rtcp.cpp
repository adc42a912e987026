#include "rtcp.h"

#include <algorithm>

namespace plane::rtcp {
namespace {

size_t header(uint8_t* out, uint8_t count, uint8_t type, size_t size) {
  out[0] = static_cast<uint8_t>(0x80 | count);
  out[1] = type;
  put16(out + 2, static_cast<uint32_t>(size / 4 - 1));
  return size;
}

}  // namespace

bool next(View c, size_t& at, Packet& packet) {
  if (at + 4 > c.size) return false;
  const uint8_t* p = c.data + at;
  size_t size = 4 * (static_cast<size_t>(get16(p + 2)) + 1);
  if (p[0] >> 6 != 2 || at + size > c.size) return false;
  size_t padding = 0;
  if (p[0] & 0x20) {
    padding = p[size - 1];
    if (padding == 0 || padding > size - 4) return false;
  }
  packet = {static_cast<uint8_t>(p[0] & 0x1f), p[1], {p + 4, size - 4 - padding}};
  at += size;
  return true;
}

ReportBlock read_report_block(const uint8_t* p) {
  ReportBlock b{};
  b.ssrc = get32(p);
  b.fraction_lost = p[4];
  b.lost = static_cast<int32_t>(get24(p + 5) << 8) >> 8;
  b.highest = get32(p + 8);
  b.jitter = get32(p + 12);
  b.last_sr = get32(p + 16);
  b.delay_since_last_sr = get32(p + 20);
  return b;
}

bool read_remb(View b, Remb& remb) {
  if (b.size < 16 || std::memcmp(b.data + 8, "REMB", 4) != 0) return false;
  const size_t count = b.data[12];
  if (b.size < 16 + 4 * count) return false;
  const uint32_t exponent = b.data[13] >> 2;
  const uint64_t mantissa = get24(b.data + 13) & 0x3ffff;
  constexpr uint64_t kMost = uint64_t{1} << 63;
  remb = {mantissa > kMost >> exponent ? kMost : mantissa << exponent, b.data + 16, count};
  return true;
}

size_t write_receiver_report(uint8_t* out, uint32_t sender, const ReportBlock* blocks, size_t count) {
  count = std::min<size_t>(count, 31);
  put32(out + 4, sender);
  uint8_t* p = out + 8;
  for (size_t i = 0; i < count; ++i, p += 24) {
    const ReportBlock& b = blocks[i];
    put32(p, b.ssrc);
    p[4] = b.fraction_lost;
    put24(p + 5, static_cast<uint32_t>(std::clamp(b.lost, -0x800000, 0x7fffff)) & 0xffffff);
    put32(p + 8, b.highest);
    put32(p + 12, b.jitter);
    put32(p + 16, b.last_sr);
    put32(p + 20, b.delay_since_last_sr);
  }
  return header(out, static_cast<uint8_t>(count), kReceiverReport, 8 + 24 * count);
}

size_t write_sender_report(uint8_t* out, uint32_t ssrc, uint64_t ntp, uint32_t timestamp, uint32_t packets,
                           uint32_t octets, std::string_view cname) {
  put32(out + 4, ssrc);
  put32(out + 8, static_cast<uint32_t>(ntp >> 32));
  put32(out + 12, static_cast<uint32_t>(ntp));
  put32(out + 16, timestamp);
  put32(out + 20, packets);
  put32(out + 24, octets);
  size_t sr = header(out, 0, kSenderReport, 28);

  return sr + write_source_description(out + sr, ssrc, cname);
}

size_t write_source_description(uint8_t* out, uint32_t ssrc, std::string_view cname) {
  size_t length = std::min<size_t>(cname.size(), 64);
  put32(out + 4, ssrc);
  out[8] = 1;  // CNAME
  out[9] = static_cast<uint8_t>(length);
  std::memcpy(out + 10, cname.data(), length);
  size_t used = 10 + length, padded = (used / 4 + 1) * 4;  // at least one null ends the chunk
  std::memset(out + used, 0, padded - used);
  return header(out, 1, kSourceDescription, padded);
}

size_t write_nack(uint8_t* out, uint32_t sender, uint32_t media, const std::vector<uint16_t>& sorted) {
  put32(out + 4, sender);
  put32(out + 8, media);
  uint8_t* p = out + 12;
  for (size_t i = 0; i < sorted.size() && p < out + 1196;) {
    uint16_t pid = sorted[i++], mask = 0;
    while (i < sorted.size()) {
      auto distance = static_cast<uint16_t>(sorted[i] - pid);
      if (distance == 0 || distance > 16) break;
      mask = static_cast<uint16_t>(mask | 1 << (distance - 1));
      ++i;
    }
    put16(p, pid);
    put16(p + 2, mask);
    p += 4;
  }
  return header(out, kNack, kTransportFeedback, static_cast<size_t>(p - out));
}

size_t write_pli(uint8_t* out, uint32_t sender, uint32_t media) {
  put32(out + 4, sender);
  put32(out + 8, media);
  return header(out, kPli, kPayloadFeedback, 12);
}

size_t write_fir(uint8_t* out, uint32_t sender, uint32_t media, uint8_t sequence) {
  put32(out + 4, sender);
  put32(out + 8, 0);  // unused (RFC 5104 section 4.3.1.2)
  put32(out + 12, media);
  put32(out + 16, static_cast<uint32_t>(sequence) << 24);
  return header(out, kFir, kPayloadFeedback, 20);
}

size_t write_remb(uint8_t* out, uint32_t sender, uint64_t bitrate_bps, const std::vector<uint32_t>& media) {
  size_t count = std::min<size_t>(media.size(), 31);
  uint32_t exponent = 0;
  while (bitrate_bps >= 1u << 18) bitrate_bps >>= 1, ++exponent;
  put32(out + 4, sender);
  put32(out + 8, 0);
  std::memcpy(out + 12, "REMB", 4);
  out[16] = static_cast<uint8_t>(count);
  put24(out + 17, exponent << 18 | static_cast<uint32_t>(bitrate_bps));
  for (size_t i = 0; i < count; ++i) put32(out + 20 + 4 * i, media[i]);
  return header(out, kApplicationLayer, kPayloadFeedback, 20 + 4 * count);
}

}  // namespace plane::rtcp
