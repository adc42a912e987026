// What a TCP connection has still to send: bounded in octets and in age, because stale media is worthless.
#pragma once
#include <cstdint>
#include <memory>
#include <utility>

#include "bytes.h"

namespace plane {

// A ring of framed packets. New packets are refused, queued ones are never taken back: half a packet would
// break the stream.
class SendQueue {
 public:
  // False: refused. Media is refused when much is queued or the queue hardly moves; control (STUN, DTLS,
  // RTCP) has a reserve of its own beyond that.
  bool push(View packet, bool media, int64_t now_us) {
    const size_t framed = 2 + packet.size;
    if (size_ + framed > (media ? kMedia : kCapacity) || (media && waited_us(now_us) > kStaleUs))
      return false;
    if (!ring_) ring_.reset(new uint8_t[kCapacity]);
    uint8_t length[2];
    put16(length, static_cast<uint32_t>(packet.size));
    write({length, 2});
    write(packet);
    if (mark_left_ == 0) mark_left_ = size_, marked_us_ = now_us;
    return true;
  }

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }

  // The oldest octets, in two pieces where the ring ends.
  std::pair<View, View> front() const {
    if (size_ == 0) return {};
    const size_t first = std::min(size_, kCapacity - head_);
    return {{ring_.get() + head_, first}, {ring_.get(), size_ - first}};
  }
  void pop(size_t n) {
    size_ -= n;
    mark_left_ -= std::min(mark_left_, n);
    head_ = size_ == 0 ? 0 : (head_ + n) % kCapacity;  // an empty ring begins anew: fewer pages are touched
  }

  // How long the marked octet has waited. One octet at a time is marked; when it has gone, the next one
  // pushed.
  int64_t waited_us(int64_t now_us) const { return mark_left_ ? now_us - marked_us_ : 0; }

  static constexpr size_t kMedia = 256 * 1024;             // two large key frames
  static constexpr size_t kCapacity = kMedia + 32 * 1024;  // 10 s of reports and checks
  static constexpr int64_t kStaleUs = 500000;              // later than a conversation bears

 private:
  void write(View v) {
    const size_t at = (head_ + size_) % kCapacity;
    const size_t first = std::min(v.size, kCapacity - at);
    std::memcpy(ring_.get() + at, v.data, first);
    std::memcpy(ring_.get(), v.data + first, v.size - first);
    size_ += v.size;
  }

  std::unique_ptr<uint8_t[]> ring_;
  size_t head_ = 0, size_ = 0;
  size_t mark_left_ = 0;  // octets up to the marked one
  int64_t marked_us_ = 0;
};

}  // namespace plane
