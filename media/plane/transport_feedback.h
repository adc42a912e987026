// Reads transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1) without
// copying it. `TransportFeedback` in twcc.h writes it.
#pragma once
#include <algorithm>

#include "bytes.h"

namespace plane {

class ReceivedFeedback {
 public:
  static constexpr int64_t kDeltaUs = 250, kReferenceUs = 64000;

  // `body` follows the 4-byte RTCP header. A message that is cut short or uses the reserved symbol is not
  // valid as a whole: its times cannot be trusted.
  explicit ReceivedFeedback(View body) : body_(body) {
    if (body.size < kHeader) return;
    size_t chunks = 0, deltas = 0;
    if (!each_run([&](unsigned symbol, size_t run) { deltas += symbol * run; }, chunks, reserved_)) return;
    deltas_ = kHeader + 2 * chunks;
    valid_ = !reserved_ && deltas_ + deltas <= body.size;
  }

  bool valid() const { return valid_; }
  uint32_t reference() const { return get24(body_.data + 12); }  // 24 bits, in units of 64 ms

  // Calls visit(sequence number, came, microseconds after the reference) for each, in their order.
  template <class F>
  void each(F&& visit) const {
    const uint8_t* p = body_.data + deltas_;
    uint16_t seq = get16(body_.data + 8);
    int64_t after_us = 0;
    size_t chunks = 0;
    bool reserved = false;
    each_run(
        [&](unsigned symbol, size_t run) {
          for (; run > 0; --run) {
            if (symbol == 1) after_us += *p * kDeltaUs;
            if (symbol == 2) after_us += static_cast<int16_t>(get16(p)) * kDeltaUs;
            p += symbol;
            visit(seq++, symbol != 0, after_us);
          }
        },
        chunks, reserved);
  }

 private:
  static constexpr size_t kHeader = 16;

  // A symbol is also the size of its delta: 0 lost, 1 small, 2 large or negative.
  template <class F>
  bool each_run(F&& take, size_t& chunks, bool& reserved) const {
    size_t left = get16(body_.data + 10);
    for (size_t at = kHeader; left > 0; at += 2, ++chunks) {
      if (at + 2 > body_.size) return false;
      unsigned chunk = get16(body_.data + at);
      auto one = [&](unsigned symbol, size_t run) {
        if (symbol == 3) reserved = true;
        run = std::min(run, left);
        take(symbol, run);
        left -= run;
      };
      if (chunk >> 15 == 0) {
        one(chunk >> 13 & 3, chunk & 0x1fff);
      } else if (chunk >> 14 & 1) {
        for (int k = 6; k >= 0 && left > 0; --k) one(chunk >> (2 * k) & 3, 1);
      } else {
        for (int k = 13; k >= 0 && left > 0; --k) one(chunk >> k & 1, 1);
      }
    }
    return true;
  }

  View body_;
  size_t deltas_ = 0;
  bool valid_ = false, reserved_ = false;
};

}  // namespace plane
