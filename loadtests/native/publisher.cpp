#include "publisher.hpp"

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <stdexcept>

namespace loadtests {
namespace {

constexpr std::uint32_t kClock = 90000;
constexpr std::int64_t kSoundPeriod_ns = 20'000'000;  // Opus, as browsers send it
constexpr std::int64_t kSoundPhase_ns = 10'000'000;   // no packet of it is due together with a frame
constexpr std::uint32_t kSoundStep = 960;
constexpr std::int64_t kLate_ns = 5'000'000;
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
std::size_t write_header(std::uint8_t* at, const PublisherSettings& settings, const Line& line, bool marker,
                         std::uint16_t sequence, std::uint32_t timestamp, std::uint16_t transport_sequence) {
  at[0] = 0x90;
  at[1] = static_cast<std::uint8_t>(line.payload_type | (marker ? 0x80 : 0));
  write16(at + 2, sequence);
  write32(at + 4, timestamp);
  write32(at + 8, line.ssrc);
  write16(at + 12, 0xbede);
  std::size_t size = 16;
  at[size++] = static_cast<std::uint8_t>(settings.mid_extension << 4 | (line.mid.size() - 1));
  std::memcpy(at + size, line.mid.data(), line.mid.size());
  size += line.mid.size();
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
      video_{settings_.video, 1000, 90000, 0, {}, {}},
      audio_{settings_.audio, 2000, 48000, 0, {}, {}} {
  const auto fits = [](const std::string& mid) { return !mid.empty() && mid.size() <= 16; };
  if (settings_.frames.empty() || !fits(settings_.video.mid) || settings_.frames_per_second == 0)
    throw std::invalid_argument("a publisher needs frames, a rate and a mid");
  if (audio_.line.ssrc != 0 && (settings_.sounds.empty() || !fits(settings_.audio.mid)))
    throw std::invalid_argument("sound needs sizes and a mid");
  for (const std::uint32_t octets : settings_.sounds)
    if (octets > kMaxRtp - 64) throw std::invalid_argument("a packet of sound is too large");
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
  if (!on) return;
  video_.records.clear();
  audio_.records.clear();
}

std::vector<FrameRecord> Publisher::frames(bool audio) const {
  const std::lock_guard<std::mutex> hold(lock_);
  return (audio ? audio_ : video_).records;
}

Sent Publisher::sent(bool audio) const {
  const std::lock_guard<std::mutex> hold(lock_);
  return (audio ? audio_ : video_).sent;
}

void Publisher::run() {
  prctl(PR_SET_TIMERSLACK, 1UL);
  const std::int64_t now = monotonic_ns();
  const std::int64_t period = 1'000'000'000LL / settings_.frames_per_second;
  if (video_due_ns_ != 0) {  // time went on while nothing was sent
    video_.timestamp +=
        static_cast<std::uint32_t>((now - video_due_ns_) / period) * kClock / settings_.frames_per_second;
    audio_.timestamp += static_cast<std::uint32_t>((now - audio_due_ns_) / kSoundPeriod_ns) * kSoundStep;
  }
  video_due_ns_ = now;
  audio_due_ns_ = now + kSoundPhase_ns;
  while (!stop_ || frame_.next < frame_.count) {
    const bool within = frame_.next < frame_.count;
    const std::int64_t due = within ? next_packet_ns() : video_due_ns_;
    if (audio_.line.ssrc != 0 && audio_due_ns_ < due) {
      sleep_until(audio_due_ns_);
      send_sound(audio_due_ns_);
      audio_due_ns_ += kSoundPeriod_ns;
      continue;
    }
    sleep_until(due);
    if (!within) {
      begin_frame(due);
      video_due_ns_ += period;
    }
    send_frame_packet();
  }
}

void Publisher::begin_frame(std::int64_t due_ns) {
  PlannedFrame planned = settings_.frames[video_.next];
  video_.next = (video_.next + 1) % settings_.frames.size();
  if (!planned.key && key_wanted_ && due_ns - last_key_ns_ > kKeyFrameInterval_ns) {
    for (const PlannedFrame& other : settings_.frames)
      if (other.key) planned = other;
  }
  if (planned.key) {
    key_wanted_ = false;
    last_key_ns_ = due_ns;
  }
  const std::size_t count = (planned.octets + kMostPayload - 1) / kMostPayload;
  const std::size_t sent = std::min(std::max<std::size_t>(count, 1), kMaxPackets);
  frame_ = {planned.octets, planned.key, due_ns, sent, 0, {}, 0, 0, monotonic_ns() - due_ns > kLate_ns};
  frame_.record = {video_.timestamp, 0, 0, planned.key ? kKeyFrame : 0, now_ns(), 0};
}

std::int64_t Publisher::next_packet_ns() const {
  if (frame_.next == 0) return frame_.due_ns;
  const std::int64_t spread_ns = std::int64_t{spread_us_} * 1000;
  return frame_.due_ns +
         spread_ns * static_cast<std::int64_t>(frame_.next) / static_cast<std::int64_t>(frame_.count - 1);
}

void Publisher::send_frame_packet() {
  build_video(frame_.next++);
  const bool last = frame_.next == frame_.count;
  note(frame_, last);
  if (!last) return;
  keep(video_, frame_);
  ++picture_;
  video_.timestamp += kClock / settings_.frames_per_second;
}

void Publisher::send_sound(std::int64_t due_ns) {
  const std::uint32_t octets = settings_.sounds[audio_.next];
  audio_.next = (audio_.next + 1) % settings_.sounds.size();
  Frame sound{octets, false, due_ns, 1, 1, {audio_.timestamp, 0, 0, 0, now_ns(), 0}, 0, 0, false};
  sound.late = monotonic_ns() - due_ns > kLate_ns;
  std::uint8_t* at = packet_.data.data();
  const std::size_t size = write_header(at, settings_, audio_.line, false, audio_.sequence++,
                                        audio_.timestamp, transport_sequence_++);
  std::memcpy(at + size, pool_.data() + audio_.sequence * 131u % kPool, octets);
  packet_.size = static_cast<int>(size + octets);
  protect();
  note(sound, true);
  keep(audio_, sound);
  audio_.timestamp += kSoundStep;
}

void Publisher::build_video(std::size_t number) {
  std::uint8_t* at = packet_.data.data();
  std::size_t size = write_header(at, settings_, video_.line, number + 1 == frame_.count, video_.sequence++,
                                  video_.timestamp, transport_sequence_++);
  at[size] = number == 0 ? 0x90 : 0x80;
  at[size + 1] = 0x80;
  write16(at + size + 2, 0x8000u | (picture_ & 0x7fff));
  size += kDescriptor;
  const std::size_t larger = frame_.octets % frame_.count;  // they come last, as libwebrtc has them
  const std::size_t payload = frame_.octets / frame_.count + (number >= frame_.count - larger ? 1 : 0);
  std::memcpy(at + size, pool_.data() + (picture_ * 977u + number * 131u) % kPool, payload);
  if (number == 0) write_vp8_start(at + size, frame_.key);
  packet_.size = static_cast<int>(size + payload);
  protect();
}

void Publisher::protect() {
  if (protect_(reinterpret_cast<void*>(settings_.session), packet_.data.data(), &packet_.size) != 0)
    throw std::runtime_error("srtp_protect failed");
}

// Sends the packet, and writes into the frame's record what became of it.
void Publisher::note(Frame& frame, bool last) {
  const std::int64_t before = now_ns();
  const std::int64_t sent = send_packet(last && recording_);
  if (sent < 0) {
    ++frame.errors;
    return;
  }
  ++frame.record.packets;
  frame.record.octets += static_cast<std::uint32_t>(packet_.size);
  frame.record.last_ns = sent > 0 ? sent : before;
  if (last) {
    frame.record.flags |= kMarker;
    frame.stamp = sent;
  }
}

void Publisher::keep(Stream& stream, const Frame& frame) {
  const std::lock_guard<std::mutex> hold(lock_);
  Sent& sent = stream.sent;
  sent.packets += frame.record.packets;
  sent.octets += frame.octets;
  sent.key_frames += frame.key ? 1 : 0;
  sent.send_errors += frame.errors;
  sent.late += frame.late ? 1 : 0;
  sent.timestamp = stream.timestamp;
  sent.time_ns = frame.record.first_ns;
  if (!recording_) return;
  sent.unstamped += frame.stamp == 0 ? 1 : 0;
  stream.records.push_back(frame.record);
}

// Returns the kernel's transmit time where one was asked for, 0 without one, -1 when not sent.
std::int64_t Publisher::send_packet(bool stamped) {
  iovec piece{packet_.data.data(), static_cast<std::size_t>(packet_.size)};
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
