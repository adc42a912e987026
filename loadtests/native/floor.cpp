#include "floor.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <system_error>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

namespace loadtests {
namespace {

constexpr std::size_t kTrailer = 16;

double thread_cpu_s() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

struct Outgoing {
  sockaddr_in to;
  iovec piece;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(std::uint16_t))];
};

std::int64_t send_all(int socket, std::vector<mmsghdr>& messages, std::size_t count) {
  std::int64_t sent = 0;
  while (static_cast<std::size_t>(sent) < count) {
    const int n = sendmmsg(socket, messages.data() + sent, static_cast<unsigned>(count - sent), 0);
    if (n < 0) throw std::system_error(errno, std::generic_category(), "sendmmsg");
    sent += n;
  }
  return sent;
}

}  // namespace

FloorResult floor(const FloorSettings& settings) {
  if (settings.ports.size() != settings.sessions.size() || settings.packets_per_frame == 0 ||
      settings.packets_per_frame > 48 || settings.octets < 64 || settings.octets > 1300)
    throw std::invalid_argument("floor: sizes out of range");
  const auto protect = reinterpret_cast<SrtpFunction>(settings.protect);
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const int buffer = 4 << 20;
  setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
  const std::size_t run = settings.packets_per_frame;
  const std::size_t stride = settings.octets + kTrailer;
  std::vector<std::uint8_t> original(12);
  original.resize(settings.octets, 0x5a);
  original[0] = 0x80;
  original[1] = 96;
  original[11] = 1;
  std::vector<std::uint8_t> arena(settings.ports.size() * run * (stride + kTrailer));
  std::vector<Outgoing> outgoing(settings.ports.size() * (settings.segmentation ? 1 : run));
  std::vector<mmsghdr> messages(outgoing.size());
  std::uint16_t sequence = 1;
  FloorResult result{0, 0};
  const double before = thread_cpu_s();
  for (unsigned frame = 0; frame < settings.frames; ++frame) {
    std::uint8_t* at = arena.data();
    std::size_t used = 0;
    for (std::size_t sink = 0; sink < settings.ports.size(); ++sink) {
      std::uint8_t* begin = at;
      int size = 0;
      for (std::size_t i = 0; i < run; ++i) {
        std::memcpy(at, original.data(), original.size());
        const auto number = static_cast<std::uint16_t>(sequence + i);
        at[2] = static_cast<std::uint8_t>(number >> 8);
        at[3] = static_cast<std::uint8_t>(number);
        size = static_cast<int>(settings.octets);
        if (protect(reinterpret_cast<void*>(settings.sessions[sink]), at, &size) != 0)
          throw std::runtime_error("srtp_protect failed");
        at += size;
        if (settings.segmentation && i + 1 < run) continue;
        Outgoing& out = outgoing[used];
        out = {};
        out.to.sin_family = AF_INET;
        out.to.sin_port = htons(settings.ports[sink]);
        out.to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        out.piece = {begin, static_cast<std::size_t>(at - begin)};
        msghdr& head = messages[used].msg_hdr;
        head = {};
        head.msg_name = &out.to;
        head.msg_namelen = sizeof out.to;
        head.msg_iov = &out.piece;
        head.msg_iovlen = 1;
        if (settings.segmentation && run > 1) {
          head.msg_control = out.control;
          head.msg_controllen = sizeof out.control;
          cmsghdr* c = CMSG_FIRSTHDR(&head);
          c->cmsg_level = SOL_UDP;
          c->cmsg_type = UDP_SEGMENT;
          c->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
          const auto segment = static_cast<std::uint16_t>(size);
          std::memcpy(CMSG_DATA(c), &segment, sizeof segment);
        }
        ++used;
        begin = at;
      }
      result.packets += static_cast<std::int64_t>(run);
    }
    sequence = static_cast<std::uint16_t>(sequence + run);
    send_all(socket, messages, used);
    const timespec pause{0, static_cast<long>(1'000'000'000L / settings.frames_per_second)};
    nanosleep(&pause, nullptr);
  }
  result.cpu_s = thread_cpu_s() - before;
  ::close(socket);
  return result;
}

}  // namespace loadtests
