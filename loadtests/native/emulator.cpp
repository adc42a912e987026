#include "emulator.hpp"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <system_error>

namespace loadtests {
namespace {

constexpr int kSocketBuffer = 4 << 20;
constexpr std::uint32_t kListen = 0xffffffff, kTimer = 0xfffffffe, kWake = 0xfffffffd;  // else a client
constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t clock_ns(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

std::int64_t monotonic_ns() { return clock_ns(CLOCK_MONOTONIC); }

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

sockaddr_in loopback(const std::string& address, std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  if (inet_pton(AF_INET, address.c_str(), &out.sin_addr) != 1 || ntohl(out.sin_addr.s_addr) >> 24 != 127)
    throw std::invalid_argument("not an IPv4 loopback address: " + address);
  return out;
}

int udp_socket(const sockaddr_in& local) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  for (const auto& [force, plain] : {std::pair(SO_RCVBUFFORCE, SO_RCVBUF), {SO_SNDBUFFORCE, SO_SNDBUF}})
    if (setsockopt(fd, SOL_SOCKET, force, &kSocketBuffer, sizeof kSocketBuffer) != 0)
      setsockopt(fd, SOL_SOCKET, plain, &kSocketBuffer, sizeof kSocketBuffer);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0) {
    const int error = errno;
    ::close(fd);
    errno = error;
    fail("bind");
  }
  return fd;
}

// The kernel's time of arrival on the links' clock; now if it gave none.
std::int64_t arrival_ns(msghdr& message, std::int64_t offset_ns, std::int64_t now_ns) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
      timespec time;
      std::memcpy(&time, CMSG_DATA(c), sizeof time);
      return std::min(now_ns, time.tv_sec * kSecond + time.tv_nsec - offset_ns);
    }
  }
  return now_ns;
}

std::uint64_t key_of(const sockaddr_in& address) {
  return std::uint64_t{address.sin_addr.s_addr} << 16 | address.sin_port;
}

}  // namespace

Emulator::Emulator(EmulatorSettings settings, const LinkSettings& up, const LinkSettings& down,
                   std::uint64_t seed)
    : settings_(std::move(settings)),
      links_{ImpairedLink(down, 2 * seed), ImpairedLink(up, 2 * seed + 1)},
      lateness_(kLateness + 1),
      buffers_(static_cast<std::size_t>(kBatch) * kDatagram) {
  loopback(settings_.to_address, settings_.to_port);
  const sockaddr_in local = loopback(settings_.listen_address, settings_.listen_port);
  listen_ = udp_socket(local);
  sockaddr_in bound{};
  socklen_t size = sizeof bound;
  getsockname(listen_, reinterpret_cast<sockaddr*>(&bound), &size);
  port_ = ntohs(bound.sin_port);
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  wake_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  for (const auto& [fd, id] : {std::pair(listen_, kListen), {timer_, kTimer}, {wake_, kWake}}) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = id;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) {
      close_all();
      fail("epoll_ctl");
    }
  }
}

Emulator::~Emulator() {
  stop();
  close_all();
}

void Emulator::close_all() {
  for (const Client& client : clients_) ::close(client.upstream);
  for (const int fd : {listen_, epoll_, timer_, wake_})
    if (fd >= 0) ::close(fd);
}

void Emulator::start() {
  if (thread_.joinable()) throw std::logic_error("started before");
  started_ns_ = monotonic_ns();
  running_ = true;
  thread_ = std::thread([this] { run(); });
  // A network does not wait for a free core. Without the right to ask, it is just as it was.
  const sched_param lowest{1};
  realtime_ = pthread_setschedparam(thread_.native_handle(), SCHED_FIFO, &lowest) == 0;
}

std::int64_t Emulator::now_ns() const { return running_ ? monotonic_ns() - started_ns_ : 0; }

void Emulator::stop() {
  stop_ = true;
  const std::uint64_t one = 1;
  (void)!write(wake_, &one, sizeof one);
  if (thread_.joinable()) thread_.join();
}

void Emulator::schedule(Changes up, Changes down) {
  const std::lock_guard<std::mutex> hold(lock_);
  links_[true].schedule(std::move(up));
  links_[false].schedule(std::move(down));
  const std::uint64_t one = 1;
  (void)!write(wake_, &one, sizeof one);
}

// What was on its way back to the old address is lost, as it is when a phone leaves its Wi-Fi.
void Emulator::roam() {
  const std::lock_guard<std::mutex> hold(lock_);
  for (std::size_t place = 0; place < clients_.size(); ++place) {
    const int fd = open_upstream();
    if (fd < 0) fail("socket");
    ::close(clients_[place].upstream);
    attach(place, fd);
  }
}

EmulatorCounts Emulator::counts() const {
  const std::lock_guard<std::mutex> hold(lock_);
  EmulatorCounts out = counts_;
  out.clients = static_cast<std::int64_t>(clients_.size());
  out.down = links_[false].counts();
  out.up = links_[true].counts();
  return out;
}

std::int64_t Emulator::queue_ns(bool up) const {
  const std::lock_guard<std::mutex> hold(lock_);
  return links_[up].queue_ns(now_ns());
}

std::vector<std::uint32_t> Emulator::lateness() const {
  const std::lock_guard<std::mutex> hold(lock_);
  return lateness_;
}

