// Feeds the core with mutated STUN, DTLS, RTP and RTCP under address and undefined-behaviour sanitizers, with
// an SRTP that lets everything through, so that what a keyed but hostile peer may send is covered too.
// Arguments: seed, number of datagrams. A crash names the seed; the same seed crashes again.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "../../../media/plane/core.h"

namespace {

using Bytes = std::vector<uint8_t>;
constexpr int kTag = 16;

int open_protect(void*, void* packet, int* length) {
  std::memset(static_cast<uint8_t*>(packet) + *length, 0xaa, kTag);
  *length += kTag;
  return 0;
}
int open_unprotect(void*, void*, int* length) {
  if (*length < kTag) return 1;
  *length -= kTag;
  return 0;
}

struct Random {
  uint64_t state;
  uint32_t next() {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return static_cast<uint32_t>(state >> 16);
  }
  uint32_t below(size_t n) { return n ? static_cast<uint32_t>(next() % n) : 0; }
};

struct Sink : plane::Output, plane::Events {
  Bytes room;
  uint64_t messages = 0, octets = 0, dtls_datagrams = 0;
  int64_t written_us() const override { return 0; }
  uint8_t* reserve(size_t size) override {
    room.assign(size, 0);
    room.shrink_to_fit();  // exact, so that a write past the reservation is seen
    return room.data();
  }
  void commit(const plane::Path&, size_t size, size_t, uint8_t) override {
    if (size > room.size()) std::abort();
    ++messages, octets += size;
  }
  void dtls(uint32_t, plane::View) override { ++dtls_datagrams; }
};

Bytes rtp(Random& r, uint16_t seq, uint32_t ssrc, uint8_t pt) {
  Bytes b(12);
  b[0] = static_cast<uint8_t>(0x80 | (r.below(4) ? 0x10 : 0) | (r.below(16) ? 0 : 0x20));
  b[1] = static_cast<uint8_t>(pt | (r.below(4) ? 0 : 0x80));
  plane::put16(&b[2], seq);
  plane::put32(&b[4], seq / 5 * 3000u);
  plane::put32(&b[8], ssrc);
  if (b[0] & 0x10) {
    const bool two = r.below(3) == 0;
    Bytes body;
    for (uint32_t n = r.below(5); n > 0; --n) {
      uint32_t size = two ? r.below(30) : 1 + r.below(16);
      uint8_t id = static_cast<uint8_t>(1 + r.below(14));
      if (two)
        body.push_back(id), body.push_back(static_cast<uint8_t>(size));
      else
        body.push_back(static_cast<uint8_t>(id << 4 | (size - 1)));
      for (uint32_t i = 0; i < size; ++i) body.push_back(static_cast<uint8_t>(r.next()));
    }
    while (body.size() % 4) body.push_back(0);
    uint8_t head[4];
    plane::put16(head, two ? 0x1000 : 0xbede);
    plane::put16(head + 2, static_cast<uint32_t>(body.size() / 4));
    b.insert(b.end(), head, head + 4);
    b.insert(b.end(), body.begin(), body.end());
  }
  b.resize(b.size() + r.below(1300), static_cast<uint8_t>(r.next()));
  b.resize(b.size() + kTag);
  return b;
}

Bytes rtcp(Random& r) {
  static constexpr uint8_t types[] = {200, 201, 202, 203, 205, 206, 207};
  Bytes b;
  for (uint32_t n = 1 + r.below(3); n > 0; --n) {
    size_t words = 1 + r.below(20);
    size_t at = b.size();
    b.resize(at + 4 + 4 * words);
    b[at] = static_cast<uint8_t>(0x80 | r.below(32) | (r.below(8) ? 0 : 0x20));
    b[at + 1] = types[r.below(sizeof types)];
    plane::put16(&b[at + 2], static_cast<uint32_t>(words));
    for (size_t i = at + 4; i < b.size(); ++i) b[i] = static_cast<uint8_t>(r.next());
    static constexpr uint32_t ssrcs[] = {1111, 2222, 7777, 8888};
    for (size_t i = at + 4; i + 4 <= b.size(); i += 4)
      if (r.below(3) == 0) plane::put32(&b[i], ssrcs[r.below(4)]);
  }
  b.resize(b.size() + kTag);
  return b;
}

Bytes stun(Random& r, uint32_t endpoint) {
  Bytes b(20);
  plane::put16(&b[0], 1);
  plane::put32(&b[4], 0x2112a442);
  std::string user = "ufrag" + std::to_string(endpoint) + ":x";
  uint8_t head[4];
  plane::put16(head, 6);
  plane::put16(head + 2, static_cast<uint32_t>(user.size()));
  b.insert(b.end(), head, head + 4);
  b.insert(b.end(), user.begin(), user.end());
  while (b.size() % 4) b.push_back(0);
  plane::put16(head, 8);
  plane::put16(head + 2, 20);
  b.insert(b.end(), head, head + 4);
  for (int i = 0; i < 20; ++i) b.push_back(static_cast<uint8_t>(r.next()));
  plane::put16(&b[2], static_cast<uint32_t>(b.size() - 20));
  return b;
}

void mutate(Random& r, Bytes& b) {
  if (r.below(3) == 0) return;
  for (uint32_t n = 1 + r.below(4); n > 0 && !b.empty(); --n) {
    switch (r.below(5)) {
      case 0:
        b[r.below(b.size())] = static_cast<uint8_t>(r.next());
        break;
      case 1:
        b[r.below(b.size())] ^= static_cast<uint8_t>(1 << r.below(8));
        break;
      case 2:
        b.resize(r.below(b.size() + 1));
        break;
      case 3:
        b.insert(b.begin() + r.below(b.size()), static_cast<uint8_t>(r.next()));
        break;
      default:
        b[r.below(std::min<size_t>(b.size(), 24))] = r.below(2) ? 0xff : 0;
        break;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  Random r{std::strtoull(argv[1], nullptr, 10) * 0x9e3779b97f4a7c15ULL + 1};
  const long count = std::strtol(argv[2], nullptr, 10);
  plane::SrtpFunctions srtp{open_protect, open_unprotect, open_protect, open_unprotect};
  Sink sink;
  plane::Core core(srtp, sink, sink);
  int64_t now_us = 0;
  uint16_t seq = 65000;
  plane::ExtIds ids{};
  for (size_t i = 0; i < plane::kExts; ++i) ids[i] = static_cast<uint8_t>(i + 1);

  auto address = [](uint32_t endpoint) {
    plane::Path p;
    p.remote.port = static_cast<uint16_t>(endpoint);
    return p;
  };
  auto open = [&](uint32_t id) {
    core.add_endpoint(id, "ufrag" + std::to_string(id), "password");
    core.set_srtp(id, &sink, &sink);
  };
  auto validate = [&](uint32_t id) {  // a check with the right integrity
    Bytes b = stun(r, id);
    auto request = plane::parse_binding_request({b.data(), b.size()});
    uint8_t answer[128];
    plane::write_binding_response(answer, *request, {}, "password");  // exercised for its own sake
    Bytes head(b.begin(), b.begin() + static_cast<std::ptrdiff_t>(request->integrity_offset));
    auto digest = plane::integrity_of({head.data(), head.size()}, "password");
    std::memcpy(&b[request->integrity_offset + 4], digest.data(), 20);
    core.on_datagram(address(id), b.data(), b.size(), now_us, now_us);
  };
  auto build = [&] {
    for (uint32_t id : {1u, 2u, 3u}) open(id), validate(id);
    core.set_receive(1, ids, true, true, r.below(2));
    core.set_send(2, ids, true);
    ids[2] = 0, ids[7] = 14;
    core.set_send(3, ids, false);
    core.add_track(10, 1,
                   {true,
                    plane::VideoCodec::vp8,
                    "1",
                    "cname",
                    90000,
                    96,
                    97,
                    true,
                    true,
                    true,
                    {{"l", 1112, 2223}, {"h", 1111, 2222}}});
    core.add_track(
        11, 1, {false, plane::VideoCodec::other, "0", "cname", 48000, 111, 0xff, true, false, false, {{}}});
    core.add_subscription(20, 10, 2, {7777, 8888, 96, 97, 0});
    core.add_subscription(21, 10, 3, {7777, 8888, 102, 0xff, 0});
    core.add_subscription(22, 11, 2, {9999, 0, 111, 0xff, 0});
  };
  build();
  for (long n = 0; n < count; ++n) {
    now_us += r.below(4000);
    uint32_t endpoint = 1 + r.below(3);
    Bytes b;
    switch (r.below(8)) {
      case 0:
        b = stun(r, endpoint);
        break;
      case 1:
      case 2:
        b = rtcp(r);
        break;
      case 3:
        b.resize(13 + r.below(60), static_cast<uint8_t>(20 + r.below(44)));
        break;
      case 4:
        b = rtp(r, static_cast<uint16_t>(r.next()), r.below(2) ? 2222 : r.next(), 97);
        break;
      default:
        endpoint = 1;
        b = rtp(r, static_cast<uint16_t>(seq++ + (r.below(20) ? 0 : r.below(4000))),
                r.below(4) ? 1111 + r.below(2) : r.next(), r.below(4) ? 96 : 111);
    }
    mutate(r, b);
    b.shrink_to_fit();
    core.on_datagram(address(endpoint), b.data(), b.size(), now_us, now_us);
    if (r.below(10) == 0) core.on_timer(now_us);
    if (r.below(2000) == 0) {
      for (uint32_t id : {1u, 2u, 3u}) core.remove_endpoint(id);
      ids.fill(3);
      for (size_t i = 0; i < plane::kExts; ++i) ids[i] = static_cast<uint8_t>(i + 1);
      build();
    }
    if (r.below(500) == 0) core.pause(20, r.below(2));
    if (r.below(100) == 0)
      core.prefer(20 + r.below(2), static_cast<int>(r.below(3)), static_cast<uint8_t>(r.below(4)));
  }
  const auto& c = core.counters();
  std::printf("%ld datagrams, %lu malformed, %lu unknown, %lu forwarded, %lu messages\n", count,
              static_cast<unsigned long>(c.malformed), static_cast<unsigned long>(c.unknown),
              static_cast<unsigned long>(c.forwarded), static_cast<unsigned long>(sink.messages));
  return c.forwarded > 0 && sink.dtls_datagrams > 0 ? 0 : 3;
}
