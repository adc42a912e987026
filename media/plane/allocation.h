// Who gets how much of a subscriber's way: pure logic over numbers.
//
// Demands are served in the order of their priority, the most important one to its full size before the next
// gets anything; those of equal priority grow together, step by step. A step up must fit with room to spare,
// the present step may stay a little longer: so quality does not flap at the edge.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace plane {

// One way to send a track: a layer, and VP8's temporal layers up to one.
struct Step {
  int layer = 0;
  uint8_t temporal = 7;
  uint64_t bps = 0;
};

struct Demand {
  static constexpr size_t kSteps = 6;
  size_t tag = 0;    // the caller's
  int priority = 0;  // 0 keeps its bandwidth longest
  Step steps[kSteps];
  size_t count = 0;  // steps, cheapest first; the last is what was asked for
  int current = -1;  // the step that is sent now; -1: nothing
  int granted = -1;  // the answer
  // For `share`: whether the publisher can be told to send less, whether it would send more than the last
  // step if it might, and the answer.
  bool elastic = false, held_back = false, content = false;
  int64_t room_bps = 0;
  void add(int layer, uint8_t temporal, uint64_t bps) {
    if (count < kSteps) steps[count++] = {layer, temporal, bps};
  }
};

// Grants a step to each demand within `budget_bps`. Without `may_grow` none gets more than it has now, and
// one that has nothing stays without. Orders the demands by priority.
inline void allocate(Demand* demands, size_t count, int64_t budget_bps, bool may_grow) {
  std::stable_sort(demands, demands + count,
                   [](const Demand& a, const Demand& b) { return a.priority < b.priority; });
  auto cost = [](const Demand& d, int step) {
    if (step < 0) return int64_t{0};
    const auto bps = static_cast<int64_t>(d.steps[step].bps);
    return step > d.current ? bps * 115 / 100 : bps * 95 / 100;
  };
  for (size_t from = 0; from < count;) {
    size_t until = from;
    while (until < count && demands[until].priority == demands[from].priority) ++until;
    for (size_t i = from; i < until; ++i) demands[i].granted = -1;
    for (bool grew = true; grew;) {
      grew = false;
      for (size_t i = from; i < until; ++i) {
        Demand& d = demands[i];
        const int next = d.granted + 1;
        if (next >= static_cast<int>(d.count) || (next > d.current && !may_grow)) continue;
        const int64_t more = cost(d, next) - cost(d, d.granted);
        if (more > budget_bps) continue;
        budget_bps -= more;
        d.granted = next;
        grew = true;
      }
    }
    from = until;
  }
}

// What each elastic demand could use of the budget, were its publisher to send at just that rate: those of
// equal priority get even parts, and what one does not need is the others'. Demands are as `allocate` left
// them.
inline void share(Demand* demands, size_t count, int64_t budget_bps) {
  auto sent = [](const Demand& d) { return static_cast<int64_t>(d.steps[d.count - 1].bps); };
  for (size_t from = 0; from < count;) {
    size_t until = from;
    int64_t open = 0;
    for (; until < count && demands[until].priority == demands[from].priority; ++until) {
      const Demand& d = demands[until];
      if (d.elastic)
        ++open;
      else if (d.granted >= 0)
        budget_bps -= static_cast<int64_t>(d.steps[d.granted].bps);
    }
    budget_bps = std::max<int64_t>(budget_bps, 0);
    for (bool found = true; found;) {
      found = false;
      for (size_t i = from; i < until; ++i) {
        Demand& d = demands[i];
        if (!d.elastic || d.held_back || d.content || sent(d) >= budget_bps / open) continue;
        d.content = found = true;
        budget_bps -= sent(d);
        --open;
      }
    }
    for (size_t i = from; i < until; ++i)
      if (Demand& d = demands[i]; d.elastic)
        d.room_bps = open ? std::max(budget_bps / open, d.content ? sent(d) : 0) : budget_bps + sent(d);
    if (open) budget_bps = 0;
    from = until;
  }
}

}  // namespace plane
