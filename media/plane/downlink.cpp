// One subscriber's way: its estimate is divided among the pictures that he wants.
#include "core.h"

namespace plane {
namespace {

constexpr int64_t kDivideUs = 90000;      // in each round
constexpr int64_t kOfferedPercent = 80;   // of a way, to publishers: sound and repairs need some of it too
constexpr uint64_t kUnknownBps = 150000;  // of a layer that has only just begun

// The ways to send a track to one who wants up to this layer, cheapest first.
void list_steps(const Subscription& s, Demand& d, int64_t now_us) {
  const Track& t = *s.track;
  const Layer* lowest = nullptr;
  uint64_t before = 0;
  for (const Layer& l : t.layers) {
    if (!l.active(now_us) || (lowest && l.number > s.wanted_layer)) continue;
    uint64_t bps = 0;
    for (size_t n = 0; n < Layer::kTemporal && n <= s.wanted_temporal; ++n) {
      const uint64_t more = l.rates[n].bps();
      if (!lowest && n > 0 && more > 0 && bps > 0)
        d.add(l.number, static_cast<uint8_t>(n - 1), bps);  // fewer pictures a second rather than none
      bps += more;
    }
    if (bps == 0) bps = kUnknownBps;
    if (bps > before) d.add(l.number, s.wanted_temporal, bps);
    before = bps;
    if (!lowest) lowest = &l;
  }
}

// The step that is sent now.
int present(const Subscription& s, const Demand& d) {
  if (s.starved) return -1;
  const int layer = std::min(s.wanted_layer, s.allowed_layer);
  int found = -1;
  for (size_t n = 0; n < d.count; ++n) {
    const Step& step = d.steps[n];
    if (step.layer > layer) break;
    if (step.layer < layer || step.temporal <= s.allowed_temporal) found = static_cast<int>(n);
  }
  return std::max(found, 0);
}

}  // namespace

void Core::on_downlink(Endpoint& e, int64_t now_us) {
  Downlink& d = *e.downlink;
  if (d.known_since_us < 0 && d.known()) d.known_since_us = now_us;
  if (d.remb && !d.remb->known() && d.pacer.empty()) d.known_since_us = -1;  // it limits no more
  if (now_us >= d.allocate_due_us) {
    d.allocate_due_us = now_us + kDivideUs;
    divide(e, now_us);
  }
  if (d.remb) {
    d.remb->on_timer(d.wanted_bps, now_us);
    send_padding(e);
  } else if (Subscription* with_rtx = carrier(e)) {
    if (auto probe = d.estimator.on_timer(now_us, d.wanted_bps)) send_probe(*with_rtx, *probe);
  }
  if (d.known_since_us >= 0) d.refill(now_us);
  if (!d.pacer.empty()) drain(e);
  d.repeats.each_due(now_us, [&](Subscription& s, int64_t index, const Segment& numbers) {
    const Packet* p = s.track->layers[static_cast<size_t>(numbers.layer)].ring.find(index);
    if (p && !d.full()) write_repair(s, *p, numbers, 0);
  });
}

void Core::divide(Endpoint& e, int64_t now_us) {
  Downlink& d = *e.downlink;
  demands_.clear();
  uint64_t wanted_bps = 0, offered_bps = 0;
  for (size_t n = 0; n < e.subscriptions.size(); ++n) {
    const Subscription& s = *e.subscriptions[n];
    if (s.paused || !s.track->config.video) continue;
    Demand demand;
    demand.tag = n;
    demand.priority = s.config.priority;
    list_steps(s, demand, now_us);
    if (demand.count == 0) continue;  // its publisher sends nothing
    demand.current = present(s, demand);
    demand.elastic = !s.track->simulcast();
    demand.held_back = s.track->limit.filled(s.track->bps());
    const uint64_t whole_bps = demand.steps[demand.count - 1].bps;
    offered_bps += whole_bps;
    wanted_bps += demand.held_back ? 2 * whole_bps : whole_bps;
    demands_.push_back(demand);
  }
  d.wanted_bps = wanted_bps * 5 / 4;
  const bool limits = d.limits(now_us);
  if (limits) {
    const auto bps = static_cast<int64_t>(d.bps());
    allocate(demands_.data(), demands_.size(), bps, d.may_grow(now_us));
    share(demands_.data(), demands_.size(), bps * kOfferedPercent / 100);
  } else {
    for (Demand& demand : demands_) demand.granted = static_cast<int>(demand.count) - 1;
  }
  bool shrank = false, grew = false;
  const bool lenient = limits && d.lenient(offered_bps, now_us);
  d.short_of_room = d.starved = false;
  for (Demand& demand : demands_) {
    Subscription& s = *e.subscriptions[demand.tag];
    const bool short_of_room = demand.granted + 1 < static_cast<int>(demand.count);
    const bool limited = demand.elastic && s.track->limit.set();
    s.room_bps = limits && demand.elastic && (short_of_room || limited) ? demand.room_bps : Limit::kNone;
    d.short_of_room |= short_of_room;
    if (lenient && limited && demand.current + 1 == static_cast<int>(demand.count))
      demand.granted = demand.current;  // its publisher will send less in a moment
    shrank |= demand.granted < demand.current;
    grew |= demand.granted > demand.current;
    d.starved |= demand.granted < 0;
    grant(s, demand, now_us);
  }
  if (shrank) d.shrank(now_us);
  if (grew) d.grew(now_us);
}

void Core::grant(Subscription& s, const Demand& d, int64_t now_us) {
  Track& t = *s.track;
  if (d.granted < 0) {
    if (!s.starved) {
      stop_short(s);
      s.starved = true;
      s.still_open = false;
      s.still_due_us = now_us + Subscription::kStillUs;
    }
    s.allowed_layer = d.steps[0].layer;
    s.allowed_temporal = d.steps[0].temporal;
    s.target = d.steps[0].layer;
    if (now_us >= s.still_due_us) want_keyframe(t, t.layers[static_cast<size_t>(s.target)], now_us);
    return;
  }
  const Step& step = d.steps[d.granted];
  const bool all = d.granted + 1 == static_cast<int>(d.count);
  if (s.starved) {
    s.starved = s.still_open = false;
    s.restart = true;
    s.await_key = t.config.codec != VideoCodec::other;
    want_keyframe(t, t.layers[static_cast<size_t>(step.layer)], now_us);
  }
  // A layer that does not fit is left at once while its packets pile up; else with the next one's key frame.
  if (t.simulcast() && step.layer < s.layer() && d.granted < d.current && s.endpoint->downlink->overusing())
    stop_short(s);
  s.allowed_layer = all ? Subscription::kAnyLayer : step.layer;
  s.allowed_temporal = all ? 7 : step.temporal;
  choose(s, now_us);
}

// Sends no more of the present picture: what waits is forgotten, and the next segment begins with a key
// frame, with the number after the last that left.
void Core::stop_short(Subscription& s) {
  if (s.endpoint->downlink) {
    s.endpoint->downlink->repeats.forget(&s);
    s.endpoint->downlink->pacer.purge(&s);
  }
  s.last_seq = s.left_seq;
  s.sent_any = s.left_any;
  s.restart = true;
  s.await_key = s.track->config.codec != VideoCodec::other;
}

// One whose RTX stream can carry what is no picture of its own. Without it no probe is asked for: one that
// never leaves would be waited for in vain.
Subscription* Core::carrier(const Endpoint& e) {
  const Ext stamp = e.downlink->remb ? Ext::abs_send_time : Ext::transport_cc;
  if (!e.tx || !e.has_selected || !e.ext_ids[static_cast<size_t>(stamp)]) return nullptr;
  auto with_rtx = std::find_if(e.subscriptions.begin(), e.subscriptions.end(), [](Subscription* s) {
    return s->counted() && !s->paused && s->sent_any && s->layer() >= 0;
  });
  return with_rtx == e.subscriptions.end() ? nullptr : *with_rtx;
}

void Core::send_probe(Subscription& s, const Probe& probe) {
  Layer& l = s.track->layers[static_cast<size_t>(s.layer())];
  constexpr size_t kLeast = 5, kSmall = 1000;
  const size_t each = probe.bytes / kLeast;
  size_t sent = 0;
  if (each >= kSmall) {
    int64_t index = l.line.peek(static_cast<uint16_t>(s.last_seq - s.mapping.now().seq));
    for (; sent < probe.bytes && index >= s.mapping.now().first; --index) {
      const Packet* p = l.ring.find(index);
      if (!p) break;
      write_repair(s, *p, s.mapping.now(), probe.id);
      sent += p->size;
    }
  }
  const size_t most = std::clamp<size_t>(each, 60, 200);
  for (; sent < probe.bytes; sent += most) write_padding(s, most, probe.id);
}

// For a receiver that estimates: his last packet again, or padding.
void Core::send_padding(Endpoint& e) {
  Downlink& d = *e.downlink;
  if (!d.remb->pads()) return;
  attend(e);
  constexpr size_t kAtOnce = 32;
  const size_t each = std::clamp<size_t>(d.remb->padding_size(), 50, kMaxDatagram);
  Subscription* s = carrier(e);
  if (!s || !d.pacer.empty() || d.remb->padding() < each) return;
  Layer& l = s->track->layers[static_cast<size_t>(s->layer())];
  const Segment& now = s->mapping.now();
  const int64_t index = l.line.peek(static_cast<uint16_t>(s->last_seq - now.seq));
  const Packet* p = index >= now.first ? l.ring.find(index) : nullptr;
  if (p && (p->size < each / 2 || p->size > each * 2)) p = nullptr;
  for (size_t n = 0; n < kAtOnce && d.remb->padding() >= each; ++n)
    if (p)
      write_repair(*s, *p, now, 1);
    else
      write_padding(*s, each, 1);
}

}  // namespace plane
