// Every peer's UDP socket and the one thread that receives on all of them.
//
// RTP is counted here; whatever else arrives (STUN, DTLS, RTCP) waits for Python, which is told
// through an eventfd. The lock is held for a batch of at most kBatch datagrams.
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

#include "stream_count.hpp"

namespace loadtests {

struct Peer {
  int socket = -1;
  int payload_type = -1;  // of the counted stream
  StreamCount stream;
  std::int64_t other_rtp = 0;  // other payload types: retransmissions, padding
  std::int64_t octets = 0;
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

  void count(int peer, int payload_type);
  void record(bool on);
  void coalesce(unsigned us) { coalesce_us_ = us; }
  std::vector<FrameRecord> frames(int peer) const;
  Peer snapshot(int peer) const;  // without its frames
  std::vector<std::pair<int, std::string>> drain();
  std::int64_t dropped() const { return dropped_; }

  static constexpr int kBatch = 64;
  static constexpr int kDatagram = 2048;

 private:
  void run();
  bool receive(int peer);
  void take(int peer, Peer& to, const std::uint8_t* data, std::size_t size, std::int64_t now_ns);
  Peer& at(int peer) const;

  int epoll_ = -1;
  int event_ = -1;
  std::atomic<unsigned> coalesce_us_;
  std::atomic<bool> stop_{false};
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
