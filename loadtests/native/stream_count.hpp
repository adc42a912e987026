// Counts one RTP stream from its cleartext headers; no socket, no clock.
//
// A packet that was seen before is a duplicate and changes nothing else; one that arrives behind the
// highest sequence number is reordered. Packets of one RTP timestamp are one frame.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace loadtests {

// loadtests/frames.py reads this layout.
struct FrameRecord {
  std::uint32_t timestamp;
  std::uint32_t packets;
  std::uint32_t octets;  // of RTP datagrams, headers and authentication tags included
  std::uint32_t flags;   // kMarker, kKeyFrame
  std::int64_t first_ns;
  std::int64_t last_ns;
};
static_assert(sizeof(FrameRecord) == 32);

constexpr std::uint32_t kMarker = 1;
constexpr std::uint32_t kKeyFrame = 2;

struct RtpHeader {
  bool marker;
  std::uint8_t payload_type;
  std::uint16_t sequence;
  std::uint32_t timestamp;
  std::uint32_t ssrc;
};

class StreamCount {
 public:
  void take(const RtpHeader& header, std::size_t octets, std::int64_t now_ns) {
    if (received == 0) {
      ssrc = header.ssrc;
      first_ = highest = std::int64_t{65536} + header.sequence;
      seen_.reset();
    }
    const std::int64_t extended =
        highest + static_cast<std::int16_t>(header.sequence - static_cast<std::uint16_t>(highest));
    if (extended > highest) {
      const std::int64_t step = extended - highest;
      if (step >= kWindow)
        seen_.reset();
      else
        for (std::int64_t i = 1; i <= step; ++i) seen_.reset((highest + i) % kWindow);
      highest = extended;
    } else if (received > 0 && extended <= highest - kWindow) {
      ++late;
      return;
    } else if (seen_.test(extended % kWindow)) {
      ++duplicates;
      return;
    } else if (extended < highest) {
      ++reordered;
      if (extended < first_) first_ = extended;
    }
    seen_.set(extended % kWindow);
    ++received;
    count_jitter(header.timestamp, now_ns);
    if (recording) count_frame(header, octets, now_ns);
  }

  std::int64_t expected() const { return received == 0 ? 0 : highest - first_ + 1; }

  int payload_type = -1;
  int clock = 90000;
  std::uint32_t ssrc = 0;
  std::int64_t received = 0;
  std::int64_t duplicates = 0;
  std::int64_t reordered = 0;
  std::int64_t late = 0;
  std::int64_t highest = 0;  // extended sequence number
  double jitter = 0;         // RFC 3550, in timestamp units
  bool recording = false;
  std::vector<FrameRecord> frames;

 private:
  static constexpr std::int64_t kWindow = 4096;       // two seconds of 2000 packets/s
  static constexpr std::size_t kMaxFrames = 1 << 16;  // half an hour at 30 frames/s
  static constexpr std::size_t kOpenFrames = 32;      // older frames take no more packets

  void count_jitter(std::uint32_t timestamp, std::int64_t now_ns) {
    const double arrival = static_cast<double>(now_ns) * clock / 1e9;
    const double sent = previous_sent_ + static_cast<std::int32_t>(timestamp - previous_timestamp_);
    if (received > 1) {
      double difference = (arrival - previous_arrival_) - (sent - previous_sent_);
      if (difference < 0) difference = -difference;
      jitter += (difference - jitter) / 16;
    }
    previous_arrival_ = arrival;
    previous_sent_ = sent;
    previous_timestamp_ = timestamp;
  }

  void count_frame(const RtpHeader& header, std::size_t octets, std::int64_t now_ns) {
    const std::size_t open = frames.size() < kOpenFrames ? frames.size() : kOpenFrames;
    for (std::size_t back = 1; back <= open; ++back) {
      FrameRecord& frame = frames[frames.size() - back];
      if (frame.timestamp != header.timestamp) continue;
      ++frame.packets;
      frame.octets += static_cast<std::uint32_t>(octets);
      if (header.marker) frame.flags |= kMarker;
      if (now_ns > frame.last_ns) frame.last_ns = now_ns;
      if (now_ns < frame.first_ns) frame.first_ns = now_ns;
      return;
    }
    if (frames.size() >= kMaxFrames) return;
    frames.push_back({header.timestamp, 1, static_cast<std::uint32_t>(octets), header.marker ? kMarker : 0,
                      now_ns, now_ns});
  }

  std::bitset<kWindow> seen_;
  std::int64_t first_ = 0;
  double previous_arrival_ = 0;
  double previous_sent_ = 0;
  std::uint32_t previous_timestamp_ = 0;
};

}  // namespace loadtests
