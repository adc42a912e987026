// The path of a media packet: unprotect, remember, hold a video frame until it is whole, and write it once
// for every subscriber.
#include "core.h"

namespace plane {

// A packet as its subscribers get it, but for what differs between them: payload type, sequence number, SSRC.
struct Template {
  const Packet* packet;
  size_t size;
  uint8_t data[kMaxDatagram + 64];
};

namespace {

// Subscribers with the same extension ids share these; the plane's thread is the only user.
thread_local Template templates[Track::kHoldPackets];

constexpr size_t kEvenUp = 4;  // bytes of padding that a packet may get to match its frame's longest

size_t write_template(uint8_t* out, const Packet& p, const ExtIds& ids, bool mixed, uint8_t extra_padding) {
  std::memcpy(out, p.data, 12);
  size_t at = 12 + write_exts(out + 12, p.data, p.header, ids, mixed);
  const bool exts = at > 12;
  const bool padding = p.header.padding || extra_padding;
  out[0] = static_cast<uint8_t>(0x80 | (padding ? 0x20 : 0) | (exts ? 0x10 : 0));
  out[1] = p.header.marker ? 0x80 : 0;
  size_t payload = p.size - p.header.payload;
  std::memcpy(out + at, p.data + p.header.payload, payload);
  at += payload;
  if (extra_padding) {
    std::memset(out + at, 0, extra_padding);
    at += extra_padding;
    out[at - 1] = extra_padding;
  }
  return at;
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
  auto found = e.streams.find(h.ssrc);
  if (found != e.streams.end()) return &found->second;
  // An SSRC that the description did not name: its mid says which track it is (RFC 8843 section 9.2), once.
  const ExtAt& mid = h.ext[static_cast<size_t>(Ext::mid)];
  for (Track* t : e.tracks) {
    bool primary = h.pt == t->config.pt && t->config.ssrc == 0;
    bool rtx = h.pt == t->config.rtx_pt && t->config.rtx_ssrc == 0;
    if (!primary && !rtx) continue;
    if (mid.offset) {
      if (t->config.mid.size() != mid.size ||
          std::memcmp(t->config.mid.data(), datagram.data + mid.offset, mid.size) != 0)
        continue;
    } else if (e.tracks.size() > 2 ||
               (e.tracks.size() == 2 && e.tracks[0]->config.video == e.tracks[1]->config.video)) {
      continue;  // without a mid only one track of each kind can be told by its payload type
    }
    (primary ? t->config.ssrc : t->config.rtx_ssrc) = h.ssrc;
    if (primary && e.feedback_media == 0) e.feedback_media = h.ssrc;
    return &(e.streams[h.ssrc] = {t, rtx});
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
      (stream->rtx ? stream->track->config.rtx_ssrc : stream->track->config.ssrc) = 0;
      e.streams.erase(header->ssrc);
    }
    return;
  }
  size = static_cast<size_t>(length);
  if (size < header->payload) {
    ++counters_.malformed;
    return;
  }
  e.last_heard_us = now_us;
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
    on_media(t, h, data, size - 2, arrival_us, now_us, true);
  } else if (h.pt == t.config.pt) {
    on_media(t, h, data, size, arrival_us, now_us, false);
  }
}

void Core::on_media(Track& t, const RtpHeader& h, uint8_t* data, size_t size, int64_t arrival_us,
                    int64_t now_us, bool repaired) {
  if (repaired && t.line.highest() < 0) return;
  int64_t index = repaired ? t.line.peek(h.seq) : t.line.unwrap(h.seq);
  if (t.reception.jumped(index)) {  // the publisher began anew under the same SSRC
    if (repaired) return;
    t.held.clear();
    t.ring.clear();
    t.line.reset();
    t.reception = Reception(t.config.clock_rate);
    index = t.line.unwrap(h.seq);
    for (Subscription* s : t.subscriptions) s->first_index = -1;
    want_keyframe(t, now_us);
  }
  Packet* p = t.ring.claim(index);
  if (!p) return;  // a duplicate
  p->header = h;
  p->size = static_cast<uint16_t>(size);
  std::memcpy(p->data, data, size);
  put16(p->data + 2, h.seq);
  const bool late = index < t.reception.highest();
  t.reception.on_packet(index, h.timestamp, arrival_us, repaired, t.config.nack);
  ++t.packets;
  t.octets += size;
  t.last_packet_us = now_us;
  if (t.reception.any_new_gap()) ask_missing(t, now_us);

  if (!t.config.video) {
    const ExtAt& level = h.ext[static_cast<size_t>(Ext::audio_level)];
    if (level.offset) {
      int dbov = -(data[level.offset] & 0x7f);
      if (dbov >= t.level_dbov || now_us - t.level_us > 500000) t.level_dbov = dbov, t.level_us = now_us;
    }
    forward(t, &p, 1);
    return;
  }
  if (late && (t.held.empty() || index < t.held.front()->index)) {  // nobody should wait longer for it
    forward(t, &p, 1);
    return;
  }
  // A frame leaves when it is whole: no receiver can use it earlier, and one message is far cheaper than ten.
  if (!late && !t.held.empty() && t.held.front()->header.timestamp != h.timestamp) flush(t);
  if (t.held.empty()) t.held_since_us = now_us;
  t.held.push_back(p);
  if (h.marker || t.held.size() >= Track::kHoldPackets) flush(t);
}

