// TCP connections of the plane (ICE-TCP, RFC 6544): their packets go to the core as datagrams do, and what it
// sends to them goes back framed.
//
// A connection comes here with its first packet, a check that the core takes; Python accepted it and read
// that far (media/tcp.py). It stays as long as the core uses its address, so one whose transport has ended,
// or that newer ones have replaced, is closed by the next sweep.
#pragma once
#include <memory>
#include <unordered_map>
#include <vector>

#include "core.h"
#include "framing.h"
#include "send_queue.h"

namespace plane {

class TcpConnections {
 public:
  TcpConnections();
  ~TcpConnections();
  TcpConnections(const TcpConnections&) = delete;
  TcpConnections& operator=(const TcpConnections&) = delete;

  int fd() const { return epoll_; }  // readable when a connection wants to be served

  // Takes the socket over if its first packet is a check for this core. False: it stays the caller's.
  bool adopt(Core& core, int fd, Address from, View check, int64_t now_us);
  // Reads what is there (when `ready`), and once a second looks for connections that must end.
  void serve(Core& core, bool ready, int64_t now_us);
  // Queues one message of the core's, cut into its packets. `flush` sends it.
  void commit(const Path& path, const uint8_t* data, size_t size, size_t segment, uint8_t tos);
  void flush(Core& core);

  struct Counters {
    uint64_t open = 0, queued = 0, dropped = 0;  // connections, octets, packets
  };
  Counters counters() const;

 private:
  struct Connection {
    int fd;
    Address remote;
    int64_t heard_us;
    Deframer in = {};
    SendQueue out = {};
    bool dirty = false, blocked = false, broken = false, marked = false;
  };
  void read(Core& core, Connection& c);
  void write(Connection& c);
  void touch(Connection& c);
  void sweep(Core& core);

  static constexpr size_t kConnectionsMax = 1000;  // 290 KB each when all are congested
  static constexpr size_t kRead = 16 * 1024;  // of one connection in one turn, so that none starves others
  static constexpr int64_t kSweepUs = 1000000;
  static constexpr int64_t kIdleUs = 30000000;     // RFC 7675: consent lasts so long
  static constexpr int64_t kStalledUs = 10000000;  // nothing gets out: a peer that never reads

  int epoll_ = -1;
  uint32_t numbers_ = 0;
  int64_t now_us_ = 0, sweep_us_ = 0;
  uint64_t dropped_ = 0;
  std::unordered_map<uint32_t, std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> dirty_;  // have something to send, or must be closed
  std::unique_ptr<uint8_t[]> inbox_;
};

}  // namespace plane
