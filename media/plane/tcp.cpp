#include "tcp.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace plane {
namespace {

constexpr int kEvents = 64;
constexpr int kUnsent = 64 * 1024;  // octets that wait in the kernel, where nothing can be refused any more
constexpr int kUserTimeoutMs = 10000;

void option(int fd, int level, int name, int value) { setsockopt(fd, level, name, &value, sizeof value); }

}  // namespace

TcpConnections::TcpConnections() : epoll_(epoll_create1(EPOLL_CLOEXEC)), inbox_(new uint8_t[kRead]) {
  if (epoll_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

TcpConnections::~TcpConnections() {
  for (auto& [number, c] : connections_) close(c->fd);
  close(epoll_);
}

bool TcpConnections::adopt(Core& core, int fd, Address from, View check, int64_t now_us) {
  now_us_ = now_us;
  if (!core.expects(check)) return false;
  if (connections_.size() >= kConnectionsMax) sweep(core), flush(core);
  if (connections_.size() >= kConnectionsMax) return false;
  do from.connection = ++numbers_;
  while (from.connection == 0 || connections_.contains(from.connection));

  epoll_event event{EPOLLIN, {.u32 = from.connection}};
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) return false;
  option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kUnsent);
  option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, kUserTimeoutMs);
  connections_.emplace(from.connection, new Connection{fd, from, now_us});

  std::vector<uint8_t> copy(check.data, check.data + check.size);
  core.on_datagram({from, {}}, copy.data(), copy.size(), now_us, now_us);
  return true;
}

void TcpConnections::serve(Core& core, bool ready, int64_t now_us) {
  now_us_ = now_us;
  if (ready) {
    epoll_event events[kEvents];
    const int n = epoll_wait(epoll_, events, kEvents, 0);
    for (int i = 0; i < n; ++i) {
      auto found = connections_.find(events[i].data.u32);
      if (found == connections_.end()) continue;
      if (events[i].events & EPOLLOUT) touch(*found->second);
      if (events[i].events & ~static_cast<uint32_t>(EPOLLOUT)) read(core, *found->second);
    }
  }
  if (now_us - sweep_us_ >= kSweepUs) sweep(core);
}

void TcpConnections::read(Core& core, Connection& c) {
  const ssize_t n = recv(c.fd, inbox_.get(), kRead, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  const bool whole =
      n > 0 && c.in.push(inbox_.get(), static_cast<size_t>(n), [&](uint8_t* data, size_t size) {
        c.heard_us = now_us_;
        core.on_datagram({c.remote, {}}, data, size, now_us_, now_us_);
      });
  if (whole) return;
  c.broken = true;
  touch(c);
}

void TcpConnections::commit(const Path& path, const uint8_t* data, size_t size, size_t segment, uint8_t tos) {
  auto found = connections_.find(path.remote.connection);
  if (found == connections_.end() || found->second->broken) return;
  Connection& c = *found->second;
  if (tos && !c.marked) {  // one mark a connection (RFC 7657 section 5.1): the first class that it carries
    option(c.fd, IPPROTO_IP, IP_TOS, tos);
    option(c.fd, IPPROTO_IPV6, IPV6_TCLASS, tos);
    c.marked = true;
  }
  for (size_t at = 0; at < size;) {
    const size_t n = segment ? std::min(segment, size - at) : size;
    const bool media = data[at] >= 128 && !is_rtcp(data + at);
    if (!c.out.push({data + at, n}, media, now_us_)) ++dropped_;
    at += n;
  }
  touch(c);
}

void TcpConnections::touch(Connection& c) {
  if (!c.dirty) dirty_.push_back(&c);
  c.dirty = true;
}

void TcpConnections::flush(Core& core) {
  for (Connection* c : dirty_) {
    c->dirty = false;
    if (!c->broken) write(*c);
    if (!c->broken) continue;
    core.disconnect(c->remote);
    close(c->fd);
    connections_.erase(c->remote.connection);
  }
  dirty_.clear();
}

void TcpConnections::write(Connection& c) {
  while (!c.out.empty()) {
    auto [first, second] = c.out.front();
    iovec pieces[2] = {{const_cast<uint8_t*>(first.data), first.size},
                       {const_cast<uint8_t*>(second.data), second.size}};
    msghdr message{};
    message.msg_iov = pieces, message.msg_iovlen = second.size ? 2 : 1;
    const ssize_t n = sendmsg(c.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      c.broken = errno != EAGAIN;
      break;
    }
    c.out.pop(static_cast<size_t>(n));
  }
  if (c.blocked == !c.out.empty()) return;
  c.blocked = !c.blocked;
  epoll_event event{c.blocked ? EPOLLIN | EPOLLOUT : EPOLLIN, {.u32 = c.remote.connection}};
  epoll_ctl(epoll_, EPOLL_CTL_MOD, c.fd, &event);
}

void TcpConnections::sweep(Core& core) {
  sweep_us_ = now_us_;
  for (auto& [number, c] : connections_) {
    const bool ends =
        !core.uses(c->remote) || now_us_ - c->heard_us > kIdleUs || c->out.waited_us(now_us_) > kStalledUs;
    if (!ends) continue;
    c->broken = true;
    touch(*c);
  }
}

TcpConnections::Counters TcpConnections::counters() const {
  Counters all{connections_.size(), 0, dropped_};
  for (auto& [number, c] : connections_) all.queued += c->out.size();
  return all;
}

}  // namespace plane
