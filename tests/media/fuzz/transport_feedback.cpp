// Transport-wide feedback: what is valid names as many packets as it says, and what the relay writes reads
// back with the arrivals that it was told.
// Input: flags; a body to read, or arrivals to write (distance of numbers, distance in time).
#include "media/plane/transport_feedback.h"

#include <map>

#include "fuzz.h"
#include "media/plane/rtcp.h"
#include "media/plane/twcc.h"

using namespace plane;

namespace {

void read(const fuzz::Bytes& body) {
  const ReceivedFeedback feedback(fuzz::view(body));
  if (!feedback.valid()) return;
  CHECK(feedback.reference() < 1u << 24);
  size_t told = 0;
  auto seq = get16(body.data() + 8);
  feedback.each([&](uint16_t number, bool, int64_t) {
    ++told;
    CHECK(number == seq++);
  });
  CHECK(told == get16(body.data() + 10));
}

void write(fuzz::Input& in, bool backwards) {
  TransportFeedback feedback;
  std::map<uint16_t, int64_t> arrivals;  // the first of each number
  uint16_t seq = in.word();
  int64_t now_us = 1000000 + in.dword();
  while (!in.empty() && arrivals.size() < 900) {
    const uint8_t step = in.byte();
    seq = static_cast<uint16_t>(seq + (backwards && step > 250 ? -3 : 1 + step % 8));
    now_us += in.byte() * 100;
    feedback.on_packet(seq, now_us);
    arrivals.try_emplace(seq, now_us);
    if (step % 32 == 0) continue;
    if (step % 16 == 0) feedback.on_packet(seq, now_us + 50);  // twice
  }
  for (int messages = 0; !feedback.empty(); ++messages) {
    CHECK(messages < 1000);
    uint8_t out[1200];
    const size_t size = feedback.write(out, 1, 2);
    CHECK(size <= sizeof out && size % 4 == 0);
    if (size == 0) continue;
    rtcp::Packet packet;
    size_t at = 0;
    CHECK(rtcp::next({out, size}, at, packet) && at == size && packet.count == rtcp::kTransportCc);
    const ReceivedFeedback told(packet.body);
    CHECK(told.valid());
    told.each([&](uint16_t number, bool came, int64_t after_us) {
      auto known = arrivals.find(number);
      CHECK(!came || known != arrivals.end());
      if (!came || backwards) return;
      const int64_t off_us = told.reference() * ReceivedFeedback::kReferenceUs + after_us - known->second;
      CHECK(off_us >= -ReceivedFeedback::kDeltaUs && off_us <= ReceivedFeedback::kDeltaUs);
    });
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  const uint8_t flags = in.byte();
  if (flags & 1)
    write(in, flags & 2);
  else
    read(in.rest());
  return 0;
}
