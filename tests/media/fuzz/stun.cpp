// STUN as it arrives, against the password "password".
// Input: flags, the mapped port, a datagram.
#include "media/plane/stun.h"

#include "fuzz.h"

using namespace plane;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  const uint8_t flags = in.byte();
  Address mapped;
  mapped.port = in.word();
  if (flags & 1) mapped.ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, flags};
  const fuzz::Bytes datagram = in.rest();
  const auto request = parse_binding_request(fuzz::view(datagram));
  if (!request) return 0;
  const uint8_t *begin = datagram.data(), *end = begin + datagram.size();
  CHECK(request->transaction >= begin && request->transaction + 12 <= end);
  CHECK(request->integrity_offset >= 20 && request->integrity_offset + 24 <= datagram.size());
  CHECK(!request->local_ufrag.empty());
  const auto* ufrag = reinterpret_cast<const uint8_t*>(request->local_ufrag.data());
  CHECK(ufrag >= begin && ufrag + request->local_ufrag.size() <= begin + request->integrity_offset);
  authentic(fuzz::view(datagram), *request, "password");

  fuzz::Bytes answer(96);
  const size_t written = write_binding_response(answer.data(), *request, mapped, "password");
  CHECK(written <= answer.size() && get16(&answer[2]) == written - 20);
  // Its integrity holds, over what precedes it.
  const size_t integrity = written - 8 - 24;
  const auto digest = integrity_of({answer.data(), integrity}, "password");
  CHECK(std::memcmp(&answer[integrity + 4], digest.data(), digest.size()) == 0);
  CHECK(!parse_binding_request({answer.data(), written}));  // an answer is no request
  return 0;
}
