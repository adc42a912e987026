// An IPv6 address (IPv4 as ::ffff:a.b.c.d), a port and the way there: the key by which datagrams find their
// transport.
#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <functional>

namespace plane {

using Ip = std::array<uint8_t, 16>;

struct Address {
  Ip ip{};
  uint16_t port = 0;
  uint32_t connection = 0;  // 0: UDP; else the number of a TCP connection, never given twice
  bool operator==(const Address&) const = default;
  bool is_v4() const {
    static constexpr uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return std::memcmp(ip.data(), prefix, 12) == 0;
  }
};

// Where datagrams come from and which of our own addresses they were sent to: answers go out from there.
struct Path {
  Address remote;
  Ip local{};
};

struct AddressHash {
  size_t operator()(const Address& a) const {
    uint64_t high, low;
    std::memcpy(&high, a.ip.data(), 8);
    std::memcpy(&low, a.ip.data() + 8, 8);
    uint64_t h = (high ^ (low * 0x9e3779b97f4a7c15ULL)) + a.port + (uint64_t{a.connection} << 16);
    h ^= h >> 29;
    h *= 0xbf58476d1ce4e5b9ULL;
    return h ^ (h >> 32);
  }
};

}  // namespace plane
