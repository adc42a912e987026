#include "stun.h"

#include "sha1.h"

namespace plane {
namespace {

constexpr uint32_t kCookie = 0x2112a442;
constexpr uint16_t kBindingRequest = 0x0001, kBindingSuccess = 0x0101;
constexpr uint16_t kUsername = 0x0006, kMessageIntegrity = 0x0008, kXorMappedAddress = 0x0020,
                   kUseCandidate = 0x0025, kFingerprint = 0x8028;
constexpr size_t kHeader = 20, kIntegritySize = 24, kFingerprintSize = 8;

uint32_t crc32(View v) {
  uint32_t crc = ~0u;
  for (size_t i = 0; i < v.size; ++i) {
    crc ^= v.data[i];
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (0xedb88320 & (0 - (crc & 1)));
  }
  return ~crc;
}

}  // namespace

Sha1::Digest integrity_of(View message_before, std::string_view password) {
  uint8_t header[kHeader];
  std::memcpy(header, message_before.data, kHeader);
  put16(header + 2, static_cast<uint32_t>(message_before.size - kHeader + kIntegritySize));
  return hmac_sha1({reinterpret_cast<const uint8_t*>(password.data()), password.size()}, {header, kHeader},
                   {message_before.data + kHeader, message_before.size - kHeader});
}

std::optional<BindingRequest> parse_binding_request(View d) {
  if (d.size < kHeader || get16(d.data) != kBindingRequest || get32(d.data + 4) != kCookie ||
      get16(d.data + 2) != d.size - kHeader || d.size % 4 != 0)
    return std::nullopt;
  BindingRequest request;
  request.transaction = d.data + 8;
  for (size_t at = kHeader; at + 4 <= d.size;) {
    uint16_t type = get16(d.data + at);
    size_t size = get16(d.data + at + 2);
    if (at + 4 + size > d.size) return std::nullopt;
    const uint8_t* value = d.data + at + 4;
    if (type == kMessageIntegrity) {
      if (size != 20) return std::nullopt;
      request.integrity_offset = at;
      break;  // what follows is not covered by it, and only FINGERPRINT may
    }
    if (type == kUsername) {
      std::string_view username(reinterpret_cast<const char*>(value), size);
      request.local_ufrag = username.substr(0, username.find(':'));
    } else if (type == kUseCandidate) {
      request.use_candidate = true;
    }
    at += 4 + (size + 3) / 4 * 4;
  }
  if (request.integrity_offset == 0 || request.local_ufrag.empty()) return std::nullopt;
  return request;
}

bool authentic(View d, const BindingRequest& request, std::string_view password) {
  auto expected = integrity_of({d.data, request.integrity_offset}, password);
  const uint8_t* given = d.data + request.integrity_offset + 4;
  uint8_t difference = 0;  // in constant time
  for (size_t i = 0; i < expected.size(); ++i) difference |= expected[i] ^ given[i];
  return difference == 0;
}

size_t write_binding_response(uint8_t* out, const BindingRequest& request, const Address& mapped,
                              std::string_view password) {
  put16(out, kBindingSuccess);
  put32(out + 4, kCookie);
  std::memcpy(out + 8, request.transaction, 12);

  uint8_t* p = out + kHeader;
  size_t ip_size = mapped.is_v4() ? 4 : 16;
  put16(p, kXorMappedAddress);
  put16(p + 2, static_cast<uint32_t>(4 + ip_size));
  p[4] = 0;
  p[5] = mapped.is_v4() ? 1 : 2;
  put16(p + 6, mapped.port ^ (kCookie >> 16));
  for (size_t i = 0; i < ip_size; ++i)  // the key is the cookie followed by the transaction id
    p[8 + i] = mapped.ip[16 - ip_size + i] ^ out[4 + i];
  p += 8 + ip_size;

  auto digest = integrity_of({out, static_cast<size_t>(p - out)}, password);
  put16(p, kMessageIntegrity);
  put16(p + 2, 20);
  std::memcpy(p + 4, digest.data(), 20);
  p += kIntegritySize;

  size_t size = static_cast<size_t>(p - out) + kFingerprintSize;
  put16(out + 2, static_cast<uint32_t>(size - kHeader));
  put16(p, kFingerprint);
  put16(p + 2, 4);
  put32(p + 4, crc32({out, static_cast<size_t>(p - out)}) ^ 0x5354554e);
  return size;
}

}  // namespace plane
