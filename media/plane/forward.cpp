// The path of a media packet: unprotect, remember, hold a video frame until it is whole, and write it once
// for every subscriber.
#include "core.h"

namespace plane {

// A packet as its subscribers get it, but for what differs between them: payload type, sequence number, SSRC.
struct Template {
  const Packet* packet;
  size_t size, payload;  // payload: its offset
  size_t stamp;          // offset of what each copy gets when it leaves (`Downlink::stamp`), 0 for none
  bool red;              // with the older copies
  uint8_t data[kMaxDatagram + 64];

  // What a segment changes in the copy at `p`.
  void finish(uint8_t* p, const Segment& g) const {
    put16(p + 2, static_cast<uint16_t>(packet->header.seq + g.seq));
    put32(p + 4, packet->header.timestamp + g.timestamp);
    if (g.picture || g.tl0) shift_picture(p + payload, packet->payload, g.picture, g.tl0);
  }
  // What a subscription does.
  void address(uint8_t* p, const SubscriptionConfig& to) const {
    p[1] = static_cast<uint8_t>(p[1] | (red ? to.red_pt : to.pt));
    if (red) write_red(p + payload, packet->red, to.pt);
    put32(p + 8, to.ssrc);
  }
};

namespace {

// Subscribers with the same extension ids share these; the plane's thread is the only user.
thread_local Template templates[Layer::kHoldPackets];

constexpr size_t kWireOverhead = 28 + 16;  // IPv4, UDP and the SRTP tag
constexpr size_t kEvenUp = 4;  // bytes of padding that a packet may get to match its frame's longest

void write_template(Template& w, const Packet& p, const ExtIds& ids, bool mixed, bool pad, bool stamp,
                    bool red) {
  uint8_t* out = w.data;
  w.packet = &p;
  w.red = red && p.red.blocks > 0;
  w.stamp = 0;
  std::memcpy(out, p.data, 12);
  size_t at = 12 + write_exts(out + 12, p.data, p.header, ids, mixed, stamp ? &w.stamp : nullptr);
  if (w.stamp) w.stamp += 12;
  const uint8_t extra = pad ? p.extra_padding : 0;
  out[0] = static_cast<uint8_t>(0x80 | (p.header.padding || extra ? 0x20 : 0) | (at > 12 ? 0x10 : 0));
  out[1] = p.header.marker ? 0x80 : 0;
  w.payload = at;
  const size_t from = p.header.payload + (w.red ? 0u : p.red.primary), payload = p.size - from;
  std::memcpy(out + at, p.data + from, payload);
  at += payload;
  if (extra) {
    std::memset(out + at, 0, extra);
    at += extra;
    out[at - 1] = extra;
  }
  w.size = at;
}

// RTP padding of a few bytes makes a frame's packets equal, so that a run leaves as one message
// (UDP_SEGMENT). It is decided once, kept with the packet, and the same for every subscriber.
void even_up(Packet* const* packets, size_t count) {
  if (count < 2) return;
  auto length = [](const Packet& p) {
    size_t n = p.size - p.header.payload;
    for (size_t e = 0; e < kForwardedExts; ++e)
      if (p.header.ext[e].offset) n += p.header.ext[e].size + 1u;
    return n;
  };
  size_t longest = 0;
  for (size_t i = 0; i < count; ++i) longest = std::max(longest, length(*packets[i]));
  for (size_t i = 0; i < count; ++i) {
    Packet& p = *packets[i];
    size_t n = length(p);
    if (!p.header.padding && n < longest && longest - n <= kEvenUp && p.size + kEvenUp <= kMaxDatagram)
      p.extra_padding = static_cast<uint8_t>(longest - n);
  }
}

}  // namespace

Endpoint::Stream* Core::stream_of(Endpoint& e, View datagram, const RtpHeader& h) {
  // An SSRC that the description did not name: its mid, and with simulcast its rid, say which stream it is
  // (RFC 8843 section 9.2, RFC 8852), once.
  auto is = [&](Ext which, const std::string& expected) {
    const ExtAt& x = h.ext[static_cast<size_t>(which)];
    return x.offset && expected.size() == x.size &&
           std::memcmp(expected.data(), datagram.data + x.offset, x.size) == 0;
  };
  const bool has_mid = h.ext[static_cast<size_t>(Ext::mid)].offset;
  // Without a mid only one track of each kind can be told by its payload type.
  const bool ambiguous =
      e.tracks.size() > 2 || (e.tracks.size() == 2 && e.tracks[0]->config.video == e.tracks[1]->config.video);
  for (Track* t : e.tracks) {
    if (has_mid ? !is(Ext::mid, t->config.mid) : ambiguous) continue;
    for (Layer& l : t->layers) {
      const bool primary = (h.pt == t->config.pt || h.pt == t->config.red_pt) && l.config.ssrc == 0;
      const bool rtx = h.pt == t->config.rtx_pt && l.config.rtx_ssrc == 0;
      if (!primary && !rtx) continue;
      if (t->simulcast() && !is(primary ? Ext::rid : Ext::repaired_rid, l.config.rid)) continue;
      (primary ? l.config.ssrc : l.config.rtx_ssrc) = h.ssrc;
      if (primary && e.feedback_media == 0) e.feedback_media = h.ssrc;
      return &(e.streams[h.ssrc] = {t, &l, rtx});
    }
  }
  return nullptr;
}

void Core::on_rtp(Endpoint& e, uint8_t* data, size_t size, int64_t arrival_us, int64_t now_us) {
  // Header and SSRC are checked before unprotecting: a stream per unknown SSRC would be a memory attack.
  auto header = parse_rtp({data, size}, e.ext_ids);
  if (!header) {
    ++counters_.malformed;
    return;
  }
  auto known = e.streams.find(header->ssrc);
  const bool learned = known == e.streams.end();
  Endpoint::Stream* stream = learned ? stream_of(e, {data, size}, *header) : &known->second;
  if (!stream) {
    ++counters_.unknown;
    return;
  }
  int length = static_cast<int>(size);
  if (srtp_.unprotect(e.rx, data, &length) != 0) {
    ++counters_.unauthentic;
    if (learned) {  // a forger must not take the place of the true SSRC
      (stream->rtx ? stream->layer->config.rtx_ssrc : stream->layer->config.ssrc) = 0;
      e.streams.erase(header->ssrc);
    }
    return;
  }
  size = static_cast<size_t>(length);
  if (size < header->payload) {
    ++counters_.malformed;
    return;
  }
  heard(e, now_us);
  RtpHeader& h = *header;
  const ExtAt& cc = h.ext[static_cast<size_t>(Ext::transport_cc)];
  if (cc.offset && cc.size == 2) e.feedback.on_packet(get16(data + cc.offset), arrival_us);

  Track& t = *stream->track;
  if (stream->rtx) {  // RFC 4588: the original sequence number leads the payload
    size_t padding = h.padding ? data[size - 1] : 0;
    if (h.pt != t.config.rtx_pt || size < h.payload + 3u + padding) return;  // padding only: a probe
    h.seq = get16(data + h.payload);
    std::memmove(data + h.payload, data + h.payload + 2, size - h.payload - 2);
    h.pt = t.config.pt;
    on_media(t, *stream->layer, h, data, size - 2, arrival_us, now_us, true);
  } else if (h.pt == t.config.pt || h.pt == t.config.red_pt) {
    on_media(t, *stream->layer, h, data, size, arrival_us, now_us, false);
  }
}

void Core::on_media(Track& t, Layer& l, const RtpHeader& h, uint8_t* data, size_t size, int64_t arrival_us,
                    int64_t now_us, bool repaired) {
  if (repaired && l.line.highest() < 0) return;
  Red red;
  if (h.pt == t.config.red_pt) {
    const size_t padding = h.padding && size > h.payload ? data[size - 1] : 0;
    const auto read = size < h.payload + padding
                          ? std::nullopt
                          : read_red({data + h.payload, size - h.payload - padding}, t.config.pt);
    if (!read) {
      ++counters_.malformed;
      return;
    }
    red = *read;
  }
  int64_t index = repaired ? l.line.peek(h.seq) : l.line.unwrap(h.seq);
  const bool outage = l.last_packet_us >= 0 && now_us - l.last_packet_us > Endpoint::kOutageUs &&
                      index > l.reception.highest() + 1;  // nobody keeps what was sent meanwhile
  if (l.reception.jumped(index) || outage) {              // the publisher began anew under the same SSRC
    if (repaired) return;
    l.held.clear();
    l.ring.clear();
    l.line.reset();
    l.reception = Reception(t.config.clock_rate);
    l.aligned = false;
    index = l.line.unwrap(h.seq);
    for (Subscription* s : t.subscriptions) {
      if (s->layer() == l.number) {
        stop_short(*s);
        s->mapping.clear();  // the stream before counted on another line
      } else {
        s->mapping.forget_before();
      }
    }
    want_keyframe(t, l, now_us);
  }
  Packet* p = l.ring.claim(index);
  if (!p) return;  // a duplicate
  p->header = h;
  p->size = static_cast<uint16_t>(size);
  p->payload = read_payload(t.config.codec, {data + h.payload, size - h.payload});
  p->red = red;
  std::memcpy(p->data, data, size);
  put16(p->data + 2, h.seq);
  const bool late = index < l.reception.highest();
  l.reception.on_packet(index, h.timestamp, arrival_us, repaired, t.config.nack);
  ++l.packets;
  l.octets += size;
  l.rates[std::min<size_t>(p->payload.temporal, Layer::kTemporal - 1)].add(size + kWireOverhead);
  l.last_packet_us = now_us;
  if (l.reception.any_missing()) attend(t);
  if (!late) l.last_timestamp = h.timestamp, l.last_arrival_us = arrival_us;
  if (l.reception.any_new_gap()) ask_missing(t, l, now_us);

  if (!t.config.video) {
    const ExtAt& level = h.ext[static_cast<size_t>(Ext::audio_level)];
    if (level.offset) {
      int dbov = -(data[level.offset] & 0x7f);
      if (dbov >= t.level_dbov || now_us - t.level_us > 500000) t.level_dbov = dbov, t.level_us = now_us;
    }
    forward(t, l, &p, 1);
    return;
  }
  if (late && (l.held.empty() || index < l.held.front()->index)) {  // nobody should wait longer for it
    forward(t, l, &p, 1);
    return;
  }
  // A frame leaves when it is whole: no receiver can use it earlier, and one message is far cheaper than ten.
  if (!late && !l.held.empty() && l.held.front()->header.timestamp != h.timestamp) flush(t, l);
  if (l.held.empty()) l.held_since_us = now_us;
  attend(t);
  l.held.push_back(p);
  if (h.marker || l.held.size() >= Layer::kHoldPackets) flush(t, l);
}

// Encodings of one camera count from different starts; subscribers see the first one's clock on all of them.
void Core::align(Track& t, Layer& l) {
  if (l.aligned) return;
  const Layer& base = t.layers.front();
  if (&base == &l) {
    l.aligned = true;
    return;
  }
  const int64_t rate = t.config.clock_rate;
  if (l.sr_us >= 0 && base.sr_us >= 0) {
    auto difference = static_cast<int64_t>(l.sr_ntp - base.sr_ntp);  // in 2^-32 s
    auto ticks =
        static_cast<int64_t>(static_cast<double>(difference) / 4294967296.0 * static_cast<double>(rate));
    l.to_base = base.sr_timestamp + static_cast<uint32_t>(ticks) - l.sr_timestamp;
    l.aligned = true;
  } else if (base.last_packet_us >= 0) {  // before the reports: frames of one instant arrive together
    auto ticks = (l.last_arrival_us - base.last_arrival_us) * rate / 1000000;
    l.to_base = base.last_timestamp + static_cast<uint32_t>(ticks) - l.last_timestamp;
    l.aligned = true;
  }
}

void Core::flush(Track& t, Layer& l) {
  if (l.held.empty()) return;
  even_up(l.held.data(), l.held.size());
  forward(t, l, l.held.data(), l.held.size());
  l.held.clear();
}

void Core::forward(Track& t, Layer& l, Packet* const* packets, size_t count) {
  const Endpoint* written_for = nullptr;
  bool written_counted = false, written_red = false;
  for (Subscription* s : t.subscriptions) {
    const Endpoint& e = *s->endpoint;
    if (s->paused || !e.tx || !e.has_selected) continue;
    if (s->starved) {
      if (!forward_still(*s, l, packets, count)) continue;
    } else if (s->restart || l.number != s->layer()) {
      const Packet* first;
      if (!may_begin(*s, l, packets, count, first)) continue;
      enter(*s, l, *first);
    }
    const bool counted = s->counted();
    const bool red = s->takes_red();
    if (!written_for || written_counted != counted || written_red != red ||
        written_for->ext_ids != e.ext_ids || written_for->ext_mixed != e.ext_mixed) {
      for (size_t i = 0; i < count; ++i)
        write_template(templates[i], *packets[i], e.ext_ids, e.ext_mixed, true, counted, red);
      written_for = &e;
      written_counted = counted;
      written_red = red;
    }
    send_run(*s, l, templates, count);
  }
}

// Whether a segment may begin among these packets, and where: a decoder follows a change of layers, and what
// comes after frames that were left out, only at a key frame.
bool Core::may_begin(const Subscription& s, const Layer& l, Packet* const* packets, size_t count,
                     const Packet*& first) const {
  first = packets[0];
  if (!s.track->simulcast() && !s.await_key) return true;
  if (l.number != s.target) return false;
  auto key = std::find_if(packets, packets + count, [](auto* p) { return p->payload.keyframe_start; });
  if (key == packets + count) return false;
  first = *key;
  return true;
}

// Of a picture for which there is no room: one key frame every few seconds. False: not these packets.
bool Core::forward_still(Subscription& s, const Layer& l, Packet* const* packets, size_t count) {
  if (s.still_open && l.number == s.layer() && packets[0]->header.timestamp == s.still_timestamp) return true;
  s.still_open = false;
  const Packet* first;
  s.await_key = true;
  if (now_us_ < s.still_due_us || !s.endpoint->downlink->pacer.empty()) return false;  // one at a time
  if (!may_begin(s, l, packets, count, first)) return false;
  enter(s, l, *first);
  s.still_open = true;
  s.still_timestamp = first->header.timestamp;
  s.still_due_us = now_us_ + Subscription::kStillUs;
  return true;
}

// A new segment from this packet on: its numbers follow those sent last.
void Core::enter(Subscription& s, const Layer& l, const Packet& p) {
  align(*s.track, s.track->layers[static_cast<size_t>(l.number)]);
  Segment g;
  g.first = p.index;
  g.layer = l.number;
  g.timestamp = l.to_base;
  const uint16_t seq = p.header.seq;  // the first is low, far from wrapping
  g.seq = static_cast<uint16_t>((s.sent_any ? s.last_seq + 1 : seq & 0x3fff) - seq);
  if (s.sent_any) {
    g.picture = static_cast<uint16_t>(s.last_picture + 1 - p.payload.picture_id);
    g.tl0 = static_cast<uint8_t>(s.last_tl0 + 1 - p.payload.tl0);
    const uint32_t behind = s.last_timestamp - (p.header.timestamp + g.timestamp);
    if (static_cast<int32_t>(behind) >= 0) g.timestamp += behind + 1;  // two frames never share a time
  }
  int64_t until = g.first - 1;
  if (s.sent_any && s.layer() == l.number)  // what never left has no number: others have it now
    until = std::min(until, l.line.peek(static_cast<uint16_t>(s.last_seq - s.mapping.now().seq)));
  s.mapping.begin(g, until);
  s.restart = s.await_key = false;
}

// The nearest layer to the one wanted that the publisher sends now; its key frame is asked for.
void Core::choose(Subscription& s, int64_t now_us) {
  Track& t = *s.track;
  int best = -1;
  for (Layer& l : t.layers)
    if (l.active(now_us) && (best < 0 || l.number <= std::min(s.wanted_layer, s.allowed_layer)))
      best = l.number;
  if (best >= 0) s.target = best;
  if (!s.paused && !s.starved && (s.target != s.layer() || s.await_key) && s.endpoint->tx)
    want_keyframe(t, t.layers[static_cast<size_t>(s.target)], now_us);
}

void Core::send_run(Subscription& s, const Layer& l, const Template* run, size_t count) {
  const Template* sent[Layer::kHoldPackets];
  Segment numbers[Layer::kHoldPackets];
  const uint8_t temporal = std::min(s.wanted_temporal, s.allowed_temporal);
  size_t total = 0;
  for (size_t i = 0; i < count; ++i) {
    const Packet& p = *run[i].packet;
    const Segment& g = s.mapping.now();
    const bool late = p.index < l.reception.highest() && count == 1;
    if (!late && p.index >= g.first && p.payload.temporal > temporal) {  // left out, without a gap
      Segment next = g;
      next.first = p.index + 1;
      --next.seq;
      if (p.payload.frame_start) --next.picture;
      s.mapping.begin(next, p.index - 1);
      continue;
    }
    const Segment* segment = s.mapping.find(l.number, p.index);
    if (!segment) continue;
    const auto seq = static_cast<uint16_t>(p.header.seq + segment->seq);
    if (!s.sent_any || static_cast<int16_t>(seq - s.last_seq) > 0) {
      if (s.sent_any)
        s.passed_over.count += static_cast<uint16_t>(seq - s.last_seq - 1);
      else
        s.passed_over.seq = static_cast<uint16_t>(seq - 1);
      s.last_seq = seq;
      s.last_timestamp = p.header.timestamp + segment->timestamp;
      s.last_picture = static_cast<uint16_t>((p.payload.picture_id + segment->picture) & 0x7fff);
      s.last_tl0 = static_cast<uint8_t>(p.payload.tl0 + segment->tl0);
      s.sent_any = true;
    } else if (s.passed_over.count > 0) {
      --s.passed_over.count;  // it came after all
    }
    numbers[total] = *segment;
    sent[total++] = &run[i];
  }
  size_t now = total;  // how many leave at once
  Downlink* d = s.endpoint->downlink.get();
  if (d && s.track->config.video && d->known_since_us >= 0) {
    now = 0;
    d->refill(now_us_);
    for (int64_t room = d->pacer.empty() ? d->pacer.budget() : 0; now < total && room > 0; ++now)
      room -= static_cast<int64_t>(sent[now]->size + kWireOverhead);
  }
  if (now > 0) write_run(s, sent, numbers, now);
  for (size_t i = now; i < total; ++i)
    if (!d->pacer.push({&s, sent[i]->packet->index, numbers[i], false}, sent[i]->size)) {
      stop_short(s);  // nobody wants pictures that old
      break;
    }
  if (now < total) attend(*s.endpoint);
}

void Core::write_run(Subscription& s, const Template* const* run, const Segment* numbers, size_t count) {
  Endpoint& e = *s.endpoint;
  Downlink* d = e.downlink.get();
  for (size_t i = 0; i < count;) {
    const size_t segment = run[i]->size;
    size_t n = 1;
    while (i + n < count && run[i + n]->size <= segment && (n + 1) * (segment + kSrtpTrailer) < 60000) {
      ++n;
      if (run[i + n - 1]->size < segment) break;  // only the last of a message may be shorter
    }
    uint8_t* out = output_.reserve(n * (segment + kSrtpTrailer));
    const int64_t written_us = d ? output_.written_us() : now_us_;
    size_t at = 0, first = 0;
    for (size_t k = 0; k < n; ++k) {
      const Template& w = *run[i + k];
      uint8_t* p = out + at;
      std::memcpy(p, w.data, w.size);
      w.finish(p, numbers[i + k]);
      w.address(p, s.config);
      if (d) {
        if (s.track->config.video)
          d->spend(w.size + kWireOverhead, true);
        else
          d->spend_beside(w.size + kWireOverhead);
        if (w.stamp) d->stamp(p + w.stamp, s.config.ssrc, w.size + kWireOverhead, written_us, 0);
      }
      int length = static_cast<int>(w.size);
      if (srtp_.protect(e.tx, p, &length) != 0) break;
      const uint16_t seq = get16(p + 2);
      if (!s.left_any || static_cast<int16_t>(seq - s.left_seq) > 0) s.left_seq = seq, s.left_any = true;
      if (k == 0) first = static_cast<size_t>(length);
      at += static_cast<size_t>(length);
      ++s.packets;
      ++e.packets_out;
      ++counters_.forwarded;
      s.octets += w.size - 12;
    }
    if (at > 0) {
      if (e.unanswered_us < 0) e.unanswered_us = now_us_;
      e.octets_out += at;
      ++counters_.messages;
      output_.commit(e.selected, at, first < at ? first : 0, s.config.tos);
    }
    i += n;
  }
}

void Core::resend(Subscription& s, uint16_t seq, int64_t now_us) {
  ++s.nacks;
  Endpoint& e = *s.endpoint;
  if (!s.sent_any || s.paused || !e.tx) return;
  const Packet* p = nullptr;
  Segment g;
  s.mapping.each([&](const Segment& segment) {
    Layer& l = s.track->layers[static_cast<size_t>(segment.layer)];
    int64_t index = l.line.peek(static_cast<uint16_t>(seq - segment.seq));
    if (index < segment.first) return false;  // of an older segment
    if (index <= segment.last) p = l.ring.find(index), g = segment;
    return true;
  });
  if (!p || static_cast<int16_t>(seq - s.last_seq) > 0) return;
  s.resend_budget = std::min(200.0, s.resend_budget + static_cast<double>(now_us - s.resend_us) * 500e-6);
  s.resend_us = now_us;
  if (s.resend_budget < 1) return;  // a subscriber that asks for everything gets 500 packets/s
  s.resend_budget -= 1;
  Downlink* d = e.downlink.get();
  if (d && d->known_since_us >= 0) {
    d->refill(now_us);
    if (d->pacer.budget() <= 0) {
      if (d->pacer.push_front({&s, p->index, g, true}, p->size)) attend(e);
      return;
    }
  }
  write_repair(s, *p, g, 0);
  if (d && d->repeats.wanted(now_us) && !d->full()) {
    d->repeats.push(&s, p->index, g, now_us);
    attend(e);
  }
}

// A retransmission, or a probe in the form of one: what a receiver has already it ignores.
void Core::write_repair(Subscription& s, const Packet& p, const Segment& g, int probe) {
  Endpoint& e = *s.endpoint;
  Template& w = templates[0];
  const bool rtx = s.config.rtx_pt != 0xff;
  write_template(w, p, e.ext_ids, e.ext_mixed, !rtx, s.counted(), s.takes_red());
  w.finish(w.data, g);
  uint8_t* out = output_.reserve(w.size + 2 + kSrtpTrailer);
  int length = static_cast<int>(w.size);
  if (rtx) {  // its own SSRC and numbers: no SRTP nonce is ever used twice with other bytes
    std::memcpy(out, w.data, w.payload);
    put16(out + w.payload, get16(w.data + 2));
    std::memcpy(out + w.payload + 2, w.data + w.payload, w.size - w.payload);
    out[1] = static_cast<uint8_t>(out[1] | s.config.rtx_pt);
    put16(out + 2, s.rtx_seq++);
    put32(out + 8, s.config.rtx_ssrc);
    length += 2;
    if (Downlink* d = e.downlink.get()) {
      d->spend(w.size + 2 + kWireOverhead, !probe);
      if (w.stamp)
        d->stamp(out + w.stamp, s.config.ssrc, w.size + 2 + kWireOverhead, output_.written_us(), probe);
    }
  } else {  // the same bytes as the first time, so the same ciphertext
    std::memcpy(out, w.data, w.size);
    w.address(out, s.config);
  }
  if (srtp_.protect(e.tx, out, &length) != 0) return;
  if (!probe) ++s.retransmissions;
  ++e.packets_out;
  e.octets_out += static_cast<uint64_t>(length);
  output_.commit(e.selected, static_cast<size_t>(length), 0, s.config.tos);
}

// A probe of any size: RTX without a packet in it, which receivers drop (RFC 4588 section 4).
void Core::write_padding(Subscription& s, size_t size, int probe) {
  Endpoint& e = *s.endpoint;
  Downlink& d = *e.downlink;
  size = std::clamp<size_t>(size, 1, 255);
  uint8_t* out = output_.reserve(32 + size + kSrtpTrailer);
  RtpHeader none;
  size_t stamp = 0;
  const size_t at = 12 + write_exts(out + 12, out, none, e.ext_ids, e.ext_mixed, &stamp);
  out[0] = 0xb0;  // with extension and padding
  out[1] = s.config.rtx_pt;
  put16(out + 2, s.rtx_seq++);
  put32(out + 4, s.last_timestamp);
  put32(out + 8, s.config.rtx_ssrc);
  std::memset(out + at, 0, size);
  out[at + size - 1] = static_cast<uint8_t>(size);
  d.spend(at + size + kWireOverhead, !probe);
  d.stamp(out + 12 + stamp, s.config.ssrc, at + size + kWireOverhead, output_.written_us(), probe);
  int length = static_cast<int>(at + size);
  if (srtp_.protect(e.tx, out, &length) != 0) return;
  ++e.packets_out;
  e.octets_out += static_cast<uint64_t>(length);
  output_.commit(e.selected, static_cast<size_t>(length), 0, s.config.tos);
}

// What waits on this way, as much as it takes now.
void Core::drain(Endpoint& e) {
  Pacer& q = e.downlink->pacer;
  while (!q.empty() && q.budget() > 0) {
    Subscription& s = *q.front().subscription;
    const bool repair = q.front().repair;
    const Template* run[Layer::kHoldPackets];
    Segment numbers[Layer::kHoldPackets];
    size_t taken = 0, count = 0;
    for (int64_t room = q.budget(); taken < q.size() && count < Layer::kHoldPackets && room > 0; ++taken) {
      const Waiting& w = q.at(taken);
      if (w.subscription != &s || w.repair != repair) break;
      const Packet* p = s.track->layers[static_cast<size_t>(w.numbers.layer)].ring.find(w.index);
      if (!p) continue;  // a newer one took its place
      if (repair) {
        write_repair(s, *p, w.numbers, 0);
        ++taken;
        break;
      }
      write_template(templates[count], *p, e.ext_ids, e.ext_mixed, true, s.counted(), s.takes_red());
      room -= static_cast<int64_t>(templates[count].size + kWireOverhead);
      run[count] = &templates[count];
      numbers[count++] = w.numbers;
    }
    if (count > 0) write_run(s, run, numbers, count);
    q.pop(taken);
  }
}

}  // namespace plane
