// Dispatch of what arrives, and the commands that make and end endpoints, tracks and subscriptions.
#include "core.h"

namespace plane {
namespace {

constexpr int64_t kTimerUs = 10000;
constexpr size_t kValidatedMax = 8;  // host, reflexive and relayed pairs of a client with two interfaces

template <class T>
void forget(std::vector<T*>& list, T* item) {
  std::erase(list, item);
}

}  // namespace

void Core::on_datagram(const Path& from, uint8_t* data, size_t size, int64_t arrival_us, int64_t now_us) {
  now_us_ = now_us;
  ++counters_.datagrams;
  if (size < 12) {
    ++counters_.malformed;
    return;
  }
  if (data[0] < 4) {  // RFC 7983: the first byte tells the protocol
    on_stun(from, {data, size}, now_us);
    return;
  }
  auto found = by_address_.find(from.remote);
  if (found == by_address_.end()) {
    ++counters_.unknown;
    return;
  }
  Endpoint& e = *found->second;
  if (data[0] >= 20 && data[0] <= 63) {
    events_.dtls(e.id, {data, size});
  } else if (data[0] >= 128 && data[0] <= 191 && e.rx) {
    e.octets_in += size;
    ++e.packets_in;
    if (is_rtcp(data))
      on_rtcp(e, data, size, now_us);
    else
      on_rtp(e, data, size, arrival_us, now_us);
  } else {
    ++counters_.malformed;
  }
}

void Core::on_stun(const Path& from, View datagram, int64_t now_us) {
  auto request = parse_binding_request(datagram);
  if (!request) {
    ++counters_.malformed;
    return;
  }
  auto found = by_ufrag_.find(std::string(request->local_ufrag));
  if (found == by_ufrag_.end() || !authentic(datagram, *request, found->second->password_of(*request))) {
    ++counters_.unauthentic;
    return;
  }
  Endpoint& e = *found->second;
  heard(e, now_us);
  auto [known, inserted] = by_address_.try_emplace(from.remote, &e);
  if (!inserted && known->second != &e) {  // the address was another transport's: a NAT gave it anew
    std::erase(known->second->validated, from.remote);
    if (known->second->selected.remote == from.remote) known->second->has_selected = false;
    known->second = &e;
    inserted = true;
  }
  if (inserted) {
    if (e.validated.size() >= kValidatedMax) {
      auto oldest = std::find_if(e.validated.begin(), e.validated.end(),
                                 [&](const Address& a) { return !(a == e.selected.remote); });
      by_address_.erase(*oldest);
      e.validated.erase(oldest);
    }
    e.validated.push_back(from.remote);
  }
  const bool silenced = !e.has_selected;
  // A NAT may give a peer another address, and an agent that nominates once does not say so again.
  if (request->use_candidate || !e.has_selected || now_us - e.confirmed_us > Endpoint::kMovedUs) {
    e.selected = from;
    e.has_selected = true;
  }
  uint8_t* out = output_.reserve(128);
  output_.commit(from, write_binding_response(out, *request, from.remote, e.password_of(*request)), 0, 0);
  if (from.remote == e.selected.remote) {
    e.confirmed_us = now_us;
    if (silenced) begin_anew(e), on_return(e);
  }
  if (request->local_ufrag == e.ufrag && request->use_candidate &&
      !e.old_ufrag.empty()) {  // the restart is done
    by_ufrag_.erase(e.old_ufrag);
    e.old_ufrag.clear();
  }
}

// Who receives is silent while nothing is sent to him: an outage is media without an answer.
void Core::heard(Endpoint& e, int64_t now_us) {
  auto ago = [&](int64_t us) { return us >= 0 && now_us - us > Endpoint::kOutageUs; };
  const bool away = ago(e.last_heard_us), unreached = ago(e.unanswered_us);
  e.last_heard_us = now_us;
  e.unanswered_us = -1;
  if (unreached) begin_anew(e);
  if (away) on_return(e);
}

// A peer can be reached again: it begins at a key frame, as those do who decode what it sends (on_return).
void Core::begin_anew(Endpoint& e) {
  for (Subscription* s : e.subscriptions) {
    if (!e.tx || !s->sent_any || s->paused || !s->track->config.video) continue;
    stop_short(*s);
    s->mapping.clear();  // what went into the void is not worth sending again: it would be in the way
    want_keyframe(*s, now_us_);
  }
}

void Core::on_return(Endpoint& e) {
  for (Track* t : e.tracks)
    for (Layer& l : t->layers)
      if (l.reception.started()) want_keyframe(*t, l, now_us_);
}

bool Core::expects(View check) const {
  auto request = parse_binding_request(check);
  if (!request) return false;
  auto found = by_ufrag_.find(std::string(request->local_ufrag));
  return found != by_ufrag_.end() && authentic(check, *request, found->second->password_of(*request));
}

void Core::disconnect(const Address& address) {
  auto found = by_address_.find(address);
  if (found == by_address_.end()) return;
  Endpoint& e = *found->second;
  std::erase(e.validated, address);
  if (e.selected.remote == address) e.has_selected = false;  // until the next check, from wherever it comes
  by_address_.erase(found);
}

void Core::on_timer(int64_t now_us) {
  now_us_ = now_us;
  for (size_t n = 0; n < waiting_.size();) {
    Track& t = *waiting_[n];
    serve(t, now_us);
    if (t.waiting)
      ++n;
    else
      waiting_[n] = waiting_.back(), waiting_.pop_back();
  }
  for (size_t n = 0; n < pacing_.size();) {
    Endpoint& e = *pacing_[n];
    if (e.tx && e.has_selected) on_downlink(e, now_us);
    const Downlink& d = *e.downlink;
    e.pacing = !d.pacer.empty() || !d.repeats.empty() || (d.remb && d.remb->pads());
    if (e.pacing)
      ++n;
    else
      pacing_[n] = pacing_.back(), pacing_.pop_back();
  }
  constexpr int64_t kSlices = Rounds<Track>::kSlices;
  int64_t turns = timer_us_ < 0 ? kSlices : (now_us - timer_us_ + kTimerUs / 2) / kTimerUs;
  timer_us_ = now_us;
  for (turns = std::clamp<int64_t>(turns, 1, kSlices); turns > 0; --turns) {
    for (Track* t : tracks_in_turn_.slices[slice_]) look_after(*t, now_us);
    for (Endpoint* e : endpoints_in_turn_.slices[slice_]) look_after(*e, now_us);
    slice_ = (slice_ + 1) % kSlices;
  }
}

void Core::serve(Track& t, int64_t now_us) {
  bool waits = false;
  for (Layer& l : t.layers) {
    if (!l.held.empty() && now_us - l.held_since_us >= Layer::kHoldUs) flush(t, l);
    if (l.reception.any_missing()) ask_missing(t, l, now_us);
    if (l.keyframe_wanted) want_keyframe(t, l, now_us);
    waits |= !l.held.empty() || l.reception.any_missing() || l.keyframe_wanted;
  }
  t.waiting = waits;
}

void Core::look_after(Track& t, int64_t now_us) {
  for (Layer& l : t.layers)
    for (Rate& rate : l.rates) rate.tick(now_us);
  if (t.config.video && !t.simulcast()) limit(t, now_us);
  for (Subscription* s : t.subscriptions)
    if (t.simulcast() || s->await_key) choose(*s, now_us);
}

// Whoever sees it well decides: nobody's picture gets worse for the sake of somebody else's network.
void Core::limit(Track& t, int64_t now_us) {
  int64_t room_bps = -1;
  for (const Subscription* s : t.subscriptions)
    if (!s->paused && s->endpoint->tx && s->endpoint->has_selected)
      room_bps = std::max(room_bps, s->room_bps);
  const int64_t before_bps = t.limit.bps();
  t.limit.update(room_bps < 0 ? Limit::kNone : room_bps, t.bps(), now_us);
  if (t.limit.bps() < before_bps - before_bps / 10) t.endpoint->report_due_us = 0;  // the sooner the better
}

void Core::look_after(Endpoint& e, int64_t now_us) {
  // Media goes where a check has come from lately. Feedback goes on to whoever publishes: some encoders
  // check once and never again.
  const int64_t consent_us = e.subscriptions.empty() ? e.last_heard_us : e.confirmed_us;
  if (e.has_selected && now_us - consent_us > Endpoint::kConsentUs) e.has_selected = false;
  if (!e.tx || !e.has_selected) return;
  send_reports(e, now_us);
  if (e.downlink) on_downlink(e, now_us);
}

void Core::add_endpoint(uint32_t id, const std::string& ufrag, const std::string& password) {
  auto e = std::make_unique<Endpoint>();
  e->id = id;
  e->ufrag = ufrag;
  e->password = password;
  by_ufrag_[ufrag] = e.get();
  endpoints_in_turn_.add(e.get());
  endpoints_[id] = std::move(e);
}

// An ICE restart (RFC 8445 section 9): path, keys and streams stay. The pair that is in use stays valid, not
// one that was offered meanwhile.
void Core::set_credentials(uint32_t endpoint, const std::string& ufrag, const std::string& password) {
  auto found = endpoints_.find(endpoint);
  if (found == endpoints_.end()) return;
  Endpoint& e = *found->second;
  if (e.old_ufrag.empty()) {
    e.old_ufrag = e.ufrag;
    e.old_password = e.password;
  } else {
    by_ufrag_.erase(e.ufrag);
  }
  e.ufrag = ufrag;
  e.password = password;
  by_ufrag_[ufrag] = &e;
}

void Core::set_srtp(uint32_t endpoint, void* rx, void* tx) {
  auto found = endpoints_.find(endpoint);
  if (found == endpoints_.end()) return;
  Endpoint& e = *found->second;
  e.rx = rx;
  e.tx = tx;
  for (Subscription* s : e.subscriptions) want_keyframe(*s, now_us_);  // they can be seen from now on
}

void Core::set_receive(uint32_t endpoint, const ExtIds& ids, bool transport_cc, bool remb,
                       bool reduced_size) {
  auto found = endpoints_.find(endpoint);
  if (found == endpoints_.end()) return;
  found->second->ext_ids = ids;
  found->second->transport_cc = transport_cc;
  found->second->remb = remb;
  found->second->reduced_size = reduced_size;
}

void Core::set_send(uint32_t endpoint, const ExtIds& ids, bool mixed) {
  auto found = endpoints_.find(endpoint);
  if (found == endpoints_.end()) return;
  Endpoint& e = *found->second;
  e.ext_ids = ids;
  e.ext_mixed = mixed;
  const bool counts = ids[static_cast<size_t>(Ext::transport_cc)];
  if (!counts && !ids[static_cast<size_t>(Ext::abs_send_time)]) return;
  if (!e.downlink) e.downlink = std::make_unique<Downlink>();
  if (counts)
    e.downlink->remb.reset();
  else if (!e.downlink->remb)
    e.downlink->remb.emplace();
}

void Core::remove_endpoint(uint32_t id) {
  auto found = endpoints_.find(id);
  if (found == endpoints_.end()) return;
  Endpoint& e = *found->second;
  while (!e.tracks.empty()) remove_track(e.tracks.back()->id);
  while (!e.subscriptions.empty()) remove_subscription(e.subscriptions.back()->id);
  for (const Address& a : e.validated) by_address_.erase(a);
  by_ufrag_.erase(e.ufrag);
  if (!e.old_ufrag.empty()) by_ufrag_.erase(e.old_ufrag);
  if (e.pacing) forget(pacing_, &e);
  endpoints_in_turn_.remove(&e);
  endpoints_.erase(found);
}

bool Core::add_track(uint32_t id, uint32_t endpoint, const TrackConfig& config) {
  auto found = endpoints_.find(endpoint);
  if (found == endpoints_.end()) return false;
  Endpoint& e = *found->second;
  if (config.layers.empty()) return false;
  for (const LayerConfig& l : config.layers)
    for (uint32_t ssrc : {l.ssrc, l.rtx_ssrc})
      if (ssrc && e.streams.contains(ssrc)) return false;
  auto t = std::make_unique<Track>(config);
  t->id = id;
  t->endpoint = &e;
  for (Layer& l : t->layers) {
    if (l.config.ssrc) e.streams[l.config.ssrc] = {t.get(), &l, false};
    if (l.config.rtx_ssrc) e.streams[l.config.rtx_ssrc] = {t.get(), &l, true};
    if (e.feedback_media == 0) e.feedback_media = l.config.ssrc;
  }
  e.tracks.push_back(t.get());
  tracks_in_turn_.add(t.get());
  tracks_[id] = std::move(t);
  return true;
}

void Core::remove_track(uint32_t id) {
  auto found = tracks_.find(id);
  if (found == tracks_.end()) return;
  Track& t = *found->second;
  while (!t.subscriptions.empty()) remove_subscription(t.subscriptions.back()->id);
  std::erase_if(t.endpoint->streams, [&](auto& entry) { return entry.second.track == &t; });
  forget(t.endpoint->tracks, &t);
  if (t.waiting) forget(waiting_, &t);
  tracks_in_turn_.remove(&t);
  tracks_.erase(found);
}

bool Core::add_subscription(uint32_t id, uint32_t track, uint32_t endpoint,
                            const SubscriptionConfig& config) {
  auto t = tracks_.find(track);
  auto e = endpoints_.find(endpoint);
  if (t == tracks_.end() || e == endpoints_.end()) return false;
  auto s = std::make_unique<Subscription>();
  s->id = id;
  s->track = t->second.get();
  s->endpoint = e->second.get();
  s->config = config;
  s->wanted_layer = s->target = static_cast<int>(s->track->layers.size()) - 1;
  s->rtx_seq = static_cast<uint16_t>(config.rtx_ssrc & 0x3fff);
  s->track->subscriptions.push_back(s.get());
  s->endpoint->subscriptions.push_back(s.get());
  if (s->endpoint->tx) want_keyframe(*s, now_us_);
  subscriptions_[id] = std::move(s);
  return true;
}

void Core::pause(uint32_t subscription, bool paused) {
  auto found = subscriptions_.find(subscription);
  if (found == subscriptions_.end() || found->second->paused == paused) return;
  Subscription& s = *found->second;
  s.paused = paused;
  if (paused) stop_short(s);
  s.await_key = false;
  s.restart = true;  // numbers go on without a gap
  if (!paused) want_keyframe(s, now_us_);
}

void Core::prefer(uint32_t subscription, int layer, uint8_t temporal) {
  auto found = subscriptions_.find(subscription);
  if (found == subscriptions_.end()) return;
  Subscription& s = *found->second;
  s.wanted_layer = std::clamp(layer, 0, static_cast<int>(s.track->layers.size()) - 1);
  s.wanted_temporal = temporal;
  choose(s, now_us_);
}

void Core::prioritize(uint32_t subscription, int priority) {
  auto found = subscriptions_.find(subscription);
  if (found != subscriptions_.end()) found->second->config.priority = priority;
}

void Core::remove_subscription(uint32_t id) {
  auto found = subscriptions_.find(id);
  if (found == subscriptions_.end()) return;
  Subscription& s = *found->second;
  stop_short(s);
  forget_streams(s);
  forget(s.track->subscriptions, &s);
  forget(s.endpoint->subscriptions, &s);
  subscriptions_.erase(found);
}

// libsrtp keeps a stream's state, a kilobyte, as long as the session: one who stays would collect everybody
// who came and went. Nothing is sent on it any more, and SSRCs are drawn anew: no nonce is used twice.
void Core::forget_streams(const Subscription& s) {
  if (!s.endpoint->tx) return;
  for (uint32_t ssrc : {s.config.ssrc, s.config.rtx_ssrc}) {
    uint32_t wire;
    put32(reinterpret_cast<uint8_t*>(&wire), ssrc);
    srtp_.remove_stream(s.endpoint->tx, wire);  // one that never sent has none
  }
}

void Core::send(uint32_t endpoint, View datagram) {
  auto found = endpoints_.find(endpoint);
  if (found == endpoints_.end() || !found->second->has_selected || datagram.size > kMaxDatagram) return;
  uint8_t* out = output_.reserve(datagram.size);
  std::memcpy(out, datagram.data, datagram.size);
  output_.commit(found->second->selected, datagram.size, 0, 0);
}

}  // namespace plane
