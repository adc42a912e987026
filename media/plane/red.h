// Sound with older copies of itself before the newest one, so that a lost packet costs nothing (RED, RFC
// 2198). It is passed through to who takes it; everybody else gets the newest alone.
#pragma once
#include <optional>

#include "bytes.h"

namespace plane {

struct Red {
  uint8_t blocks = 0;    // 0: not RED
  uint16_t headers = 0;  // their size
  uint16_t primary = 0;  // offset of the newest block's bytes in the payload
  static constexpr size_t kBlocksMax = 8;
};

// Null for what is malformed, and for blocks of another payload type than `pt`: nobody agreed to those.
inline std::optional<Red> read_red(View payload, uint8_t pt) {
  Red red;
  size_t at = 0, older = 0;
  for (;;) {
    if (at >= payload.size || red.blocks == Red::kBlocksMax || (payload.data[at] & 0x7f) != pt)
      return std::nullopt;
    ++red.blocks;
    if (!(payload.data[at] & 0x80)) break;  // the last header is one byte
    if (at + 4 > payload.size) return std::nullopt;
    older += get16(payload.data + at + 2) & 0x3ff;
    at += 4;
  }
  if (at + 1 + older > payload.size) return std::nullopt;
  red.headers = static_cast<uint16_t>(at + 1);
  red.primary = static_cast<uint16_t>(at + 1 + older);
  return red;
}

// The blocks under a receiver's own payload type.
inline void write_red(uint8_t* payload, const Red& red, uint8_t pt) {
  for (size_t at = 0; at < red.headers; at += 4)
    payload[at] = static_cast<uint8_t>((payload[at] & 0x80) | pt);
}

}  // namespace plane
