// A UDP socket, TCP connections, a core and the loop between them: in a thread of its own, or turned by the
// caller's loop, where all that comes is for the caller anyway and should wait for one wake-up, not for two.
// Python's commands take the same lock as the loop, a few per second; the loop lets them in first.
#pragma once
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "socket.h"
#include "tcp.h"

namespace plane {

class Worker : private Output, private Events {
 public:
  Worker(const SrtpFunctions& srtp, const std::string& host, uint16_t port, bool threaded);
  ~Worker() override { close(); }
  void close();

  uint16_t port() const { return socket_.port(); }
  int event_fd() const { return event_fd_; }  // readable when there are events
  int turn_fd() const { return epoll_fd_; }   // without a thread: readable when `turn` has work
  void turn(int timeout_ms = 0);
  bool offload() const { return socket_.offload(); }
  uint64_t turns() const { return turns_; }  // of the loop; takes no lock, it may be stuck
  bool closed() const { return closed_; }

  struct Event {
    uint32_t endpoint;
    std::string datagram;
  };
  std::vector<Event> take_events();

  // Datagrams from elsewhere than these addresses are dropped; none means all are welcome.
  void accept_only(std::vector<Ip> sources);

  // Takes a TCP connection over whose first packet is a check for this plane. False: it stays the caller's.
  bool adopt(int fd, const Address& from, View check);
  TcpConnections::Counters tcp_counters();

  // Runs f on the core, between two turns of the loop, and sends what it wrote.
  template <class F>
  auto with_core(F&& f) {
    ++waiting_;
    std::unique_lock lock(mutex_);
    --waiting_;
    struct Done {
      Worker& w;
      bool was_idle;
      ~Done() {
        w.flush();
        if (was_idle && !w.core_.idle()) w.wake();
        w.turn_.notify_one();
      }
    } done{*this, core_.idle()};
    return f(core_);
  }
  static int64_t now_us();

 private:
  static constexpr size_t kEventsMax = 4096;  // DTLS of a hundred simultaneous joins, several times over
  static constexpr int64_t kTickUs = 10000, kIdleTickUs = 500000;
  static constexpr int kFailed = 70;  // EX_SOFTWARE of sysexits.h: worth a restart

  enum Source { kSocket, kTcp, kWake, kTimer, kSources };

  void once(int timeout_ms);
  [[noreturn]] void die(const char* reason) const;
  void flush();
  void wake();
  int64_t written_us() const override { return now_us(); }
  uint8_t* reserve(size_t size) override { return room_ = socket_.reserve(size); }
  void commit(const Path& path, size_t size, size_t segment, uint8_t tos) override {
    if (path.remote.connection) [[unlikely]]
      tcp_.commit(path, room_, size, segment, tos);
    else
      socket_.commit(path, size, segment, tos);
  }
  void dtls(uint32_t endpoint, View datagram) override;
  bool welcome(const Address& from) const;

  UdpSocket socket_;
  TcpConnections tcp_;
  uint8_t* room_ = nullptr;  // what `reserve` gave last
  Core core_;
  std::mutex mutex_;
  std::condition_variable turn_;
  std::atomic<int> waiting_{0};
  std::atomic<bool> stop_{false}, closed_{false};
  std::atomic<uint64_t> turns_{0};
  std::set<Ip> sources_;
  std::mutex events_mutex_;
  std::vector<Event> events_;
  std::vector<UdpSocket::Datagram> batch_;
  bool was_idle_ = false;
  int event_fd_ = -1, wake_fd_ = -1, timer_fd_ = -1, epoll_fd_ = -1;
  std::thread thread_;
};

}  // namespace plane
