// The sockets around two impaired links: a UDP relay between clients and one server, as a NAT would be.
//
// Every client address gets an upstream socket of its own, so the server sees as many peers as there are.
// All share one access network: one link up, one link down. One thread; it takes the time of arrival from
// the kernel, so being woken late costs nothing where the link has any delay, and it notes how late each
// packet left after the link's own departure time.
#pragma once

#include <netinet/in.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "impaired_link.hpp"

namespace loadtests {

struct EmulatorSettings {
  std::string listen_address;
  std::uint16_t listen_port;
  std::string to_address;
  std::uint16_t to_port;
  unsigned max_clients;
  std::int64_t lifetime_ns;
};

struct EmulatorCounts {
  LinkCounts up, down;
  std::int64_t clients = 0, refused = 0, oversized = 0, send_errors = 0;
};

class Emulator {
 public:
  using Changes = std::vector<std::pair<std::int64_t, LinkSettings>>;

  Emulator(EmulatorSettings settings, const LinkSettings& up, const LinkSettings& down, std::uint64_t seed);
  ~Emulator();
  Emulator(const Emulator&) = delete;
  Emulator& operator=(const Emulator&) = delete;

  void start();
  void stop();
  bool running() const { return running_; }
  bool realtime() const { return realtime_; }
  std::uint16_t port() const { return port_; }
  std::int64_t now_ns() const;  // the links' time: since the start
  void schedule(Changes up, Changes down);
  void roam();  // the server sees every client at another port from now on
  EmulatorCounts counts() const;
  std::int64_t queue_ns(bool up) const;         // how long a packet would wait for its turn now
  std::vector<std::uint32_t> lateness() const;  // packets by microseconds late; the last: or more

  static constexpr int kBatch = 64;
  static constexpr int kDatagram = 2048;                 // above any path's MTU of 1500
  static constexpr std::int64_t kIdle = 60'000'000'000;  // a silent client's place is taken: NAT's usual
  static constexpr std::size_t kLateness = 20'000;

 private:
  struct Client {
    sockaddr_in address;
    int upstream;
    std::int64_t heard_ns;
  };

  void run();
  void close_all();
  void receive(int from, std::uint32_t flow, bool up, std::int64_t offset_ns);
  int client(const sockaddr_in& address, std::int64_t now);
  int open_upstream();
  void attach(std::size_t place, int upstream);
  void depart(bool up, std::int64_t now);
  void arm();

  const EmulatorSettings settings_;
  int listen_ = -1, epoll_ = -1, timer_ = -1, wake_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> stop_{false}, running_{false}, realtime_{false};
  std::int64_t started_ns_ = 0;
  mutable std::mutex lock_;            // the links, the clients and the counts
  std::array<ImpairedLink, 2> links_;  // down, up
  std::vector<Client> clients_;
  std::unordered_map<std::uint64_t, std::uint32_t> by_address_;
  EmulatorCounts counts_;
  std::vector<std::uint32_t> lateness_;
  std::vector<Delivery> departing_;
  std::vector<std::uint8_t> buffers_;
  std::thread thread_;
};

}  // namespace loadtests
