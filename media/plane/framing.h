// Packets on a byte stream (RFC 4571): each follows its length in two bytes.
#pragma once
#include <algorithm>

#include "bytes.h"
#include "rtp.h"

namespace plane {

// Finds the packets again, however the stream was cut.
class Deframer {
 public:
  // Calls f(data, size) for each packet that `data` completes; it may change the packet in place. False: a
  // length above kMaxDatagram, after which nothing can be told apart and the stream must end.
  template <class F>
  bool push(uint8_t* data, size_t size, F&& f) {
    for (size_t at = 0; at < size;) {
      if (have_ == 0 && size - at >= kPrefix) {
        const size_t length = get16(data + at);
        if (length <= kMaxDatagram && size - at >= kPrefix + length) {
          if (length > 0) f(data + at + kPrefix, length);  // the null packet says nothing
          at += kPrefix + length;
          continue;
        }
      }
      const size_t whole = have_ < kPrefix ? kPrefix : kPrefix + get16(partial_);
      const size_t n = std::min(whole - have_, size - at);
      std::memcpy(partial_ + have_, data + at, n);
      have_ += n, at += n;
      if (have_ < kPrefix) continue;
      const size_t length = get16(partial_);
      if (length > kMaxDatagram) return false;
      if (have_ < kPrefix + length) continue;
      have_ = 0;
      if (length > 0) f(partial_ + kPrefix, length);
    }
    return true;
  }

 private:
  static constexpr size_t kPrefix = 2;
  uint8_t partial_[kPrefix + kMaxDatagram];
  size_t have_ = 0;  // octets of a packet that is not whole yet, its prefix among them
};

}  // namespace plane
