#include "worker.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
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

void clear(int fd) {
  uint64_t count;
  [[maybe_unused]] auto n = read(fd, &count, sizeof count);
}

void repeat(int timer, int64_t period_us) {
  const timespec period{0, static_cast<long>(period_us * 1000)};
  const itimerspec times{period, period};
  timerfd_settime(timer, 0, &times, nullptr);
}

}  // namespace

int64_t Worker::now_us() { return clock_ns(CLOCK_MONOTONIC) / 1000; }

Worker::Worker(const SrtpFunctions& srtp, const std::string& host, uint16_t port, bool threaded)
    : socket_(host, port), core_(srtp, *this, *this) {
  batch_.reserve(64);
  event_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  wake_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  // A timer that repeats by itself: a timeout would be set and taken back in every turn.
  timer_fd_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
  const int fds[kSources] = {socket_.fd(), tcp_.fd(), wake_fd_, timer_fd_};
  for (uint32_t n = 0; n < kSources; ++n) {
    epoll_event event{EPOLLIN, {.u32 = n}};
    if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fds[n], &event) != 0)
      throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
  repeat(timer_fd_, kTickUs);
  if (!threaded) return;
  thread_ = std::thread([this] {
    while (!stop_) turn(-1);
  });
  pthread_setname_np(thread_.native_handle(), ("plane-" + std::to_string(socket_.port())).c_str());
}

void Worker::close() {
  if (closed_) return;
  if (thread_.joinable()) {
    stop_ = true;
    signal(wake_fd_);
    thread_.join();
  }
  closed_ = true;
  socket_.close();
  for (int fd : {event_fd_, wake_fd_, timer_fd_, epoll_fd_}) ::close(fd);
}

// Without its loop a plane's rooms are deaf while all else looks well: better to begin again as a whole.
void Worker::die(const char* reason) const {
  std::string said(reason);
  for (char& c : said)
    if (c < ' ' || c == '"' || c == '\\') c = ' ';
  fprintf(stderr,
          "{\"event\": \"media_thread_died\", \"level\": \"critical\", \"port\": %u, \"reason\": \"%s\"}\n",
          socket_.port(), said.c_str());
  _exit(kFailed);  // no destructors: they would wait for this thread
}

void Worker::turn(int timeout_ms) {
  try {
    once(timeout_ms);
  } catch (const std::exception& e) {
    die(e.what());
  }
}

void Worker::once(int timeout_ms) {
  turns_.fetch_add(1, std::memory_order_relaxed);
  epoll_event events[kSources];
  const int count = epoll_wait(epoll_fd_, events, kSources, timeout_ms);
  bool ready[kSources] = {};
  for (int n = 0; n < count; ++n) ready[events[n].data.u32] = true;

  std::unique_lock lock(mutex_);
  if (waiting_ > 0) turn_.wait_for(lock, std::chrono::milliseconds(5), [this] { return waiting_ == 0; });
  int64_t now = now_us();
  if (ready[kWake]) clear(wake_fd_);
  if (ready[kSocket] && socket_.receive(batch_) > 0) {
    int64_t realtime_ns = clock_ns(CLOCK_REALTIME);
    for (auto& d : batch_) {
      if (!welcome(d.path.remote)) continue;
      int64_t age_us = d.received_ns ? (realtime_ns - d.received_ns) / 1000 : 0;
      core_.on_datagram(d.path, d.data, d.size, now - std::clamp<int64_t>(age_us, 0, 1000000), now);
    }
  }
  tcp_.serve(core_, ready[kTcp], now);
  if (ready[kTimer]) {
    clear(timer_fd_);
    core_.on_timer(now);
  }
  if (core_.idle() != was_idle_) {
    was_idle_ = !was_idle_;
    repeat(timer_fd_, was_idle_ ? kIdleTickUs : kTickUs);
  }
  flush();
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
