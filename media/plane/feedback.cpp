// RTCP both ways: what subscribers ask and report, what publishers announce, and what the relay says itself.
#include "core.h"

namespace plane {
namespace {

constexpr std::string_view kOwnName = "distal";
constexpr uint32_t kOwnSsrc = 1;  // the relay sends no media of its own
constexpr int64_t kFeedbackUs = 90000, kReportUs = 1000000, kKeyframeUs = 500000;
constexpr size_t kCompoundMax = 1200, kSenderReportMax = 28 + 80;  // with a name of 64 bytes

}  // namespace

Subscription* Core::subscription_of(Endpoint& e, uint32_t ssrc) {
  for (Subscription* s : e.subscriptions)
    if (s->config.ssrc == ssrc) return s;
  return nullptr;
}

void Core::on_rtcp(Endpoint& e, uint8_t* data, size_t size, int64_t now_us) {
  int length = static_cast<int>(size);
  if (size > kMaxDatagram || srtp_.unprotect_rtcp(e.rx, data, &length) != 0) {
    ++counters_.unauthentic;
    return;
  }
  heard(e, now_us);
  bool told = false;
  View compound{data, static_cast<size_t>(length)};
  rtcp::Packet packet;
  for (size_t at = 0; rtcp::next(compound, at, packet);) {
    const View b = packet.body;
    size_t reports = 0;
    if (packet.type == rtcp::kSenderReport && b.size >= 24) {
      auto found = e.streams.find(get32(b.data));
      if (found != e.streams.end() && !found->second.rtx) {
        Layer& l = *found->second.layer;
        l.sr_ntp = static_cast<uint64_t>(get32(b.data + 4)) << 32 | get32(b.data + 8);
        l.sr_timestamp = get32(b.data + 12);
        l.sr_us = now_us;
        l.reception.on_sender_report(l.sr_ntp, now_us);
      }
      reports = 24;
    } else if (packet.type == rtcp::kReceiverReport && b.size >= 4) {
      reports = 4;
    } else if (packet.type == rtcp::kTransportFeedback && packet.count == rtcp::kNack && b.size >= 8) {
      if (Subscription* s = subscription_of(e, get32(b.data + 4)))
        rtcp::each_nack(b, [&](uint16_t seq) { resend(*s, seq, now_us); });
    } else if (packet.type == rtcp::kTransportFeedback && packet.count == rtcp::kTransportCc) {
      if (e.downlink && !e.downlink->remb) e.downlink->estimator.on_feedback(b, now_us), told = true;
    } else if (packet.type == rtcp::kPayloadFeedback && packet.count == rtcp::kApplicationLayer) {
      if (e.downlink && e.downlink->remb) on_remb(e, b, now_us), told = true;
    } else if (packet.type == rtcp::kPayloadFeedback && packet.count == rtcp::kPli && b.size >= 8) {
      if (Subscription* s = subscription_of(e, get32(b.data + 4))) want_keyframe(*s, now_us);
    } else if (packet.type == rtcp::kPayloadFeedback && packet.count == rtcp::kFir) {
      for (size_t fci = 8; fci + 8 <= b.size; fci += 8)
        if (Subscription* s = subscription_of(e, get32(b.data + fci))) want_keyframe(*s, now_us);
    }
    for (uint8_t i = 0; reports && i < packet.count && reports + 24 <= b.size; ++i, reports += 24) {
      auto block = rtcp::read_report_block(b.data + reports);
      Subscription* s = subscription_of(e, block.ssrc);
      if (!s) continue;
      s->fraction_lost = block.fraction_lost;
      if (e.downlink && s->track->config.video) {
        const int own = s->passed_over.own_loss(block.fraction_lost, s->last_seq);
        e.downlink->repeats.reported(own, now_us);
        if (e.downlink->remb) e.downlink->remb->on_loss(block.ssrc, own, now_us);
      }
      for (auto& sent : s->sent_reports)
        if (sent.at_us >= 0 && block.last_sr != 0 && sent.middle == block.last_sr) {
          int64_t rtt =
              now_us - sent.at_us - static_cast<int64_t>(block.delay_since_last_sr) * 1000000 / 65536;
          if (rtt < 0) continue;
          s->rtt_us = rtt;
          if (!e.downlink) continue;
          e.downlink->estimator.on_rtt(rtt);
          if (e.downlink->remb) e.downlink->remb->on_rtt(rtt, now_us);
        }
    }
  }
  if (told && e.tx && e.has_selected) on_downlink(e, now_us);
}

// The list names what was received lately, RTX too.
void Core::on_remb(Endpoint& e, View body, int64_t now_us) {
  rtcp::Remb remb;
  if (!rtcp::read_remb(body, remb)) return;
  uint32_t pictures[32];
  size_t count = 0;
  for (const Subscription* s : e.subscriptions) {
    bool listed = false;
    for (size_t n = 0; n < remb.count; ++n)
      listed |= remb.ssrc(n) == s->config.ssrc || remb.ssrc(n) == s->config.rtx_ssrc;
    if (listed && s->counted() && count < std::size(pictures)) pictures[count++] = s->config.ssrc;
  }
  if (count > 0) e.downlink->remb->on_remb(remb.bps, pictures, count, now_us);
}

void Core::want_keyframe(Subscription& s, int64_t now_us) {
  Track& t = *s.track;
  const int layer = s.layer() >= 0 ? s.layer() : s.target;
  want_keyframe(t, t.layers[static_cast<size_t>(layer)], now_us);
}

void Core::want_keyframe(Track& t, Layer& l, int64_t now_us) {
  if (!t.config.video) return;
  l.keyframe_wanted = true;
  attend(t);
  if (now_us - l.keyframe_asked_us < kKeyframeUs || !t.endpoint->tx || !t.endpoint->has_selected ||
      l.config.ssrc == 0)
    return;  // the timer asks again
  l.keyframe_wanted = false;
  l.keyframe_asked_us = now_us;
  uint8_t packet[32];
  size_t size = 0;
  if (t.config.pli)
    size = rtcp::write_pli(packet, kOwnSsrc, l.config.ssrc);
  else if (t.config.fir)
    size = rtcp::write_fir(packet, kOwnSsrc, l.config.ssrc, l.fir_sequence++);
  if (size == 0) return;
  ++t.plis;
  send_feedback(*t.endpoint, packet, size);
}

void Core::ask_missing(Track& t, Layer& l, int64_t now_us) {
  if (!t.endpoint->tx || !t.endpoint->has_selected) return;
  l.reception.due(now_us, due_);
  if (due_.empty()) return;
  uint8_t packet[1300];
  send_feedback(*t.endpoint, packet, rtcp::write_nack(packet, kOwnSsrc, l.config.ssrc, due_));
}

void Core::send_reports(Endpoint& e, int64_t now_us) {
  uint8_t packet[1300];
  if (!e.tracks.empty() && now_us >= e.feedback_due_us) {
    e.feedback_due_us = now_us + kFeedbackUs;
    if (e.transport_cc && !e.feedback.empty())
      if (size_t size = e.feedback.write(packet, kOwnSsrc, e.feedback_media)) send_feedback(e, packet, size);
  }
  if (!e.tracks.empty() && now_us >= e.report_due_us) {
    e.report_due_us = now_us + kReportUs;
    rtcp::ReportBlock blocks[31];
    size_t count = 0;
    std::vector<uint32_t> video;
    for (Track* t : e.tracks)
      for (Layer& l : t->layers) {
        if (!l.reception.started() || count == 31) continue;
        blocks[count++] = l.reception.report(l.config.ssrc, now_us);
        if (t->config.video) video.push_back(l.config.ssrc);
      }
    if (count > 0) {
      size_t size = rtcp::write_receiver_report(packet, kOwnSsrc, blocks, count);
      size += rtcp::write_source_description(packet + size, kOwnSsrc, kOwnName);
      const uint64_t may_send = may_send_bps(e);
      const bool limited = may_send < remb_bps_;
      // With transport-wide feedback a publisher finds the rate of its own way by itself.
      if (e.remb && !video.empty() && (!e.transport_cc || limited || e.told_limit))
        size += rtcp::write_remb(packet + size, kOwnSsrc, may_send, video);
      e.told_limit = limited;
      send_rtcp(e, packet, size);
    }
  }
  send_sender_reports(e, now_us);
}

// REMB speaks of a whole transport: it holds a publisher back when all of its pictures are to be smaller.
uint64_t Core::may_send_bps(const Endpoint& e) const {
  constexpr int64_t kSoundBps = 64000;
  int64_t sum = 0;
  for (const Track* t : e.tracks) {
    if (t->config.video && !t->limit.set()) return remb_bps_;
    sum += t->config.video ? t->limit.bps() : kSoundBps;
  }
  return std::min(remb_bps_, static_cast<uint64_t>(sum));
}

// Those of one endpoint go together (RFC 8108 section 5.3).
void Core::send_sender_reports(Endpoint& e, int64_t now_us) {
  auto can = [](const Subscription& s) {
    return s.sent_any && !s.paused && s.layer() >= 0 &&
           s.track->layers[static_cast<size_t>(s.layer())].sr_us >= 0;
  };
  if (std::none_of(e.subscriptions.begin(), e.subscriptions.end(),
                   [&](auto* s) { return now_us >= s->sr_due_us && can(*s); }))
    return;
  uint8_t packet[kCompoundMax];
  size_t size = 0;
  for (Subscription* s : e.subscriptions) {
    if (now_us < s->sr_due_us - kReportUs / 2 || !can(*s)) continue;
    size += write_sender_report(packet + size, *s, now_us);
    if (size + kSenderReportMax <= kCompoundMax) continue;
    send_rtcp(e, packet, size);
    size = 0;
  }
  if (size > 0) send_rtcp(e, packet, size);
}

// The publisher's clocks, carried forward to now: timestamps pass unchanged, so its mapping between wall
// clock and RTP time holds for every subscriber, and sound stays with its picture.
size_t Core::write_sender_report(uint8_t* out, Subscription& s, int64_t now_us) {
  s.sr_due_us = now_us + kReportUs;
  const Track& t = *s.track;
  const Layer& l = t.layers[static_cast<size_t>(s.layer())];
  int64_t elapsed_us = now_us - l.sr_us;
  uint64_t ntp = l.sr_ntp + static_cast<uint64_t>(elapsed_us / 1000000) * (1ULL << 32) +
                 (static_cast<uint64_t>(elapsed_us % 1000000) << 32) / 1000000;
  auto timestamp = l.sr_timestamp + s.mapping.now().timestamp +
                   static_cast<uint32_t>(elapsed_us * t.config.clock_rate / 1000000);
  const size_t size =
      rtcp::write_sender_report(out, s.config.ssrc, ntp, timestamp, static_cast<uint32_t>(s.packets),
                                static_cast<uint32_t>(s.octets), t.config.cname);
  s.sent_reports[s.sent_report_at++ % 4] = {static_cast<uint32_t>(ntp >> 16), now_us};
  return size;
}

// Peers that did not agree to reduced size get feedback inside a compound packet (RFC 3550 section 6.1).
void Core::send_feedback(Endpoint& e, const uint8_t* packet, size_t size) {
  if (e.reduced_size) return send_rtcp(e, packet, size);
  uint8_t compound[1400];
  size_t at = rtcp::write_receiver_report(compound, kOwnSsrc, nullptr, 0);
  at += rtcp::write_source_description(compound + at, kOwnSsrc, kOwnName);
  std::memcpy(compound + at, packet, size);
  send_rtcp(e, compound, at + size);
}

void Core::send_rtcp(Endpoint& e, const uint8_t* packet, size_t size) {
  uint8_t* out = output_.reserve(size + kSrtpTrailer);
  std::memcpy(out, packet, size);
  int length = static_cast<int>(size);
  if (srtp_.protect_rtcp(e.tx, out, &length) != 0) return;
  e.octets_out += static_cast<uint64_t>(length);
  output_.commit(e.selected, static_cast<size_t>(length), 0, 0);
}

}  // namespace plane
