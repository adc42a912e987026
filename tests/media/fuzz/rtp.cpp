// RTP headers and their extensions: what is read lies inside the packet, and what is written for a subscriber
// fits its place and reads back the same.
// Input: flags, the ids of receiving and of sending (one byte per extension), a packet.
#include "media/plane/rtp.h"

#include "fuzz.h"

using namespace plane;

namespace {

constexpr size_t kRoom = 64;  // what a subscriber's copy may be longer than the packet (forward.cpp)

// Offers may name one id twice: receiving takes them as they come. Sending ids are the relay's own.
ExtIds read_ids(fuzz::Input& in, bool distinct, uint8_t most) {
  ExtIds ids{};
  for (size_t e = 0; e < kExts; ++e) {
    const uint8_t id = in.byte();
    bool taken = id > most;
    for (size_t before = 0; distinct && before < e; ++before) taken |= ids[before] == id;
    ids[e] = taken ? 0 : id;
  }
  return ids;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  const uint8_t flags = in.byte();
  const bool mixed = flags & 1, counted = flags & 2;
  const ExtIds receive = read_ids(in, false, 255), send = read_ids(in, true, mixed ? 255 : 14);
  const fuzz::Bytes packet = in.rest();
  if (packet.size() >= 12) is_rtcp(packet.data());
  const auto h = parse_rtp(fuzz::view(packet), receive);
  if (!h) return 0;
  CHECK(h->payload >= 12 && h->payload <= packet.size());
  for (const ExtAt& x : h->ext) CHECK(x.offset == 0 || (x.offset >= 16 && x.offset + x.size <= h->payload));

  fuzz::Bytes copy(packet.size() + kRoom);
  size_t stamp = 0;
  const size_t exts =
      write_exts(copy.data() + 12, packet.data(), *h, send, mixed, counted ? &stamp : nullptr);
  CHECK(exts % 4 == 0 && exts <= h->payload - 12u + kRoom);
  std::memcpy(copy.data(), packet.data(), 12);
  copy[0] = static_cast<uint8_t>(0x80 | (exts ? 0x10 : 0));
  copy.resize(12 + exts);
  const auto again = parse_rtp(fuzz::view(copy), send);
  if (copy.size() > kMaxDatagram) return 0;
  CHECK(again && again->payload == copy.size());
  for (size_t e = 0; e < kForwardedExts; ++e) {
    const ExtAt &from = h->ext[e], &to = again->ext[e];
    if (!to.offset) continue;
    CHECK(from.offset && from.size == to.size);
    CHECK(std::memcmp(packet.data() + from.offset, copy.data() + to.offset, to.size) == 0);
  }
  const ExtAt& number = again->ext[static_cast<size_t>(Ext::transport_cc)];
  const ExtAt& time = again->ext[static_cast<size_t>(Ext::abs_send_time)];
  CHECK(!number.offset || !time.offset);  // one of them
  CHECK(std::max(number.offset, time.offset) == (stamp ? stamp + 12 : 0));
  CHECK((!number.offset || number.size == 2) && (!time.offset || time.size == 3));
  return 0;
}
