#include "socket.h"

#include <arpa/inet.h>
#include <netinet/udp.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

namespace plane {
namespace {

constexpr size_t kInboxSlot = 2048, kControl = 128;
constexpr int kBuffer = 8 << 20;  // a key frame for hundreds, or 100 ms of many publishers

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

void option(int fd, int level, int name, int value) { setsockopt(fd, level, name, &value, sizeof value); }

}  // namespace

struct UdpSocket::Scratch {
  mmsghdr in[kBatch], out[kMessages];
  iovec in_iov[kBatch], out_iov[kMessages];
  sockaddr_storage in_name[kBatch], out_name[kMessages];
  alignas(cmsghdr) uint8_t in_control[kBatch][kControl], out_control[kMessages][kControl];
};

UdpSocket::UdpSocket(const std::string& host, uint16_t port)
    : inbox_(new uint8_t[kBatch * kInboxSlot]), arena_(new uint8_t[kArena]), scratch_(new Scratch) {
  in_addr v4{};
  in6_addr v6{};
  const bool is_v4 = inet_pton(AF_INET, host.c_str(), &v4) == 1;
  const bool is_v6 = !is_v4 && inet_pton(AF_INET6, host.c_str(), &v6) == 1;
  if (!host.empty() && !is_v4 && !is_v6) {
    errno = EINVAL;
    fail("host is not an IP address");
  }
  family_ = is_v4 ? AF_INET : AF_INET6;
  fd_ = socket(family_, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0 && host.empty()) fd_ = socket(family_ = AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) fail("socket");

  sockaddr_storage name{};
  socklen_t size;
  if (family_ == AF_INET6) {
    option(fd_, IPPROTO_IPV6, IPV6_V6ONLY, is_v6 ? 1 : 0);
    option(fd_, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    auto& a = reinterpret_cast<sockaddr_in6&>(name);
    a.sin6_family = AF_INET6, a.sin6_port = htons(port), a.sin6_addr = v6;
    size = sizeof a;
  } else {
    option(fd_, IPPROTO_IP, IP_PKTINFO, 1);
    auto& a = reinterpret_cast<sockaddr_in&>(name);
    a.sin_family = AF_INET, a.sin_port = htons(port), a.sin_addr = v4;
    size = sizeof a;
  }
  option(fd_, SOL_SOCKET, SO_TIMESTAMPNS, 1);
  for (auto [force, plain] : {std::pair(SO_RCVBUFFORCE, SO_RCVBUF), std::pair(SO_SNDBUFFORCE, SO_SNDBUF)})
    if (setsockopt(fd_, SOL_SOCKET, force, &kBuffer, sizeof kBuffer) != 0)
      option(fd_, SOL_SOCKET, plain, kBuffer);
  if (bind(fd_, reinterpret_cast<sockaddr*>(&name), size) != 0) {
    int error = errno;
    close();
    errno = error;
    fail("bind");
  }
  size = sizeof name;
  getsockname(fd_, reinterpret_cast<sockaddr*>(&name), &size);
  port_ = ntohs(family_ == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(name).sin6_port
                                    : reinterpret_cast<sockaddr_in&>(name).sin_port);
  messages_.reserve(kMessages);
}

UdpSocket::~UdpSocket() { close(); }

void UdpSocket::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

size_t UdpSocket::receive(std::vector<Datagram>& out) {
  out.clear();
  Scratch& s = *scratch_;
  for (size_t i = 0; i < kBatch; ++i) {
    s.in_iov[i] = {inbox_.get() + i * kInboxSlot, kInboxSlot};
    s.in[i].msg_hdr = {&s.in_name[i], sizeof s.in_name[i], &s.in_iov[i], 1, s.in_control[i], kControl, 0};
  }
  int n = recvmmsg(fd_, s.in, kBatch, MSG_DONTWAIT, nullptr);
  for (int i = 0; i < n; ++i) {
    const msghdr& m = s.in[i].msg_hdr;
    if (m.msg_flags & MSG_TRUNC) continue;
    Datagram d{{}, inbox_.get() + static_cast<size_t>(i) * kInboxSlot, s.in[i].msg_len, 0};
    if (family_ == AF_INET6) {
      auto& a = reinterpret_cast<sockaddr_in6&>(s.in_name[i]);
      std::memcpy(d.path.remote.ip.data(), &a.sin6_addr, 16);
      d.path.remote.port = ntohs(a.sin6_port);
    } else {
      auto& a = reinterpret_cast<sockaddr_in&>(s.in_name[i]);
      d.path.remote.ip[10] = d.path.remote.ip[11] = 0xff;
      std::memcpy(d.path.remote.ip.data() + 12, &a.sin_addr, 4);
      d.path.remote.port = ntohs(a.sin_port);
    }
    for (cmsghdr* c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(const_cast<msghdr*>(&m), c)) {
      if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
        std::memcpy(d.path.local.data(), CMSG_DATA(c), 16);
      } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
        in_pktinfo info;
        std::memcpy(&info, CMSG_DATA(c), sizeof info);
        d.path.local[10] = d.path.local[11] = 0xff;
        std::memcpy(d.path.local.data() + 12, &info.ipi_addr, 4);
      } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
        timespec t;
        std::memcpy(&t, CMSG_DATA(c), sizeof t);
        d.received_ns = static_cast<int64_t>(t.tv_sec) * 1000000000 + t.tv_nsec;
      }
    }
    out.push_back(d);
  }
  return out.size();
}

