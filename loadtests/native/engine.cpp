#include "engine.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <system_error>

namespace loadtests {
namespace {

constexpr int kReceiveBuffer = 8 << 20;  // a second of 60 Mbit/s, far above one subscriber's stream
constexpr std::int64_t kFeedbackRound_ns = 5'000'000;  // how often it is looked who owes feedback
constexpr std::size_t kTrailer = 64;                   // more than SRTCP adds
constexpr std::uint32_t kReceiver = 1;                 // SSRC in reports of who sends nothing

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
  found = Peer{};
}

int Engine::socket(int peer) const {
  const std::lock_guard<std::mutex> hold(lock_);
  return at(peer).socket;
}

void Engine::secure(int peer, std::uintptr_t session, std::uintptr_t protect_rtcp) {
  const std::lock_guard<std::mutex> hold(lock_);
  at(peer).session = session;
  at(peer).protect_rtcp = reinterpret_cast<SrtpFunction>(protect_rtcp);
}

void Engine::send_rtcp(int peer, const char* data, std::size_t size) {
  const std::lock_guard<std::mutex> hold(lock_);
  Peer& from = at(peer);
  std::uint8_t packet[kDatagram + kTrailer];
  if (size > kDatagram || !from.protect_rtcp) throw std::invalid_argument("no RTCP session, or too large");
  std::memcpy(packet, data, size);
  int length = static_cast<int>(size);
  if (from.protect_rtcp(reinterpret_cast<void*>(from.session), packet, &length) != 0)
    throw std::runtime_error("srtp_protect_rtcp failed");
  (void)!::send(from.socket, packet, static_cast<std::size_t>(length), 0);
}

void Engine::feedback(int peer, int sequence_extension, unsigned interval_ms) {
  const std::lock_guard<std::mutex> hold(lock_);
  Peer& to = at(peer);
  to.sequence_extension = sequence_extension;
  to.interval_ns = std::int64_t{interval_ms} * 1'000'000;
  to.due_ns = now_ns() + to.interval_ns * (peer % 16) / 16;  // not all peers at once
  feeding_ = feeding_ || sequence_extension != 0;
}

void Engine::count(int peer, std::vector<std::pair<int, int>> kinds) {
  const std::lock_guard<std::mutex> hold(lock_);
  at(peer).kinds = std::move(kinds);
}

void Engine::record(bool on) {
  const std::lock_guard<std::mutex> hold(lock_);
  recording_ = on;
  for (auto& peer : peers_) {
    for (StreamCount& stream : peer->streams) {
      stream.recording = on;
      if (on) stream.frames.clear();
    }
  }
}

std::vector<FrameRecord> Engine::frames(int peer, std::uint32_t ssrc) const {
  const std::lock_guard<std::mutex> hold(lock_);
  for (const StreamCount& stream : at(peer).streams)
    if (stream.ssrc == ssrc) return stream.frames;
  return {};
}

std::vector<StreamCount> Engine::streams(int peer) const {
  const std::lock_guard<std::mutex> hold(lock_);
  std::vector<StreamCount> out;
  for (StreamCount& stream : at(peer).streams) {
    std::vector<FrameRecord> kept;
    kept.swap(stream.frames);
    out.push_back(stream);
    kept.swap(stream.frames);
  }
  return out;
}

PeerCounts Engine::counts(int peer) const {
  const std::lock_guard<std::mutex> hold(lock_);
  const Peer& found = at(peer);
  return {found.other_rtp, found.octets, found.feedback_sent};
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
    const int ready = epoll_wait(epoll_, events, 256, feeding_ ? 10 : 100);
    bool told = false;
    for (int i = 0; i < ready; ++i)
      if (events[i].events & EPOLLIN) told |= receive(static_cast<int>(events[i].data.u32));
    if (told) {
      const std::uint64_t one = 1;
      (void)!write(event_, &one, sizeof one);
    }
    if (feeding_) give_feedback();
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
  if (to.sequence_extension != 0) note_sequence(to, data, size, time_ns);
  for (const auto& [payload_type, clock] : to.kinds) {
    if (payload_type != header.payload_type) continue;
    auto found = std::find_if(to.streams.begin(), to.streams.end(),
                              [&](const StreamCount& s) { return s.ssrc == header.ssrc; });
    if (found == to.streams.end()) {
      if (to.streams.size() >= kStreams) break;
      found = to.streams.emplace(found);
      found->payload_type = payload_type;
      found->clock = clock;
      found->recording = recording_;
    }
    found->take(header, size, time_ns);
    return;
  }
  ++to.other_rtp;
}

// One-byte header extensions (RFC 8285) lie in the clear.
void Engine::note_sequence(Peer& to, const std::uint8_t* data, std::size_t size, std::int64_t time_ns) {
  std::size_t at = 12 + 4u * (data[0] & 15);
  if (!(data[0] & 0x10) || size < at + 4 || data[at] != 0xbe || data[at + 1] != 0xde) return;
  const std::size_t end = std::min(size, at + 4 + 4u * (std::size_t{data[at + 2]} << 8 | data[at + 3]));
  for (at += 4; at < end;) {
    if (data[at] == 0) {
      ++at;
      continue;
    }
    const std::size_t length = (data[at] & 15) + 1u;
    if (data[at] >> 4 == to.sequence_extension && length >= 2 && at + 2 < end) {
      to.arrivals.note(static_cast<std::uint16_t>(data[at + 1] << 8 | data[at + 2]), time_ns);
      return;
    }
    at += 1 + length;
  }
}

void Engine::give_feedback() {
  const std::int64_t now = now_ns();
  if (now - feedback_at_ns_ < kFeedbackRound_ns) return;
  feedback_at_ns_ = now;
  const std::lock_guard<std::mutex> hold(lock_);
  std::uint8_t packet[ArrivalLog::kRoom + kTrailer];
  for (auto& peer : peers_) {
    if (peer->sequence_extension == 0 || peer->socket < 0 || !peer->protect_rtcp) continue;
    if (now < peer->due_ns || peer->arrivals.empty()) continue;
    peer->due_ns = std::max(peer->due_ns + peer->interval_ns, now);
    const std::uint32_t media = peer->streams.empty() ? 0 : peer->streams.front().ssrc;
    int length = static_cast<int>(peer->arrivals.write(packet, kReceiver, media));
    if (peer->protect_rtcp(reinterpret_cast<void*>(peer->session), packet, &length) != 0) continue;
    if (::send(peer->socket, packet, static_cast<std::size_t>(length), 0) > 0) ++peer->feedback_sent;
  }
}

}  // namespace loadtests
