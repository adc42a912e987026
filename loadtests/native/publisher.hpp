// A video publisher: frames of given sizes at a steady rate, split and sent as libwebrtc does.
//
// A frame's packets leave at once, or evenly spread over a given time. For each frame it keeps when
// its first packet was handed over and when the kernel passed the last one to the (loopback) device,
// which is when it arrived at the server's host.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "stream_count.hpp"

namespace loadtests {

using SrtpFunction = int (*)(void* session, void* packet, int* length);

struct PlannedFrame {
  std::uint32_t octets;
  bool key;
};

struct PublisherSettings {
  int socket;
  std::uintptr_t session;  // used by the publisher's thread alone
  std::uintptr_t protect;
  std::uint32_t ssrc;
  int payload_type;
  std::string mid;
  int mid_extension;
  int sequence_extension;  // transport-wide sequence number; 0 for none
  unsigned frames_per_second;
  std::vector<PlannedFrame> frames;  // repeated for ever
};

struct Sent {
  std::int64_t packets = 0;
  std::int64_t octets = 0;  // of payload, as sender reports count
  std::int64_t key_frames = 0;
  std::int64_t send_errors = 0;
  std::int64_t unstamped = 0;    // last packets without a kernel timestamp
  std::int64_t late_frames = 0;  // begun more than 5 ms after their time
  std::uint32_t timestamp = 0;
  std::int64_t time_ns = 0;
};

class Publisher {
 public:
  explicit Publisher(PublisherSettings settings);
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  void start();
  void stop();
  void spread(unsigned us) { spread_us_ = us; }
  void request_key_frame() { key_wanted_ = true; }
  void record(bool on);
  std::vector<FrameRecord> frames() const;
  Sent sent() const;

 private:
  static constexpr std::size_t kMaxRtp = 1200;  // libwebrtc's largest RTP packet
  static constexpr std::size_t kRoom = 1400;
  static constexpr std::size_t kMaxPackets = 256;
  static constexpr std::size_t kPool = 1 << 16;

  struct Packet {
    std::array<std::uint8_t, kRoom> data;
    int size;
  };

  void run();
  void send_frame(const PlannedFrame& frame, std::int64_t due_ns);
  std::size_t build(const PlannedFrame& frame);
  std::int64_t send_packet(const Packet& packet, bool stamped);

  PublisherSettings settings_;
  SrtpFunction protect_;
  std::atomic<unsigned> spread_us_{0};
  std::atomic<bool> key_wanted_{false};
  std::atomic<bool> stop_{true};
  std::vector<std::uint8_t> pool_;
  std::vector<Packet> packets_;
  std::uint16_t sequence_ = 1000;
  std::uint16_t transport_sequence_ = 1;
  std::uint16_t picture_ = 1;
  std::uint32_t timestamp_ = 90000;
  std::size_t next_ = 0;
  std::int64_t last_key_ns_ = 0;
  std::int64_t stopped_ns_ = 0;
  mutable std::mutex lock_;
  bool recording_ = false;
  std::vector<FrameRecord> records_;
  Sent sent_;
  std::thread thread_;
};

}  // namespace loadtests
