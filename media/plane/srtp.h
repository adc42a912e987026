// libsrtp as pylibsrtp carries it: Python passes the functions' addresses and the sessions' pointers, so
// the plane needs neither headers nor a second copy of the library (docs/decisions/).
#pragma once
#include <cstdint>

namespace plane {

using SrtpFunction = int (*)(void* session, void* packet, int* length);

using SrtpForget = int (*)(void* session, uint32_t ssrc_in_network_order);

struct SrtpFunctions {
  SrtpFunction protect = nullptr, unprotect = nullptr, protect_rtcp = nullptr, unprotect_rtcp = nullptr;
  SrtpForget remove_stream = nullptr;
};

constexpr size_t kSrtpTrailer = 16 + 4 + 8;  // the longest tag of our profiles, the SRTCP index, and some

}  // namespace plane