void Core::flush(Track& t) {
  if (t.held.empty()) return;
  even_up(t.held.data(), t.held.size());
  forward(t, t.held.data(), t.held.size());
  t.held.clear();
}

void Core::forward(Track& t, Packet* const* packets, size_t count) {
  const Endpoint* written_for = nullptr;
  for (Subscription* s : t.subscriptions) {
    const Endpoint& e = *s->endpoint;
    if (s->paused || !e.tx || !e.has_selected) continue;
    if (!written_for || written_for->ext_ids != e.ext_ids || written_for->ext_mixed != e.ext_mixed) {
      for (size_t i = 0; i < count; ++i) {
        Template& w = templates[i];
        w.packet = packets[i];
        w.size = write_template(w.data, *packets[i], e.ext_ids, e.ext_mixed, packets[i]->extra_padding);
      }
      written_for = &e;
    }
    send_run(*s, templates, count);
  }
}

void Core::send_run(Subscription& s, const Template* run, size_t count) {
  if (s.first_index < 0) {  // numbers go on from the last one sent; the first is low, far from wrapping
    s.first_index = run[0].packet->index;
    uint16_t seq = run[0].packet->header.seq;
    s.offset = static_cast<uint16_t>((s.sent_any ? s.last_seq + 1 : seq & 0x3fff) - seq);
  }
  Endpoint& e = *s.endpoint;
  for (size_t i = 0; i < count;) {
    if (run[i].packet->index < s.first_index) {
      ++i;
      continue;
    }
    const size_t segment = run[i].size;
    size_t n = 1;
    while (i + n < count && run[i + n].size <= segment && (n + 1) * (segment + kSrtpTrailer) < 60000) {
      ++n;
      if (run[i + n - 1].size < segment) break;  // only the last of a message may be shorter
    }
    uint8_t* out = output_.reserve(n * (segment + kSrtpTrailer));
    size_t at = 0, first = 0;
    for (size_t k = 0; k < n; ++k) {
      const Template& w = run[i + k];
      uint8_t* p = out + at;
      std::memcpy(p, w.data, w.size);
      uint16_t seq = static_cast<uint16_t>(w.packet->header.seq + s.offset);
      p[1] = static_cast<uint8_t>(p[1] | s.config.pt);
      put16(p + 2, seq);
      put32(p + 8, s.config.ssrc);
      int length = static_cast<int>(w.size);
      if (srtp_.protect(e.tx, p, &length) != 0) break;
      if (k == 0) first = static_cast<size_t>(length);
      at += static_cast<size_t>(length);
      if (!s.sent_any || static_cast<int16_t>(seq - s.last_seq) > 0) s.last_seq = seq;
      s.sent_any = true;
      ++s.packets;
      ++e.packets_out;
      ++counters_.forwarded;
      s.octets += w.size - 12;
    }
    if (at > 0) {
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
  Track& t = *s.track;
  if (!s.sent_any || s.paused || !e.tx) return;
  Packet* p = t.ring.find(t.line.peek(static_cast<uint16_t>(seq - s.offset)));
  if (!p || p->index < s.first_index) return;
  s.resend_budget = std::min(200.0, s.resend_budget + static_cast<double>(now_us - s.resend_us) * 500e-6);
  s.resend_us = now_us;
  if (s.resend_budget < 1) return;  // a subscriber that asks for everything gets 500 packets/s
  s.resend_budget -= 1;

  Template& w = templates[0];
  const bool rtx = s.config.rtx_pt != 0xff;
  w.size = write_template(w.data, *p, e.ext_ids, e.ext_mixed, rtx ? 0 : p->extra_padding);
  uint8_t* out = output_.reserve(w.size + 2 + kSrtpTrailer);
  int length = static_cast<int>(w.size);
  if (rtx) {  // its own SSRC and numbers: no SRTP nonce is ever used twice with other bytes
    size_t payload = 12;
    if (w.data[0] & 0x10) payload += 4 + 4 * static_cast<size_t>(get16(w.data + 14));
    std::memcpy(out, w.data, payload);
    put16(out + payload, seq);
    std::memcpy(out + payload + 2, w.data + payload, w.size - payload);
    out[1] = static_cast<uint8_t>(out[1] | s.config.rtx_pt);
    put16(out + 2, s.rtx_seq++);
    put32(out + 8, s.config.rtx_ssrc);
    length += 2;
  } else {  // the same bytes as the first time, so the same ciphertext
    std::memcpy(out, w.data, w.size);
    out[1] = static_cast<uint8_t>(out[1] | s.config.pt);
    put16(out + 2, seq);
    put32(out + 8, s.config.ssrc);
  }
  if (srtp_.protect(e.tx, out, &length) != 0) return;
  ++s.retransmissions;
  ++e.packets_out;
  e.octets_out += static_cast<uint64_t>(length);
  output_.commit(e.selected, static_cast<size_t>(length), 0, s.config.tos);
}

}  // namespace plane
