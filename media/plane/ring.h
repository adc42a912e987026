// The last packets of one track, decrypted, held once however many subscribe: the source of fan-out and of
// retransmission. Bounded: an older packet gives its slot to a newer one.
#pragma once
#include <memory>

#include "payload.h"
#include "red.h"
#include "rtp.h"

namespace plane {

struct Packet {
  int64_t index = -1;  // unwrapped sequence number; -1: empty slot
  RtpHeader header;
  uint16_t size = 0;
  PayloadInfo payload;
  Red red;
  uint8_t extra_padding = 0;  // added before fan-out to make a frame's packets equal in size
  uint8_t data[kMaxDatagram];
};

class Ring {
 public:
  explicit Ring(size_t slots) : slots_(slots) {}  // a power of two

  Packet* find(int64_t index) {
    if (!packets_ || index < 0) return nullptr;
    Packet& p = packets_[static_cast<size_t>(index) & (slots_ - 1)];
    return p.index == index ? &p : nullptr;
  }

  // The slot for a new packet, or null for a duplicate and for one older than what its slot holds.
  Packet* claim(int64_t index) {
    if (!packets_) packets_ = std::make_unique<Packet[]>(slots_);
    Packet& p = packets_[static_cast<size_t>(index) & (slots_ - 1)];
    if (p.index >= index) return nullptr;
    p.index = index;
    p.extra_padding = 0;
    return &p;
  }

  void clear() { packets_.reset(); }

 private:
  size_t slots_;
  std::unique_ptr<Packet[]> packets_;
};

}  // namespace plane
