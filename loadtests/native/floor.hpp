// The floor: what sending alone costs, with nothing of a relay around it.
#pragma once

#include <cstdint>
#include <vector>

#include "publisher.hpp"

namespace loadtests {

struct FloorSettings {
  std::vector<std::uint16_t> ports;      // loopback sinks
  std::vector<std::uintptr_t> sessions;  // one libsrtp session for each
  std::uintptr_t protect;
  unsigned packets_per_frame;
  unsigned octets;  // of an RTP packet before protection
  unsigned frames;
  unsigned frames_per_second;
  bool segmentation;  // UDP_SEGMENT: a frame is one message to each sink
};

struct FloorResult {
  std::int64_t packets;
  double cpu_s;  // of the sending thread, encryption included
};

FloorResult floor(const FloorSettings& settings);

}  // namespace loadtests
