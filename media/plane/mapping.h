// How one subscriber sees the numbers of a track whose layers, pauses and left-out frames it must not notice:
// sequence numbers, picture ids and timestamps go on without gap or step back.
//
// A mapping is a list of segments; within one, every number is the layer's own plus an offset. A packet
// belongs to the newest segment that begins at or before it, so late packets and retransmissions find theirs.
#pragma once
#include <array>
#include <cstdint>

namespace plane {

struct Segment {
  int64_t first = -1, last = INT64_MAX;  // unwrapped sequence numbers of the layer; last: none beyond yet
  int layer = -1;
  uint16_t seq = 0;        // added to the sequence number
  uint16_t picture = 0;    // added to VP8's PictureID
  uint8_t tl0 = 0;         // added to VP8's TL0PICIDX
  uint32_t timestamp = 0;  // added to the timestamp
};

class Mapping {
 public:
  bool empty() const { return count_ == 0; }
  void clear() { count_ = 0; }
  void forget_before() {  // all but the present segment
    if (count_ > 1) segments_[0] = now(), count_ = 1;
  }
  const Segment& now() const { return segments_[(count_ - 1) % kSegments]; }

  // `until`: the last packet that the present segment may still claim, if it is of the same layer.
  void begin(const Segment& s, int64_t until) {
    if (count_ > 0) {
      Segment& old = segments_[(count_ - 1) % kSegments];
      if (old.layer == s.layer && old.last > until) old.last = until;
      if (old.last < old.first) --count_;  // nothing is in it: its place is free
    }
    segments_[count_++ % kSegments] = s;
  }

  // The segment of a packet, or null when it is of none that is remembered.
  const Segment* find(int layer, int64_t index) const {
    for (size_t n = 0; n < size(); ++n) {
      const Segment& s = segments_[(count_ - 1 - n) % kSegments];
      if (s.layer == layer && index >= s.first) return index <= s.last ? &s : nullptr;
      if (s.layer != layer) return nullptr;  // what is late from before a switch has been overtaken
    }
    return nullptr;
  }

  // Newest first; false from `f` goes on.
  template <class F>
  void each(F&& f) const {
    for (size_t n = 0; n < size(); ++n)
      if (f(segments_[(count_ - 1 - n) % kSegments])) return;
  }

 private:
  static constexpr size_t kSegments = 32;  // two seconds of every other frame left out
  size_t size() const { return count_ < kSegments ? count_ : kSegments; }
  std::array<Segment, kSegments> segments_{};
  size_t count_ = 0;
};

}  // namespace plane
