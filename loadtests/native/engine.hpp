// Every peer's UDP socket and the one thread that receives on all of them.
//
// RTP is counted here, and answered with transport-wide feedback where that was agreed; whatever else
// arrives (STUN, DTLS, RTCP) waits for Python, which is told through an eventfd. The lock is held for a
// batch of at most kBatch datagrams.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "arrival_log.hpp"
#include "stream_count.hpp"

namespace loadtests {

using SrtpFunction = int (*)(void* session, void* packet, int* length);

struct Peer {
  int socket = -1;
  std::vector<std::pair<int, int>> kinds;  // of what is counted: payload type, clock rate
  std::vector<StreamCount> streams;        // each SSRC with such a payload type
  std::int64_t other_rtp = 0;              // other payload types: retransmissions, padding
  std::int64_t octets = 0;

  std::uintptr_t session = 0;  // protects RTCP; used under the engine's lock alone
  SrtpFunction protect_rtcp = nullptr;
  int sequence_extension = 0;  // transport-wide; 0: no feedback
  std::int64_t interval_ns = 0, due_ns = 0;
  ArrivalLog arrivals;
  std::int64_t feedback_sent = 0;
};

struct PeerCounts {
  std::int64_t other_rtp, octets, feedback_sent;
};

class Engine {
 public:
  explicit Engine(unsigned coalesce_us);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  int event_fd() const { return event_; }
  int open(const std::string& address);
  std::uint16_t port(int peer) const;
  void connect(int peer, const std::string& address, std::uint16_t port);
  void send(int peer, const char* data, std::size_t size);
  void close(int peer);
  int socket(int peer) const;

  void secure(int peer, std::uintptr_t session, std::uintptr_t protect_rtcp);
  void send_rtcp(int peer, const char* data, std::size_t size);
  void feedback(int peer, int sequence_extension, unsigned interval_ms);
  void count(int peer, std::vector<std::pair<int, int>> kinds);
  void record(bool on);
  void coalesce(unsigned us) { coalesce_us_ = us; }
  std::vector<FrameRecord> frames(int peer, std::uint32_t ssrc) const;
  std::vector<StreamCount> streams(int peer) const;  // without their frames
  PeerCounts counts(int peer) const;
  std::vector<std::pair<int, std::string>> drain();
  std::int64_t dropped() const { return dropped_; }

  static constexpr int kBatch = 64;
  static constexpr int kDatagram = 2048;
  static constexpr std::size_t kStreams = 64;  // of one peer

 private:
  void run();
  bool receive(int peer);
  void take(int peer, Peer& to, const std::uint8_t* data, std::size_t size, std::int64_t now_ns);
  Peer& at(int peer) const;
  void note_sequence(Peer& to, const std::uint8_t* data, std::size_t size, std::int64_t time_ns);
  void give_feedback();

  int epoll_ = -1;
  int event_ = -1;
  std::atomic<unsigned> coalesce_us_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> feeding_{false};
  std::int64_t feedback_at_ns_ = 0;
  bool recording_ = false;
  mutable std::mutex lock_;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::deque<std::pair<int, std::string>> waiting_;
  static constexpr std::size_t kMaxWaiting = 65536;
  std::int64_t dropped_ = 0;
  std::vector<std::uint8_t> buffers_;
  std::thread thread_;
};

std::int64_t now_ns();  // CLOCK_REALTIME, the clock of the kernel's datagram timestamps

}  // namespace loadtests
