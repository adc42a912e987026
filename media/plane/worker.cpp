#include "worker.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

namespace plane {
namespace {

int64_t clock_ns(clockid_t id) {
  timespec t;
  clock_gettime(id, &t);
  return static_cast<int64_t>(t.tv_sec) * 1000000000 + t.tv_nsec;
}

void signal(int fd) {
  uint64_t one = 1;
  [[maybe_unused]] auto n = write(fd, &one, sizeof one);
}

}  // namespace

int64_t Worker::now_us() { return clock_ns(CLOCK_MONOTONIC) / 1000; }

Worker::Worker(const SrtpFunctions& srtp, const std::string& host, uint16_t port)
    : socket_(host, port), core_(srtp, *this, *this) {
  event_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  wake_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  thread_ = std::thread([this] {
    try {
      run();
    } catch (const std::exception& e) {
      die(e.what());
    }
  });
  pthread_setname_np(thread_.native_handle(), ("plane-" + std::to_string(socket_.port())).c_str());
}

void Worker::close() {
  if (!thread_.joinable()) return;
  stop_ = true;
  signal(wake_fd_);
  thread_.join();
  closed_ = true;
  socket_.close();
  ::close(event_fd_);
  ::close(wake_fd_);
}

// Without its thread a plane's rooms are deaf while all else looks well: better to begin again as a whole.
void Worker::die(const char* reason) const {
  std::string said(reason);
  for (char& c : said)
    if (c < ' ' || c == '"' || c == '\\') c = ' ';
  fprintf(stderr,
          "{\"event\": \"media_thread_died\", \"level\": \"critical\", \"port\": %u, \"reason\": \"%s\"}\n",
          socket_.port(), said.c_str());
  _exit(kFailed);  // no destructors: they would wait for this thread
}

void Worker::run() {
  std::vector<UdpSocket::Datagram> batch;
  batch.reserve(64);
  int64_t tick_us = now_us() + kTickUs;
  pollfd fds[3] = {{socket_.fd(), POLLIN, 0}, {wake_fd_, POLLIN, 0}, {tcp_.fd(), POLLIN, 0}};
  while (!stop_) {
    turns_.fetch_add(1, std::memory_order_relaxed);
    int64_t wait_us = std::max<int64_t>(0, tick_us - now_us());
    timespec timeout{0, static_cast<long>(wait_us * 1000)};
    ppoll(fds, 3, &timeout, nullptr);

    std::unique_lock lock(mutex_);
    if (waiting_ > 0) turn_.wait_for(lock, std::chrono::milliseconds(5), [this] { return waiting_ == 0; });
    int64_t now = now_us();
    if (fds[1].revents) {
      uint64_t count;
      [[maybe_unused]] auto n = read(wake_fd_, &count, sizeof count);
    }
    if (fds[0].revents && socket_.receive(batch) > 0) {
      int64_t realtime_ns = clock_ns(CLOCK_REALTIME);
      for (auto& d : batch) {
        if (!welcome(d.path.remote)) continue;
        int64_t age_us = d.received_ns ? (realtime_ns - d.received_ns) / 1000 : 0;
        core_.on_datagram(d.path, d.data, d.size, now - std::clamp<int64_t>(age_us, 0, 1000000), now);
      }
    }
    tcp_.serve(core_, fds[2].revents != 0, now);
    if (now >= tick_us) {
      core_.on_timer(now);
      tick_us = now + kTickUs;
    }
    if (core_.idle())
      tick_us = now + kIdleTickUs;
    else
      tick_us = std::min(tick_us, now + kTickUs);
    flush();
  }
}

void Worker::wake() { signal(wake_fd_); }

void Worker::flush() {
  socket_.flush();
  tcp_.flush(core_);
}

bool Worker::adopt(int fd, const Address& from, View check) {
  return with_core([&](Core& core) { return tcp_.adopt(core, fd, from, check, now_us()); });
}

TcpConnections::Counters Worker::tcp_counters() {
  return with_core([this](Core&) { return tcp_.counters(); });
}

bool Worker::welcome(const Address& from) const {
  return sources_.empty() || sources_.contains(from.ip) || (from.is_v4() && from.ip[12] == 127);
}

void Worker::accept_only(std::vector<Ip> sources) {
  std::unique_lock lock(mutex_);
  sources_ = std::set<Ip>(sources.begin(), sources.end());
}

void Worker::dtls(uint32_t endpoint, View datagram) {
  std::unique_lock lock(events_mutex_);
  if (events_.size() >= kEventsMax) return;  // DTLS repeats what is lost
  events_.push_back({endpoint, std::string(reinterpret_cast<const char*>(datagram.data), datagram.size)});
  if (events_.size() == 1) signal(event_fd_);
}

std::vector<Worker::Event> Worker::take_events() {
  uint64_t count;
  [[maybe_unused]] auto n = read(event_fd_, &count, sizeof count);
  std::unique_lock lock(events_mutex_);
  return std::exchange(events_, {});
}

}  // namespace plane
