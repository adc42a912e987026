// SHA-1 (FIPS 180-4) and HMAC-SHA-1 (RFC 2104), which STUN's MESSAGE-INTEGRITY asks for. Ours, because a
// fresh machine has OpenSSL's library but not its headers; tests hold it against Python's hashlib.
#pragma once
#include <array>

#include "bytes.h"

namespace plane {

class Sha1 {
 public:
  using Digest = std::array<uint8_t, 20>;

  void update(const uint8_t* data, size_t size) {
    length_ += size;
    while (size > 0) {
      size_t n = std::min(size, sizeof block_ - used_);
      std::memcpy(block_ + used_, data, n);
      used_ += n, data += n, size -= n;
      if (used_ == sizeof block_) compress();
    }
  }

  Digest finish() {
    uint64_t bits = length_ * 8;
    const uint8_t one = 0x80, zero = 0;
    update(&one, 1);
    while (used_ != 56) update(&zero, 1);
    uint8_t tail[8];
    put32(tail, static_cast<uint32_t>(bits >> 32));
    put32(tail + 4, static_cast<uint32_t>(bits));
    update(tail, 8);
    Digest digest;
    for (int i = 0; i < 5; ++i) put32(digest.data() + 4 * i, h_[i]);
    return digest;
  }

 private:
  static uint32_t rol(uint32_t v, int n) { return v << n | v >> (32 - n); }

  void compress() {
    uint32_t w[80];
    for (int i = 0; i < 16; ++i) w[i] = get32(block_ + 4 * i);
    for (int i = 16; i < 80; ++i) w[i] = rol(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    uint32_t a = h_[0], b = h_[1], c = h_[2], d = h_[3], e = h_[4];
    for (int i = 0; i < 80; ++i) {
      uint32_t f = i < 20   ? ((b & c) | (~b & d)) + 0x5a827999
                   : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1
                   : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
                            : (b ^ c ^ d) + 0xca62c1d6;
      uint32_t t = rol(a, 5) + f + e + w[i];
      e = d, d = c, c = rol(b, 30), b = a, a = t;
    }
    h_[0] += a, h_[1] += b, h_[2] += c, h_[3] += d, h_[4] += e;
    used_ = 0;
  }

  uint32_t h_[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  uint8_t block_[64];
  size_t used_ = 0;
  uint64_t length_ = 0;
};

// HMAC over the concatenation of two pieces. Keys longer than a block are hashed first.
inline Sha1::Digest hmac_sha1(View key, View first, View second = {}) {
  uint8_t pad[64] = {};
  if (key.size > sizeof pad) {
    Sha1 k;
    k.update(key.data, key.size);
    auto d = k.finish();
    std::memcpy(pad, d.data(), d.size());
  } else if (key.size > 0) {
    std::memcpy(pad, key.data, key.size);
  }
  for (auto& b : pad) b ^= 0x36;
  Sha1 inner;
  inner.update(pad, sizeof pad);
  inner.update(first.data, first.size);
  inner.update(second.data, second.size);
  auto digest = inner.finish();
  for (auto& b : pad) b ^= 0x36 ^ 0x5c;
  Sha1 outer;
  outer.update(pad, sizeof pad);
  outer.update(digest.data(), digest.size());
  return outer.finish();
}

}  // namespace plane
