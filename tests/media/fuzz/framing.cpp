// Packets on a TCP stream: whatever is queued comes out again whole and in order, however the stream is cut;
// a stream of anything gives packets within bounds.
// Input: the mode; raw: cuts and octets; else packets to queue and reads of the other side.
#include "media/plane/framing.h"

#include <deque>

#include "fuzz.h"
#include "media/plane/send_queue.h"

using namespace plane;

namespace {

void read_anything(fuzz::Input& in) {
  Deframer cut, whole;
  std::vector<fuzz::Bytes> one, other;
  auto into = [](std::vector<fuzz::Bytes>& list) {
    return [&list](uint8_t* data, size_t size) {
      CHECK(size > 0 && size <= kMaxDatagram);
      list.push_back(fuzz::exact({data, size}));
      data[0] ^= 0xff, data[size - 1] ^= 0xff;  // as unprotecting does
    };
  };
  const uint8_t cuts = in.byte();
  fuzz::Bytes stream = in.rest(), copy = stream;
  bool good = true;
  for (size_t at = 0, n; good && at < stream.size(); at += n) {
    n = std::min<size_t>(1 + (cuts * (at + 7)) % 97, stream.size() - at);
    fuzz::Bytes piece(stream.begin() + static_cast<std::ptrdiff_t>(at),
                      stream.begin() + static_cast<std::ptrdiff_t>(at + n));
    good = cut.push(piece.data(), piece.size(), into(one));
  }
  CHECK(whole.push(copy.data(), copy.size(), into(other)) == good);
  CHECK(one == other);
}

void queue_and_read(fuzz::Input& in) {
  SendQueue queue;
  Deframer deframer;
  std::deque<fuzz::Bytes> sent;
  int64_t now_us = 0;
  auto read = [&](size_t most) {
    auto [first, second] = queue.front();
    CHECK(first.size + second.size == queue.size());
    fuzz::Bytes octets(first.data, first.data + std::min(first.size, most));
    octets.insert(octets.end(), second.data, second.data + std::min(second.size, most - octets.size()));
    queue.pop(octets.size());
    CHECK(deframer.push(octets.data(), octets.size(), [&](uint8_t* data, size_t size) {
      CHECK(!sent.empty() && sent.front() == fuzz::exact({data, size}));
      sent.pop_front();
    }));
  };
  while (!in.empty()) {
    const uint8_t operation = in.byte();
    now_us += operation * 100;
    if (operation % 4 == 0) {
      read(in.word() * 4u);
    } else {
      const fuzz::Bytes packet(1 + in.word() % kMaxDatagram, operation);
      for (int n = 1 << operation % 8 / 2; n > 0; --n)
        if (queue.push(fuzz::view(packet), operation & 1, now_us)) sent.push_back(packet);
    }
    CHECK(queue.size() <= SendQueue::kCapacity && queue.waited_us(now_us) >= 0);
    CHECK(queue.empty() == (queue.size() == 0) && (!queue.empty() || queue.waited_us(now_us) == 0));
  }
  read(queue.size());
  CHECK(sent.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  CHECK(!std::getenv("DISTAL_FUZZ_BREAK"));  // a test that what breaks is kept
  fuzz::Input in(data, size);
  if (in.byte() & 1)
    queue_and_read(in);
  else
    read_anything(in);
  return 0;
}