void Emulator::run() {
  epoll_event events[64];
  while (!stop_ && now_ns() < settings_.lifetime_ns) {
    arm();
    const int ready = epoll_wait(epoll_, events, 64, -1);
    const std::int64_t offset_ns = clock_ns(CLOCK_REALTIME) - now_ns();
    const std::lock_guard<std::mutex> hold(lock_);
    for (int i = 0; i < ready; ++i) {
      const std::uint32_t id = events[i].data.u32;
      std::uint64_t count;
      if (id == kTimer)
        (void)!read(timer_, &count, sizeof count);
      else if (id == kWake)
        (void)!read(wake_, &count, sizeof count);
      else
        receive(id == kListen ? listen_ : clients_[id].upstream, id, id == kListen, offset_ns);
    }
    for (const bool up : {false, true}) depart(up, now_ns());
  }
  running_ = false;
}

void Emulator::arm() {
  const std::lock_guard<std::mutex> hold(lock_);
  const std::int64_t next_ns =
      started_ns_ + std::min({settings_.lifetime_ns, links_[false].next_ns(), links_[true].next_ns()});
  const itimerspec when{{0, 0}, {next_ns / kSecond, next_ns % kSecond}};
  timerfd_settime(timer_, TFD_TIMER_ABSTIME, &when, nullptr);
}

// One batch and no more: departures must not wait for a flood.
void Emulator::receive(int from, std::uint32_t flow, bool up, std::int64_t offset_ns) {
  mmsghdr messages[kBatch];
  iovec pieces[kBatch];
  sockaddr_in sources[kBatch];
  alignas(cmsghdr) char control[kBatch][CMSG_SPACE(sizeof(timespec))];
  for (int i = 0; i < kBatch; ++i) {
    pieces[i] = {buffers_.data() + static_cast<std::size_t>(i) * kDatagram, kDatagram};
    messages[i].msg_hdr = {&sources[i], sizeof sources[i], &pieces[i], 1, control[i], sizeof control[i], 0};
  }
  const int got = recvmmsg(from, messages, kBatch, MSG_DONTWAIT, nullptr);
  const std::int64_t now = now_ns();
  for (int i = 0; i < got; ++i) {
    if (messages[i].msg_hdr.msg_flags & MSG_TRUNC) {
      ++counts_.oversized;
      continue;
    }
    int number = static_cast<int>(flow);
    if (up) number = client(sources[i], now);
    if (number < 0) {
      ++counts_.refused;
      continue;
    }
    links_[up].push(arrival_ns(messages[i].msg_hdr, offset_ns, now), static_cast<std::uint32_t>(number),
                    std::string(static_cast<const char*>(pieces[i].iov_base), messages[i].msg_len));
  }
}

int Emulator::client(const sockaddr_in& address, std::int64_t now) {
  const auto known = by_address_.find(key_of(address));
  if (known != by_address_.end()) {
    clients_[known->second].heard_ns = now;
    return static_cast<int>(known->second);
  }
  std::size_t place = clients_.size();
  if (place >= settings_.max_clients) {
    const auto longer = [](const Client& a, const Client& b) { return a.heard_ns < b.heard_ns; };
    place = static_cast<std::size_t>(std::min_element(clients_.begin(), clients_.end(), longer) -
                                     clients_.begin());
    if (place == clients_.size() || now - clients_[place].heard_ns < kIdle) return -1;
  }
  const int fd = open_upstream();
  if (fd < 0) return -1;
  if (place == clients_.size()) {
    clients_.push_back({});
  } else {
    by_address_.erase(key_of(clients_[place].address));
    ::close(clients_[place].upstream);
  }
  clients_[place] = {address, -1, now};
  attach(place, fd);
  by_address_[key_of(address)] = static_cast<std::uint32_t>(place);
  return static_cast<int>(place);
}

void Emulator::attach(std::size_t place, int upstream) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = static_cast<std::uint32_t>(place);
  epoll_ctl(epoll_, EPOLL_CTL_ADD, upstream, &event);
  clients_[place].upstream = upstream;
}

int Emulator::open_upstream() {
  try {
    const int fd = udp_socket(loopback(settings_.listen_address, 0));
    const sockaddr_in to = loopback(settings_.to_address, settings_.to_port);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return fd;
    ::close(fd);
  } catch (const std::system_error&) {  // out of descriptors: this client is refused
  }
  return -1;
}

void Emulator::depart(bool up, std::int64_t now) {
  departing_.clear();
  links_[up].poll(now, departing_);
  for (const Delivery& packet : departing_) {
    const Client& client = clients_[packet.flow];
    const auto* to = reinterpret_cast<const sockaddr*>(&client.address);
    const ssize_t sent =
        up ? ::send(client.upstream, packet.data.data(), packet.data.size(), 0)
           : ::sendto(listen_, packet.data.data(), packet.data.size(), 0, to, sizeof client.address);
    counts_.send_errors += sent < 0;
    const std::int64_t late_us = (now_ns() - packet.departure_ns) / 1000;
    ++lateness_[std::min<std::size_t>(static_cast<std::size_t>(std::max<std::int64_t>(0, late_us)),
                                      kLateness)];
  }
}

}  // namespace loadtests
