// What the relay reads of a video payload: where a key frame begins, and VP8's picture numbers, which must go
// on without a gap when the layer changes. Nothing else of the payload is looked at.
#pragma once
#include "bytes.h"

namespace plane {

enum class VideoCodec : uint8_t { other, vp8, h264 };

struct PayloadInfo {
  bool frame_start = false;     // the first packet of a frame, as far as the payload tells
  bool keyframe_start = false;  // the first packet of a key frame
  uint8_t temporal = 0;         // VP8's TID; 0 where it has none
  // VP8 (RFC 7741 section 4.2): offsets from the payload's start, 0 for absent
  uint8_t picture_id_at = 0, picture_id_bits = 0, tl0_at = 0;
  uint16_t picture_id = 0;
  uint8_t tl0 = 0;
};

inline PayloadInfo read_vp8(View p) {
  PayloadInfo info;
  if (p.size < 1) return info;
  const bool start = (p.data[0] & 0x10) && (p.data[0] & 0x07) == 0;
  info.frame_start = start;
  size_t at = 1;
  if (p.data[0] & 0x80) {
    if (p.size < 2) return info;
    const uint8_t x = p.data[1];
    at = 2;
    if (x & 0x80) {
      if (at >= p.size) return info;
      const bool wide = p.data[at] & 0x80;
      if (wide && at + 1 >= p.size) return info;
      info.picture_id_at = static_cast<uint8_t>(at);
      info.picture_id_bits = wide ? 15 : 7;
      info.picture_id = static_cast<uint16_t>(wide ? get16(p.data + at) & 0x7fff : p.data[at]);
      at += wide ? 2 : 1;
    }
    if (x & 0x40) {
      if (at >= p.size) return info;
      info.tl0_at = static_cast<uint8_t>(at);
      info.tl0 = p.data[at++];
    }
    if (x & 0x30) {
      if (at >= p.size) return info;
      if (x & 0x20) info.temporal = p.data[at] >> 6;
      ++at;
    }
  }
  info.keyframe_start = start && at < p.size && (p.data[at] & 0x01) == 0;
  return info;
}

inline PayloadInfo read_h264(View p) {  // RFC 6184: an SPS leads every key frame that a decoder can start at
  PayloadInfo info;
  if (p.size < 1) return info;
  const uint8_t type = p.data[0] & 0x1f;
  if (type == 7) {
    info.keyframe_start = true;
  } else if (type == 24) {  // STAP-A
    for (size_t at = 1; at + 3 <= p.size; at += 2u + get16(p.data + at))
      if ((p.data[at + 2] & 0x1f) == 7) info.keyframe_start = true;
  }
  return info;
}

inline PayloadInfo read_payload(VideoCodec codec, View p) {
  if (codec == VideoCodec::vp8) return read_vp8(p);
  if (codec == VideoCodec::h264) return read_h264(p);
  return {};
}

// Adds to VP8's picture numbers in a written packet, each within its width.
inline void shift_picture(uint8_t* payload, const PayloadInfo& info, uint16_t picture, uint8_t tl0) {
  if (info.picture_id_bits == 15)
    put16(payload + info.picture_id_at, 0x8000u | ((info.picture_id + picture) & 0x7fffu));
  else if (info.picture_id_bits == 7)
    payload[info.picture_id_at] = static_cast<uint8_t>((info.picture_id + picture) & 0x7f);
  if (info.tl0_at) payload[info.tl0_at] = static_cast<uint8_t>(info.tl0 + tl0);
}

}  // namespace plane
