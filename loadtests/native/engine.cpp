#include "engine.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <system_error>

namespace loadtests {
namespace {

constexpr int kReceiveBuffer = 8 << 20;  // a second of 60 Mbit/s, far above one subscriber's stream

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

sockaddr_in address_of(const std::string& address, std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  if (inet_pton(AF_INET, address.c_str(), &out.sin_addr) != 1)
    throw std::invalid_argument("not an IPv4 address: " + address);
  return out;
}

std::int64_t kernel_time(msghdr& message) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
      timespec time;
      std::memcpy(&time, CMSG_DATA(c), sizeof time);
      return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
    }
  }
  return now_ns();
}

std::uint32_t read32(const std::uint8_t* at) {
  return std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 | at[3];
}

}  // namespace

std::int64_t now_ns() {
  timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

Engine::Engine(unsigned coalesce_us)
    : coalesce_us_(coalesce_us), buffers_(static_cast<std::size_t>(kBatch) * kDatagram) {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  event_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (epoll_ < 0 || event_ < 0) fail("epoll");
  thread_ = std::thread([this] { run(); });
}

Engine::~Engine() {
  stop_ = true;
  thread_.join();
  for (auto& peer : peers_)
    if (peer->socket >= 0) ::close(peer->socket);
  ::close(epoll_);
  ::close(event_);
}

Peer& Engine::at(int peer) const {
  if (peer < 0 || static_cast<std::size_t>(peer) >= peers_.size() || peers_[peer]->socket < 0)
    throw std::out_of_range("no such peer");
  return *peers_[peer];
}

int Engine::open(const std::string& address) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  const int on = 1;
  const int size = kReceiveBuffer;
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  const sockaddr_in local = address_of(address, 0);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0) {
    ::close(fd);
    fail("bind");
  }
  const std::lock_guard<std::mutex> hold(lock_);
  const int id = static_cast<int>(peers_.size());
  peers_.push_back(std::make_unique<Peer>());
  peers_.back()->socket = fd;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = static_cast<std::uint32_t>(id);
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
  return id;
}

std::uint16_t Engine::port(int peer) const {
  sockaddr_in local{};
  socklen_t size = sizeof local;
  if (getsockname(socket(peer), reinterpret_cast<sockaddr*>(&local), &size) != 0) fail("getsockname");
  return ntohs(local.sin_port);
}

void Engine::connect(int peer, const std::string& address, std::uint16_t port) {
  const sockaddr_in remote = address_of(address, port);
  if (::connect(socket(peer), reinterpret_cast<const sockaddr*>(&remote), sizeof remote) != 0)
    fail("connect");
}

void Engine::send(int peer, const char* data, std::size_t size) {
  // A full buffer or a refused port is the network's loss, and the caller retransmits.
  (void)!::send(socket(peer), data, size, 0);
}

void Engine::close(int peer) {
  const std::lock_guard<std::mutex> hold(lock_);
  Peer& found = at(peer);
  ::close(found.socket);
  found.socket = -1;
}

int Engine::socket(int peer) const {
  const std::lock_guard<std::mutex> hold(lock_);
  return at(peer).socket;
}

void Engine::count(int peer, int payload_type) {
  const std::lock_guard<std::mutex> hold(lock_);
  at(peer).payload_type = payload_type;
}

void Engine::record(bool on) {
  const std::lock_guard<std::mutex> hold(lock_);
  for (auto& peer : peers_) {
    peer->stream.recording = on;
    if (on) peer->stream.frames.clear();
  }
}

std::vector<FrameRecord> Engine::frames(int peer) const {
  const std::lock_guard<std::mutex> hold(lock_);
  return at(peer).stream.frames;
}

Peer Engine::snapshot(int peer) const {
  const std::lock_guard<std::mutex> hold(lock_);
  Peer& found = at(peer);
  std::vector<FrameRecord> kept;
  kept.swap(found.stream.frames);
  Peer out = found;
  kept.swap(found.stream.frames);
  return out;
}

std::vector<std::pair<int, std::string>> Engine::drain() {
  std::uint64_t count;
  (void)!read(event_, &count, sizeof count);
  const std::lock_guard<std::mutex> hold(lock_);
  std::vector<std::pair<int, std::string>> out(std::make_move_iterator(waiting_.begin()),
                                               std::make_move_iterator(waiting_.end()));
  waiting_.clear();
  return out;
}

void Engine::run() {
  epoll_event events[256];
  while (!stop_) {
    const int ready = epoll_wait(epoll_, events, 256, 100);
    bool told = false;
    for (int i = 0; i < ready; ++i)
      if (events[i].events & EPOLLIN) told |= receive(static_cast<int>(events[i].data.u32));
    if (told) {
      const std::uint64_t one = 1;
      (void)!write(event_, &one, sizeof one);
    }
    const unsigned pause = coalesce_us_;
    if (ready > 0 && pause > 0) {
      const timespec time{0, static_cast<long>(pause) * 1000};
      nanosleep(&time, nullptr);
    }
  }
}

bool Engine::receive(int peer) {
  mmsghdr messages[kBatch];
  iovec pieces[kBatch];
  alignas(cmsghdr) char control[kBatch][CMSG_SPACE(sizeof(timespec))];
  const std::lock_guard<std::mutex> hold(lock_);
  Peer& to = *peers_[peer];
  const std::size_t before = waiting_.size();
  for (int got = kBatch; got == kBatch && to.socket >= 0;) {
    for (int i = 0; i < kBatch; ++i) {
      pieces[i] = {buffers_.data() + static_cast<std::size_t>(i) * kDatagram, kDatagram};
      messages[i].msg_hdr = {};
      messages[i].msg_hdr.msg_iov = &pieces[i];
      messages[i].msg_hdr.msg_iovlen = 1;
      messages[i].msg_hdr.msg_control = control[i];
      messages[i].msg_hdr.msg_controllen = sizeof control[i];
    }
    got = recvmmsg(to.socket, messages, kBatch, MSG_DONTWAIT, nullptr);
    for (int i = 0; i < got; ++i)
      take(peer, to, static_cast<const std::uint8_t*>(pieces[i].iov_base), messages[i].msg_len,
           kernel_time(messages[i].msg_hdr));
  }
  return waiting_.size() > before;
}

void Engine::take(int peer, Peer& to, const std::uint8_t* data, std::size_t size, std::int64_t time_ns) {
  const bool rtp = size >= 12 && data[0] >> 6 == 2 && !(data[1] >= 192 && data[1] <= 223);
  if (!rtp) {
    if (waiting_.size() < kMaxWaiting)
      waiting_.emplace_back(peer, std::string(reinterpret_cast<const char*>(data), size));
    else
      ++dropped_;
    return;
  }
  RtpHeader header{};
  header.marker = data[1] & 0x80;
  header.payload_type = data[1] & 0x7f;
  header.sequence = static_cast<std::uint16_t>(data[2] << 8 | data[3]);
  header.timestamp = read32(data + 4);
  header.ssrc = read32(data + 8);
  to.octets += static_cast<std::int64_t>(size);
  if (header.payload_type == to.payload_type && (to.stream.received == 0 || header.ssrc == to.stream.ssrc))
    to.stream.take(header, size, time_ns);
  else
    ++to.other_rtp;
}

}  // namespace loadtests
