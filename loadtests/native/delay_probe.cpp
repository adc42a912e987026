#include "delay_probe.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <system_error>
#include <thread>

namespace loadtests {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::size_t kDatagram = 2048;

struct Stamp {
  std::uint32_t number;
  std::int64_t sent_ns;
} __attribute__((packed));

std::int64_t realtime_ns() {
  timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return out;
}

int udp_socket() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const sockaddr_in local = loopback(0);
  if (fd < 0 || bind(fd, reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0)
    throw std::system_error(errno, std::generic_category(), "socket");
  return fd;
}

std::int64_t kernel_ns(msghdr& message) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec time;
    std::memcpy(&time, CMSG_DATA(c), sizeof time);
    return time.tv_sec * kSecond + time.tv_nsec;
  }
  return realtime_ns();
}

// Even steps of time, whatever happens between them.
class Pace {
 public:
  Pace() { clock_gettime(CLOCK_MONOTONIC, &due_); }
  void wait(std::int64_t ns) {
    const std::int64_t at = due_.tv_nsec + ns;
    due_.tv_sec += at / kSecond;
    due_.tv_nsec = at % kSecond;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due_, nullptr) == EINTR) continue;
  }
  std::int64_t late_ns() const {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - due_.tv_sec) * kSecond + now.tv_nsec - due_.tv_nsec;
  }

 private:
  timespec due_;
};

void receive(int fd, std::vector<std::int64_t>& delays, const std::atomic<bool>& stop) {
  char data[kDatagram];
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(timespec))];
  while (!stop) {
    iovec piece{data, sizeof data};
    msghdr message{nullptr, 0, &piece, 1, control, sizeof control, 0};
    if (recvmsg(fd, &message, 0) < static_cast<ssize_t>(sizeof(Stamp))) continue;  // or 50 ms of silence
    Stamp stamp;
    std::memcpy(&stamp, data, sizeof stamp);
    if (stamp.number < delays.size()) delays[stamp.number] = kernel_ns(message) - stamp.sent_ns;
  }
}

}  // namespace

DelayProbe::DelayProbe() : sender_(udp_socket()), receiver_(udp_socket()) {
  const int on = 1, size = 4 << 20;
  const timeval patience{0, 50'000};
  setsockopt(receiver_, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  setsockopt(receiver_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(receiver_, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
  sockaddr_in bound{};
  socklen_t length = sizeof bound;
  getsockname(receiver_, reinterpret_cast<sockaddr*>(&bound), &length);
  port_ = ntohs(bound.sin_port);
}

DelayProbe::~DelayProbe() {
  ::close(sender_);
  ::close(receiver_);
}

std::vector<std::int64_t> DelayProbe::run(std::uint16_t via_port, unsigned count, std::int64_t interval_ns,
                                          std::size_t octets, std::int64_t drain_ns) const {
  std::vector<std::int64_t> delays(count, -1);
  std::atomic<bool> stop{false};
  std::thread receiver([&] { receive(receiver_, delays, stop); });
  const sockaddr_in to = loopback(via_port);
  std::vector<char> data(std::clamp(octets, sizeof(Stamp), kDatagram));
  Pace pace;
  for (std::uint32_t i = 0; i < count; ++i) {
    pace.wait(interval_ns);
    const Stamp stamp{i, realtime_ns()};
    std::memcpy(data.data(), &stamp, sizeof stamp);
    (void)!sendto(sender_, data.data(), data.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  }
  pace.wait(drain_ns);
  stop = true;
  receiver.join();
  return delays;
}

std::vector<std::int64_t> wake_lateness(unsigned count, std::int64_t interval_ns) {
  std::vector<std::int64_t> late;
  late.reserve(count);
  std::thread sleeper([&] {
    const sched_param lowest{1};  // as the emulator's thread
    pthread_setschedparam(pthread_self(), SCHED_FIFO, &lowest);
    Pace pace;
    for (unsigned i = 0; i < count; ++i) {
      pace.wait(interval_ns);
      late.push_back(pace.late_ns());
    }
  });
  sleeper.join();
  return late;
}

}  // namespace loadtests
