// A publisher of video, and of sound beside it: frames of given sizes at a steady rate, split and sent as
// libwebrtc does, and a small packet every 20 ms.
//
// A frame's packets leave at once, or evenly spread over a given time. For each frame (a packet of sound
// is one) it keeps when its first packet was handed over and when the kernel passed the last one to the
// (loopback) device, which is when it arrived at the server's host.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine.hpp"
#include "stream_count.hpp"

namespace loadtests {

struct PlannedFrame {
  std::uint32_t octets;
  bool key;
};

struct Line {
  std::uint32_t ssrc;
  int payload_type;
  std::string mid;
};

struct PublisherSettings {
  int socket;
  std::uintptr_t session;  // used by the publisher's thread alone
  std::uintptr_t protect;
  Line video, audio;  // an audio SSRC of 0: no sound
  int mid_extension;
  int sequence_extension;  // transport-wide sequence number; 0 for none
  unsigned frames_per_second;
  std::vector<PlannedFrame> frames;   // repeated for ever
  std::vector<std::uint32_t> sounds;  // octets of each packet of sound, repeated for ever
};

struct Sent {
  std::int64_t packets = 0;
  std::int64_t octets = 0;  // of payload, as sender reports count
  std::int64_t key_frames = 0;
  std::int64_t send_errors = 0;
  std::int64_t unstamped = 0;  // last packets of recorded frames without a kernel timestamp
  std::int64_t late = 0;       // frames begun more than 5 ms after their time
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
  std::vector<FrameRecord> frames(bool audio) const;
  Sent sent(bool audio) const;

 private:
  static constexpr std::size_t kMaxRtp = 1200;                   // libwebrtc's largest RTP packet
  static constexpr std::size_t kMostPayload = kMaxRtp - 24 - 4;  // header with a short mid, VP8 descriptor
  static constexpr std::size_t kRoom = 1400;
  static constexpr std::size_t kMaxPackets = 256;
  static constexpr std::size_t kPool = 1 << 16;

  struct Packet {
    std::array<std::uint8_t, kRoom> data;
    int size;
  };

  struct Stream {
    Line line;
    std::uint16_t sequence;
    std::uint32_t timestamp = 90000;
    std::size_t next = 0;  // in its plan
    std::vector<FrameRecord> records;
    Sent sent;
  };

  struct Frame {  // of which some packets are still to be sent
    std::uint32_t octets;
    bool key;
    std::int64_t due_ns;
    std::size_t count, next;
    FrameRecord record;
    std::int64_t stamp, errors;
    bool late;
  };

  void run();
  void begin_frame(std::int64_t due_ns);
  std::int64_t next_packet_ns() const;
  void send_frame_packet();
  void send_sound(std::int64_t due_ns);
  void build_video(std::size_t number);
  void protect();
  void note(Frame& frame, bool last);
  void keep(Stream& stream, const Frame& frame);
  std::int64_t send_packet(bool stamped);

  PublisherSettings settings_;
  SrtpFunction protect_;
  std::atomic<unsigned> spread_us_{0};
  std::atomic<bool> key_wanted_{false};
  std::atomic<bool> stop_{true};
  std::atomic<bool> recording_{false};
  std::vector<std::uint8_t> pool_;
  Packet packet_;
  Frame frame_{};
  Stream video_, audio_;
  std::uint16_t transport_sequence_ = 1;
  std::uint16_t picture_ = 1;
  std::int64_t last_key_ns_ = 0;
  std::int64_t video_due_ns_ = 0, audio_due_ns_ = 0;
  mutable std::mutex lock_;
  std::thread thread_;
};

}  // namespace loadtests
