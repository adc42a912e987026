#include "publisher.hpp"

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <stdexcept>

#include "engine.hpp"

namespace loadtests {
namespace {

constexpr std::uint32_t kClock = 90000;
constexpr std::size_t kDescriptor = 4;                        // VP8: X, I, 15-bit picture id
constexpr std::int64_t kKeyFrameInterval_ns = 1'000'000'000;  // answers to PLI, at most

std::int64_t monotonic_ns() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

void sleep_until(std::int64_t due_ns) {
  const timespec time{due_ns / 1'000'000'000, due_ns % 1'000'000'000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr) == EINTR) {
  }
}

void write16(std::uint8_t* at, std::uint32_t value) {
  at[0] = static_cast<std::uint8_t>(value >> 8);
  at[1] = static_cast<std::uint8_t>(value);
}

void write32(std::uint8_t* at, std::uint32_t value) {
  write16(at, value >> 16);
  write16(at + 2, value);
}

// Header with one-byte extensions (RFC 8285), padded to whole words. Returns its size.
std::size_t write_header(std::uint8_t* at, const PublisherSettings& settings, bool marker,
                         std::uint16_t sequence, std::uint32_t timestamp, std::uint16_t transport_sequence) {
  at[0] = 0x90;
  at[1] = static_cast<std::uint8_t>(settings.payload_type | (marker ? 0x80 : 0));
  write16(at + 2, sequence);
  write32(at + 4, timestamp);
  write32(at + 8, settings.ssrc);
  write16(at + 12, 0xbede);
  std::size_t size = 16;
  at[size++] = static_cast<std::uint8_t>(settings.mid_extension << 4 | (settings.mid.size() - 1));
  std::memcpy(at + size, settings.mid.data(), settings.mid.size());
  size += settings.mid.size();
  if (settings.sequence_extension != 0) {
    at[size++] = static_cast<std::uint8_t>(settings.sequence_extension << 4 | 1);
    write16(at + size, transport_sequence);
    size += 2;
  }
  while (size % 4 != 0) at[size++] = 0;
  write16(at + 14, static_cast<std::uint32_t>((size - 16) / 4));
  return size;
}

// RFC 7741 payload header; on a key frame with the start code and 1280 x 720 as a decoder reads it.
void write_vp8_start(std::uint8_t* at, bool key) {
  static const std::uint8_t kKeyStart[] = {0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02};
  static const std::uint8_t kDeltaStart[] = {0x11, 0x02, 0x00};
  if (key)
    std::memcpy(at, kKeyStart, sizeof kKeyStart);
  else
    std::memcpy(at, kDeltaStart, sizeof kDeltaStart);
}

}  // namespace

Publisher::Publisher(PublisherSettings settings)
    : settings_(std::move(settings)),
      protect_(reinterpret_cast<SrtpFunction>(settings_.protect)),
      pool_(kPool + kMaxRtp),
      packets_(kMaxPackets) {
  if (settings_.frames.empty() || settings_.mid.empty() || settings_.mid.size() > 16 ||
      settings_.frames_per_second == 0)
    throw std::invalid_argument("a publisher needs frames, a rate and a mid");
  std::uint32_t state = 1;
  for (auto& octet : pool_) octet = static_cast<std::uint8_t>((state = state * 1664525 + 1013904223) >> 24);
  const int flags = SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_TSONLY;
  setsockopt(settings_.socket, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags);
}

Publisher::~Publisher() { stop(); }

void Publisher::start() {
  if (!stop_.exchange(false)) return;
  thread_ = std::thread([this] { run(); });
}

void Publisher::stop() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

void Publisher::record(bool on) {
  const std::lock_guard<std::mutex> hold(lock_);
  recording_ = on;
  if (on) records_.clear();
}

std::vector<FrameRecord> Publisher::frames() const {
  const std::lock_guard<std::mutex> hold(lock_);
  return records_;
}

Sent Publisher::sent() const {
  const std::lock_guard<std::mutex> hold(lock_);
  return sent_;
}

void Publisher::run() {
  prctl(PR_SET_TIMERSLACK, 1UL);
  const std::int64_t period = 1'000'000'000LL / settings_.frames_per_second;
  std::int64_t due = monotonic_ns();
  if (stopped_ns_ != 0)  // time went on while nothing was sent
    timestamp_ +=
        static_cast<std::uint32_t>((due - stopped_ns_) / period) * kClock / settings_.frames_per_second;
  while (!stop_) {
    PlannedFrame frame = settings_.frames[next_];
    next_ = (next_ + 1) % settings_.frames.size();
    if (!frame.key && key_wanted_ && due - last_key_ns_ > kKeyFrameInterval_ns) {
      for (const PlannedFrame& planned : settings_.frames)
        if (planned.key) frame = planned;
    }
    if (frame.key) {
      key_wanted_ = false;
      last_key_ns_ = due;
    }
    sleep_until(due);
    send_frame(frame, due);
    timestamp_ += kClock / settings_.frames_per_second;
    due += period;
  }
  stopped_ns_ = due;
}

