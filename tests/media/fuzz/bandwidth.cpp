// The estimator against a receiver that tells whatever it likes: its rate stays within bounds, a probe is
// asked for one at a time and is never larger than three times that rate allows.
// Input: operations, each a byte and its arguments.
#include "media/plane/bandwidth.h"

#include "fuzz.h"

using namespace plane;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  BandwidthEstimator estimator;
  int64_t now_us = 1000000;
  int probe = 0;
  uint16_t next = 0;
  bool any = false;
  auto sent = [&](size_t bytes, int id) { next = estimator.on_sent(bytes, now_us, id), any = true; };
  while (!in.empty()) {
    const uint8_t operation = in.byte();
    switch (operation % 8) {
      case 0:  // a frame
        for (uint8_t n = in.byte() % 32; n > 0; --n) sent(200 + 8 * n, 0);
        break;
      case 1:
        sent(in.word(), probe);
        break;
      case 2: {  // honest feedback: the last packets came, one a delta
        const uint8_t count = in.byte(), delta = in.byte(), missing = in.byte();
        if (!any || count == 0) break;
        fuzz::Bytes body(16 + 2 + count);
        put16(&body[8], static_cast<uint32_t>(next - count + 1));
        put16(&body[10], count);
        put24(&body[12], static_cast<uint32_t>(now_us / 64000) & 0xffffff);
        put16(&body[16], 1u << 13 | count);
        for (size_t i = 18; i < body.size(); ++i) body[i] = delta;
        if (missing % 4 == 0) body.resize(16), body.insert(body.end(), {0, count});  // all lost
        estimator.on_feedback(fuzz::view(body), now_us);
        break;
      }
      case 3: {
        const fuzz::Bytes body = in.take(in.byte());
        estimator.on_feedback(fuzz::view(body), now_us);
        break;
      }
      case 4:
        now_us += in.word();
        if (auto asked = estimator.on_timer(now_us, uint64_t{in.byte()} << (operation >> 3))) {
          CHECK(asked->id >= 1 && asked->id <= 255);
          CHECK(asked->bytes <= 3 * RateControl::kMaxBps / 8);
          probe = asked->id;
        }
        break;
      default:
        estimator.on_rtt(static_cast<int64_t>(in.dword()) << (operation >> 4));
        break;
    }
    now_us += 500;
    CHECK(estimator.bps() >= RateControl::kMinBps && estimator.bps() <= RateControl::kMaxBps);
    CHECK(estimator.loss() >= 0 && estimator.loss() <= 1);
    CHECK(estimator.queue_delay_us() >= 0);
  }
  return 0;
}
