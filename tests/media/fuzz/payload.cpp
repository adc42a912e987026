// What is read of a video payload, and VP8's picture numbers as a subscriber's are written.
// Input: the codec, the shift of the picture id (two bytes) and of TL0PICIDX, a payload.
#include "media/plane/payload.h"

#include "fuzz.h"

using namespace plane;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  const auto codec = static_cast<VideoCodec>(in.byte() % 3);
  const uint16_t picture = in.word();
  const uint8_t tl0 = in.byte();
  const fuzz::Bytes payload = in.rest();
  const PayloadInfo info = read_payload(codec, fuzz::view(payload));
  CHECK(info.temporal < 4);
  CHECK(!info.keyframe_start || !payload.empty());
  if (codec != VideoCodec::vp8) {
    CHECK(info.picture_id_bits == 0 && info.tl0_at == 0);
    return 0;
  }
  fuzz::Bytes written = payload;
  shift_picture(written.data(), info, picture, tl0);
  const PayloadInfo again = read_payload(codec, fuzz::view(written));
  CHECK(again.keyframe_start == info.keyframe_start && again.temporal == info.temporal);
  CHECK(again.picture_id_bits == info.picture_id_bits && again.tl0_at == info.tl0_at);
  const unsigned mask = (1u << info.picture_id_bits) - 1;
  CHECK(again.picture_id == ((info.picture_id + picture) & mask));
  CHECK(again.tl0 == (info.tl0_at ? static_cast<uint8_t>(info.tl0 + tl0) : 0));
  for (size_t i = 0; i < payload.size(); ++i) {
    const bool numbers =
        (info.tl0_at && i == info.tl0_at) || (info.picture_id_bits && i >= info.picture_id_at &&
                                              i < info.picture_id_at + (info.picture_id_bits + 7u) / 8);
    CHECK(numbers || payload[i] == written[i]);
  }
  return 0;
}
