// RTCP (RFC 3550 section 6, RFC 4585, RFC 5104): a walker over compound packets, and writers for what a relay
// says.
#pragma once
#include <string_view>
#include <vector>

#include "bytes.h"

namespace plane {

namespace rtcp {

constexpr uint8_t kSenderReport = 200, kReceiverReport = 201, kSourceDescription = 202, kBye = 203,
                  kTransportFeedback = 205, kPayloadFeedback = 206;
constexpr uint8_t kNack = 1, kTransportCc = 15;                // formats of 205
constexpr uint8_t kPli = 1, kFir = 4, kApplicationLayer = 15;  // formats of 206

struct Packet {
  uint8_t count = 0;  // reports, or the feedback format
  uint8_t type = 0;
  View body;  // after the 4-byte common header, padding removed
};

// The next packet of a compound at `at`, which moves on; false at the end or at the first malformed one.
bool next(View compound, size_t& at, Packet& packet);

struct ReportBlock {
  uint32_t ssrc, last_sr, delay_since_last_sr, highest, jitter;
  uint8_t fraction_lost;
  int32_t lost;
};
ReportBlock read_report_block(const uint8_t* p);  // 24 bytes

// Calls `lost` for each sequence number that a generic NACK asks for.
template <class F>
void each_nack(View body, F&& lost) {
  for (size_t at = 8; at + 4 <= body.size; at += 4) {
    uint16_t pid = get16(body.data + at), mask = get16(body.data + at + 2);
    lost(pid);
    for (int bit = 0; bit < 16; ++bit)
      if (mask >> bit & 1) lost(static_cast<uint16_t>(pid + 1 + bit));
  }
}

// Receiver Estimated Maximum Bitrate (draft-alvestrand-rmcat-remb-03 section 2.2).
struct Remb {
  uint64_t bps;          // 2^63 where it says more
  const uint8_t* ssrcs;  // in the body
  size_t count;
  uint32_t ssrc(size_t n) const { return get32(ssrcs + 4 * n); }
};
// False when the feedback is something else, or shorter than it says.
bool read_remb(View body, Remb& remb);

// Writers return the size written. `out` has at least 1200 bytes.
size_t write_receiver_report(uint8_t* out, uint32_t sender, const ReportBlock* blocks, size_t count);
size_t write_sender_report(uint8_t* out, uint32_t ssrc, uint64_t ntp, uint32_t timestamp, uint32_t packets,
                           uint32_t octets, std::string_view cname);  // with its SDES
size_t write_source_description(uint8_t* out, uint32_t ssrc, std::string_view cname);
size_t write_nack(uint8_t* out, uint32_t sender, uint32_t media, const std::vector<uint16_t>& sorted);
size_t write_pli(uint8_t* out, uint32_t sender, uint32_t media);
size_t write_fir(uint8_t* out, uint32_t sender, uint32_t media, uint8_t sequence);
size_t write_remb(uint8_t* out, uint32_t sender, uint64_t bitrate_bps, const std::vector<uint32_t>& media);

}  // namespace rtcp
}  // namespace plane