uint8_t* UdpSocket::reserve(size_t size) {
  if (used_ + size > kArena || messages_.size() == kMessages) flush();
  return arena_.get() + used_;
}

void UdpSocket::commit(const Path& path, size_t size, size_t segment, uint8_t tos) {
  messages_.push_back(
      {path, static_cast<uint32_t>(used_), static_cast<uint32_t>(size), static_cast<uint16_t>(segment), tos});
  used_ += size;
}

socklen_t UdpSocket::write_name(const Address& a, sockaddr_storage& name) const {
  if (family_ == AF_INET6) {
    auto& n = reinterpret_cast<sockaddr_in6&>(name);
    n = {};
    n.sin6_family = AF_INET6, n.sin6_port = htons(a.port);
    std::memcpy(&n.sin6_addr, a.ip.data(), 16);
    return sizeof n;
  }
  auto& n = reinterpret_cast<sockaddr_in&>(name);
  n = {};
  n.sin_family = AF_INET, n.sin_port = htons(a.port);
  std::memcpy(&n.sin_addr, a.ip.data() + 12, 4);
  return sizeof n;
}

size_t UdpSocket::write_control(const Message& m, uint8_t* control, size_t room) {
  std::memset(control, 0, room);
  msghdr header{};
  header.msg_control = control;
  header.msg_controllen = room;
  cmsghdr* c = CMSG_FIRSTHDR(&header);
  size_t used = 0;
  auto add = [&](int level, int type, const void* data, size_t size) {
    c->cmsg_level = level, c->cmsg_type = type, c->cmsg_len = CMSG_LEN(size);
    std::memcpy(CMSG_DATA(c), data, size);
    used += CMSG_SPACE(size);
    c = reinterpret_cast<cmsghdr*>(control + used);
  };
  if (m.segment) add(IPPROTO_UDP, UDP_SEGMENT, &m.segment, sizeof m.segment);
  if (m.path.local != Ip{}) {  // answer from the address that was spoken to, or a multi-homed host fails ICE
    if (family_ == AF_INET6) {
      in6_pktinfo info{};
      std::memcpy(&info.ipi6_addr, m.path.local.data(), 16);
      add(IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    } else {
      in_pktinfo info{};
      std::memcpy(&info.ipi_spec_dst, m.path.local.data() + 12, 4);
      add(IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    }
  }
  if (m.tos) {
    int tos = m.tos;
    if (m.path.remote.is_v4())
      add(IPPROTO_IP, IP_TOS, &tos, sizeof tos);
    else
      add(IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof tos);
  }
  return used;
}

void UdpSocket::flush() {
  Scratch& s = *scratch_;
  const size_t count = messages_.size();
  for (size_t i = 0; i < count; ++i) {
    const Message& m = messages_[i];
    s.out_iov[i] = {arena_.get() + m.offset, m.size};
    socklen_t name = write_name(m.path.remote, s.out_name[i]);
    size_t control = write_control(m, s.out_control[i], kControl);
    s.out[i].msg_hdr = {&s.out_name[i], name, &s.out_iov[i], 1, control ? s.out_control[i] : nullptr,
                        control,        0};
  }
  int waits = 0;
  for (size_t at = 0; at < count;) {
    if (messages_[at].segment && !offload_) {
      send_plain(messages_[at++]);
      continue;
    }
    size_t until = count;
    if (!offload_)
      for (until = at; until < count && !messages_[until].segment;) ++until;
    int sent = sendmmsg(fd_, s.out + at, static_cast<unsigned>(until - at), MSG_DONTWAIT);
    if (sent > 0) {
      at += static_cast<size_t>(sent);
    } else if (errno == EAGAIN && waits++ < 4) {
      pollfd p{fd_, POLLOUT, 0};
      poll(&p, 1, 1);
    } else if (messages_[at].segment && (errno == EINVAL || errno == EIO || errno == EMSGSIZE)) {
      // EIO: no checksum offload on this device; EINVAL: above its MTU, which plain datagrams may fragment.
      if (errno == EIO) offload_ = false;
      send_plain(messages_[at++]);
    } else {
      ++send_errors_;  // unreachable, or a full queue: skip the head, the others go on
      ++at;
    }
  }
  messages_.clear();
  used_ = 0;
}

void UdpSocket::send_plain(const Message& m) {
  Message single = m;
  single.segment = 0;
  size_t segment = m.segment ? m.segment : m.size;
  for (size_t at = 0; at < m.size; at += segment)
    send_one(single, arena_.get() + m.offset + at, std::min<size_t>(segment, m.size - at));
}

void UdpSocket::send_one(const Message& m, uint8_t* data, size_t size) {
  sockaddr_storage name;
  alignas(cmsghdr) uint8_t control[kControl];
  iovec iov{data, size};
  size_t used = write_control(m, control, sizeof control);
  msghdr header{&name, write_name(m.path.remote, name), &iov, 1, used ? control : nullptr, used, 0};
  if (sendmsg(fd_, &header, MSG_DONTWAIT) < 0) ++send_errors_;
}

}  // namespace plane
