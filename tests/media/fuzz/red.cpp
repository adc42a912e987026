// Where the newest block of RED begins, and its blocks under a receiver's payload type.
// Input: the publisher's payload type, the receiver's, a payload.
#include "media/plane/red.h"

#include "fuzz.h"

using namespace plane;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  const uint8_t pt = in.byte() & 0x7f, other = in.byte() & 0x7f;
  const fuzz::Bytes payload = in.rest();
  const auto red = read_red(fuzz::view(payload), pt);
  if (!red) return 0;
  CHECK(red->blocks > 0 && red->headers == 4 * red->blocks - 3 && red->primary >= red->headers);
  CHECK(red->primary <= payload.size());
  fuzz::Bytes written = payload;
  write_red(written.data(), *red, other);
  const auto again = read_red(fuzz::view(written), other);
  CHECK(again && again->blocks == red->blocks && again->primary == red->primary);
  for (size_t i = 0; i < payload.size(); ++i)
    CHECK(payload[i] == written[i] || (i < red->headers && i % 4 == 0));
  return 0;
}