std::size_t Publisher::build(const PlannedFrame& frame) {
  const std::size_t header = 24;  // bound of write_header with a short mid
  const std::size_t room = kMaxRtp - header - kDescriptor;
  std::size_t count = (frame.octets + room - 1) / room;
  if (count > kMaxPackets) count = kMaxPackets;
  const std::size_t base = frame.octets / count;
  const std::size_t larger = frame.octets % count;
  for (std::size_t i = 0; i < count; ++i) {
    Packet& packet = packets_[i];
    std::uint8_t* at = packet.data.data();
    std::size_t size =
        write_header(at, settings_, i + 1 == count, sequence_++, timestamp_, transport_sequence_++);
    at[size] = i == 0 ? 0x90 : 0x80;
    at[size + 1] = 0x80;
    write16(at + size + 2, 0x8000u | (picture_ & 0x7fff));
    size += kDescriptor;
    const std::size_t payload = base + (i >= count - larger ? 1 : 0);  // smaller ones first
    std::memcpy(at + size, pool_.data() + (picture_ * 977u + i * 131u) % kPool, payload);
    if (i == 0) write_vp8_start(at + size, frame.key);
    packet.size = static_cast<int>(size + payload);
    if (protect_(reinterpret_cast<void*>(settings_.session), at, &packet.size) != 0)
      throw std::runtime_error("srtp_protect failed");
  }
  ++picture_;
  return count;
}

void Publisher::send_frame(const PlannedFrame& frame, std::int64_t due_ns) {
  const std::size_t count = build(frame);
  const std::int64_t spread_ns = std::int64_t{spread_us_} * 1000;
  const bool late = monotonic_ns() - due_ns > 5'000'000;
  FrameRecord record{timestamp_, 0, 0, frame.key ? kKeyFrame : 0, now_ns(), 0};
  std::int64_t errors = 0;
  std::int64_t stamp = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Packet& packet = packets_[i];
    if (spread_ns > 0 && i > 0)
      sleep_until(due_ns + spread_ns * static_cast<std::int64_t>(i) / static_cast<std::int64_t>(count - 1));
    const bool last = i + 1 == count;
    const std::int64_t before = now_ns();
    const std::int64_t sent = send_packet(packet, last);
    if (sent < 0) {
      ++errors;
      continue;
    }
    ++record.packets;
    record.octets += static_cast<std::uint32_t>(packet.size);
    record.last_ns = sent > 0 ? sent : before;
    if (last) {
      record.flags |= kMarker;
      stamp = sent;
    }
  }
  const std::lock_guard<std::mutex> hold(lock_);
  sent_.packets += record.packets;
  sent_.octets += frame.octets;
  sent_.key_frames += frame.key ? 1 : 0;
  sent_.send_errors += errors;
  sent_.unstamped += stamp == 0 ? 1 : 0;
  sent_.late_frames += late ? 1 : 0;
  sent_.timestamp = timestamp_;
  sent_.time_ns = record.first_ns;
  if (recording_) records_.push_back(record);
}

// Returns the kernel's transmit time where one was asked for, 0 without one, -1 when not sent.
std::int64_t Publisher::send_packet(const Packet& packet, bool stamped) {
  iovec piece{const_cast<std::uint8_t*>(packet.data.data()), static_cast<std::size_t>(packet.size)};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(std::uint32_t))] = {};
  if (stamped) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SO_TIMESTAMPING;
    head->cmsg_len = CMSG_LEN(sizeof(std::uint32_t));
    const std::uint32_t flags = SOF_TIMESTAMPING_TX_SOFTWARE;
    std::memcpy(CMSG_DATA(head), &flags, sizeof flags);
  }
  if (sendmsg(settings_.socket, &message, 0) < 0) return -1;
  if (!stamped) return 0;
  std::int64_t time_ns = 0;
  for (;;) {
    alignas(cmsghdr) char answer[512];
    msghdr report{};
    report.msg_control = answer;
    report.msg_controllen = sizeof answer;
    if (recvmsg(settings_.socket, &report, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return time_ns;
    for (cmsghdr* c = CMSG_FIRSTHDR(&report); c != nullptr; c = CMSG_NXTHDR(&report, c)) {
      if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPING) continue;
      scm_timestamping times;
      std::memcpy(&times, CMSG_DATA(c), sizeof times);
      time_ns = times.ts[0].tv_sec * 1'000'000'000LL + times.ts[0].tv_nsec;
    }
  }
}

}  // namespace loadtests
