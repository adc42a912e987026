// RTCP compounds as received, and that what the relay writes reads back the same.
#include "media/plane/rtcp.h"

#include <algorithm>

#include "fuzz.h"

using namespace plane;

namespace {

void read_compound(const fuzz::Bytes& compound) {
  rtcp::Packet packet;
  size_t at = 0, before = 0, packets = 0;
  for (; rtcp::next(fuzz::view(compound), at, packet); before = at, ++packets) {
    CHECK(at > before && at <= compound.size());
    CHECK(packet.body.data >= compound.data() + before + 4);
    CHECK(packet.body.data + packet.body.size <= compound.data() + at);
    const fuzz::Bytes body = fuzz::exact(packet.body);
    size_t lost = 0;
    if (body.size() >= 8) rtcp::each_nack(fuzz::view(body), [&](uint16_t) { ++lost; });
    CHECK(lost <= body.size() / 4 * 17);
    if (rtcp::Remb remb; rtcp::read_remb(fuzz::view(body), remb)) {
      CHECK(remb.bps <= uint64_t{1} << 63 && remb.count <= 255);
      uint32_t all = 0;
      for (size_t n = 0; n < remb.count; ++n) all |= remb.ssrc(n);  // inside the body
      CHECK(body.size() >= 16 + 4 * remb.count && (remb.count > 0 || all == 0));
    }
    for (size_t block = 0; block + 24 <= body.size(); block += 24) {
      const auto read = rtcp::read_report_block(body.data() + block);
      CHECK(read.lost >= -0x800000 && read.lost <= 0x7fffff);
      uint8_t out[1200];
      rtcp::write_receiver_report(out, 1, &read, 1);
      CHECK(std::memcmp(out + 8, body.data() + block, 24) == 0);
    }
  }
  CHECK(packets <= compound.size() / 4);
}

// The first packet of what a writer wrote, which must be whole.
rtcp::Packet only(const uint8_t* out, size_t size) {
  CHECK(size <= 1200 && size % 4 == 0);
  rtcp::Packet packet;
  size_t at = 0;
  CHECK(rtcp::next({out, size}, at, packet));
  return packet;
}

void write_and_read(fuzz::Input& in) {
  fuzz::Bytes out(1200);
  std::vector<uint16_t> wanted;
  const uint16_t first = in.word();  // the line may wrap within them
  for (uint16_t ahead = 0; wanted.size() < 256 && !in.empty();
       wanted.push_back(static_cast<uint16_t>(first + ahead)))
    ahead = static_cast<uint16_t>(ahead + 1 + in.byte() % 64);
  if (wanted.empty()) return;
  const auto nack = only(out.data(), rtcp::write_nack(out.data(), 1, 2, wanted));
  CHECK(nack.type == rtcp::kTransportFeedback && nack.count == rtcp::kNack);
  std::vector<uint16_t> read;
  rtcp::each_nack(nack.body, [&](uint16_t seq) { read.push_back(seq); });
  CHECK(read == wanted);

  const std::vector<uint32_t> media(wanted.begin(), wanted.end());
  const uint64_t bps = uint64_t{first} << (first % 40);
  const auto remb = only(out.data(), rtcp::write_remb(out.data(), 1, bps, media));
  CHECK(remb.body.size == 16 + 4 * std::min<size_t>(media.size(), 31));
  rtcp::Remb said;
  CHECK(rtcp::read_remb(remb.body, said) && said.bps == bps &&
        said.count == std::min<size_t>(media.size(), 31));
  for (size_t n = 0; n < said.count; ++n) CHECK(said.ssrc(n) == media[n]);
  const std::string_view name(reinterpret_cast<const char*>(media.data()), media.size() * 4);
  const size_t report = rtcp::write_sender_report(out.data(), 1, first, 2, 3, 4, name);
  only(out.data(), report);
  size_t at = 0, packets = 0;
  for (rtcp::Packet p; rtcp::next({out.data(), report}, at, p);) ++packets;
  CHECK(packets == 2 && at == report);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  read_compound(fuzz::exact({data, size}));
  fuzz::Input in(data, size);
  write_and_read(in);
  return 0;
}
