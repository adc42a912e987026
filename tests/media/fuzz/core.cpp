// The whole core: publishers, subscribers, commands and time, as the input says. What holds after each step
// is in `Wire` (what may leave) and `World::check` (what may stay).
//
// Input: flags, then operations, each a byte and its arguments. SRTP's place is taken by functions that let
// keyed packets through, so that what a keyed but hostile peer may send is covered too.
#include "media/plane/core.h"

#include <map>
#include <set>
#include <string>

#include "fuzz.h"
#include "media/plane/rtcp.h"
#include "media/plane/twcc.h"

using namespace plane;

namespace {

constexpr int kTag = 16;
constexpr uint8_t kForged = 0xfe;  // a packet that ends so was made without the key
constexpr uint8_t kMediaPt = 96, kRtxPt = 97, kAudioPt = 111, kRedPt = 63, kNoPt = 0xff;
constexpr uint32_t kEndpoints = 4, kTracks = 4, kSubscriptions = 6, kAddresses = 12;

// What leaves under one key: AES-GCM allows no two packets of different bytes with one SSRC and number.
class Wire {
 public:
  bool open = true;
  bool contiguous = false;  // nothing is lost on the way in, so nothing may be missing on the way out

  void packet(const uint8_t* p, size_t size) {
    CHECK(open && size >= 12 && size <= kMaxDatagram + 64 && p[0] >> 6 == 2);
    Line& line = lines_[get32(p + 8)];
    const bool first = line.numbers.highest() < 0;
    const int64_t before = line.numbers.highest(), index = line.numbers.unwrap(get16(p + 2));
    CHECK(!contiguous || first || index <= before + 1);
    const size_t hash = std::hash<std::string_view>{}({reinterpret_cast<const char*>(p), size});
    auto [known, fresh] = line.sent.try_emplace(index, hash);
    CHECK(fresh || known->second == hash);
  }
  // The highest number sent under this SSRC, and whether there is one.
  std::pair<uint16_t, bool> last(uint32_t ssrc) const {
    auto found = lines_.find(ssrc);
    if (found == lines_.end()) return {0, false};
    return {static_cast<uint16_t>(found->second.numbers.highest()), true};
  }

 private:
  struct Line {
    SequenceLine numbers;
    std::map<int64_t, size_t> sent;
  };
  std::map<uint32_t, Line> lines_;
};

int protect(void* session, void* packet, int* length) {
  static_cast<Wire*>(session)->packet(static_cast<uint8_t*>(packet), static_cast<size_t>(*length));
  std::memset(static_cast<uint8_t*>(packet) + *length, 0xaa, kTag);
  *length += kTag;
  return 0;
}
int protect_rtcp(void* session, void* packet, int* length) {
  CHECK(static_cast<Wire*>(session)->open && *length >= 8 && *length <= 1400);
  std::memset(static_cast<uint8_t*>(packet) + *length, 0xaa, kTag + 4);
  *length += kTag + 4;
  return 0;
}
int unprotect(void* session, void* packet, int* length) {
  CHECK(static_cast<Wire*>(session)->open);
  if (*length < kTag || static_cast<uint8_t*>(packet)[*length - 1] == kForged) return 1;
  *length -= kTag;
  return 0;
}
int remove_stream(void* session, uint32_t) {
  CHECK(static_cast<Wire*>(session)->open);
  return 0;
}

// What leaves, as a socket takes it; and what the subscribers' transport-wide numbers were.
struct Network : Output, Events {
  fuzz::Bytes room;
  uint64_t messages = 0, dtls_datagrams = 0;
  int64_t now_us = 1000000;
  int64_t written_us() const override { return now_us; }
  uint8_t* reserve(size_t size) override {
    room = fuzz::Bytes(size);  // exact, so that a write past the reservation is seen
    return room.data();
  }
  void commit(const Path& path, size_t size, size_t segment, uint8_t) override {
    CHECK(size > 0 && size <= room.size() && size < 65536 && segment < size);
    CHECK(segment == 0 || (size + segment - 1) / segment <= 64);  // the kernel's bound on one message
    CHECK(path.remote.port >= 1 && path.remote.port <= kAddresses);
    ++messages;
  }
  void dtls(uint32_t, View datagram) override {
    CHECK(datagram.size > 0);
    ++dtls_datagrams;
  }
};

struct Totals {  // printed at the end, for a test that something happened at all
  uint64_t forwarded = 0, messages = 0, dtls = 0, retransmissions = 0, waited = 0, starved = 0, padded = 0;
  ~Totals() {
    if (!std::getenv("DISTAL_FUZZ_TOTALS")) return;
    std::printf("forwarded=%lu messages=%lu dtls=%lu retransmissions=%lu waited=%lu starved=%lu padded=%lu\n",
                forwarded, messages, dtls, retransmissions, waited, starved, padded);
  }
} totals;

Path address(uint32_t n) {
  Path path;
  path.remote.port = static_cast<uint16_t>(1 + n % kAddresses);
  path.remote.connection = n % kAddresses > 9 ? n : 0;  // the last two are TCP connections
  return path;
}

// One stream that a publisher sends.
struct Source {
  uint32_t track, endpoint, ssrc, rtx_ssrc;
  uint8_t pt;
  uint16_t seq;
  uint32_t timestamp;
  uint16_t picture = 0;
};

class World {
 public:
  World(fuzz::Input& in)
      : in_(in), core_({protect, unprotect, protect_rtcp, unprotect, remove_stream}, network_, network_) {
    const uint8_t flags = in_.byte();
    honest_ = flags & 1;
    simulcast_ = flags & 2;
    codec_ = flags & 4 ? VideoCodec::h264 : VideoCodec::vp8;
    learn_ = flags & 8;
    feedback_ = !(flags & 16);
    for (uint32_t e = 1; e <= kEndpoints; ++e) join(e);
    for (uint32_t t = 1; t <= 3; ++t) publish(t);
    for (uint32_t s = 1; s <= kSubscriptions; ++s) subscribe(s, 0);
    pass(20);
  }

  ~World() {
    totals.forwarded += core_.counters().forwarded;
    totals.messages += network_.messages;
    totals.dtls += network_.dtls_datagrams;
    core_.each_subscription([](const Subscription& s) { totals.retransmissions += s.retransmissions; });
  }

  void step() {
    const uint8_t operation = in_.byte(), argument = in_.byte();
    switch (operation % 25) {
      case 0:
        pass(argument % 16 * 10);
        break;
      case 1:  // an outage, or a moment
        network_.now_us += argument & 0x80 && !honest_ ? argument % 128 * 100000 : argument * 64;
        break;
      case 2:
      case 3:
      case 4:
        frame(argument);
        break;
      case 5:
        sound(argument);
        break;
      case 6:
      case 7:
        transport_feedback(argument);
        break;
      case 8:
        nack(argument);
        break;
      case 9:
        ask_keyframe(argument);
        break;
      case 10:
        if (argument & 0x80)
          remb(argument);
        else
          receiver_report(argument);
        break;
      case 11:
        sender_report(argument);
        break;
      case 12:
        raw(argument);
        break;
      case 13:
        repair(argument);
        break;
      case 14:
        if (!honest_) again(argument);
        break;
      case 15:
        check_in(1 + argument % kEndpoints, in_.byte(), argument & 0x80, argument & 0x40 && !honest_);
        break;
      case 16:
        core_.pause(1 + argument % kSubscriptions, argument & 0x80);
        break;
      case 17:
        core_.prefer(1 + argument % kSubscriptions, static_cast<int8_t>(argument) >> 4, in_.byte() % 5);
        break;
      case 18:
        core_.prioritize(1 + argument % kSubscriptions, argument >> 6);
        break;
      case 19:
        core_.remove_subscription(1 + argument % kSubscriptions);
        if (argument & 0x80) subscribe(1 + argument % kSubscriptions, in_.byte());
        break;
      case 20:
        core_.remove_track(1 + argument % kTracks);
        if (argument & 0x80) publish(1 + argument % kTracks);
        break;
      case 21:
        leave(1 + argument % kEndpoints);
        if (argument & 0x80) join(1 + argument % kEndpoints);
        break;
      case 22:
        if (!honest_) core_.disconnect(address(argument).remote);
        break;
      case 23:
        core_.send(1 + argument % kEndpoints, fuzz::view(fuzz::Bytes(1 + argument * 5u, 22)));
        core_.set_remb(uint64_t{argument} << 16);
        break;
      default:
        restart_ice(1 + argument % kEndpoints);
        break;
    }
    check();
  }

 private:
  std::string ufrag(uint32_t e) { return "ufrag" + std::to_string(e) + "/" + std::to_string(generation_[e]); }

  // --- commands ---------------------------------------------------------------------------------

  void join(uint32_t e) {
    if (alive_.contains(e)) return;
    alive_.insert(e);
    Wire& wire = *(wires_[e] = std::make_unique<Wire>());
    wire.contiguous = honest_;
    core_.add_endpoint(e, ufrag(e), "password");
    check_in(e, static_cast<uint8_t>(e), true, false);
    core_.set_srtp(e, &wire, &wire);
    ExtIds ids{};
    for (size_t i = 0; i < kExts; ++i) ids[i] = static_cast<uint8_t>(i + 1);
    if (e <= 2) {
      core_.set_receive(e, ids, true, e == 1, e == 2);
    } else {
      if (e == 4 || !feedback_) ids[static_cast<size_t>(Ext::transport_cc)] = 0;
      core_.set_send(e, ids, e == 3);
    }
  }

  void restart_ice(uint32_t e) {
    if (!alive_.contains(e)) return;
    ++generation_[e];
    core_.set_credentials(e, ufrag(e), "password");
  }

  void leave(uint32_t e) {
    core_.remove_endpoint(e);
    alive_.erase(e);
    if (wires_[e]) wires_[e]->open = false;
    std::erase_if(sources_, [&](const Source& s) { return s.endpoint == e; });
  }

  // 1 and 4: video of one, 2: sound of one, 3: video of two.
  void publish(uint32_t t) {
    const uint32_t endpoint = t <= 2 ? 1 : 2;
    TrackConfig config;
    config.video = t != 2;
    config.codec = config.video ? codec_ : VideoCodec::other;
    config.mid = std::to_string(t);
    config.cname = "cname";
    config.clock_rate = config.video ? 90000 : 48000;
    config.pt = config.video ? kMediaPt : kAudioPt;
    config.rtx_pt = config.video ? kRtxPt : kNoPt;
    config.red_pt = config.video ? kNoPt : kRedPt;
    config.nack = config.pli = config.video;
    config.fir = t == 3;
    std::vector<Source> sources;
    const uint32_t layers = t == 1 && simulcast_ ? 3 : 1;
    for (uint32_t l = 0; l < layers; ++l) {
      const uint32_t ssrc = 1000 * t + l, rtx_ssrc = config.video ? ssrc + 100 : 0;
      config.layers.push_back({layers > 1 ? std::string(1, static_cast<char>('a' + l)) : "",
                               learn_ ? 0 : ssrc, learn_ ? 0 : rtx_ssrc});
      sources.push_back({t, endpoint, ssrc, rtx_ssrc, config.pt, static_cast<uint16_t>(65000 + 100 * l),
                         0xffff0000u + 7777 * l});
    }
    std::erase_if(sources_, [&](const Source& s) { return s.track == t; });
    if (core_.add_track(t, endpoint, config)) sources_.insert(sources_.end(), sources.begin(), sources.end());
  }

  void subscribe(uint32_t s, uint8_t choice) {
    const uint32_t track = choice ? 1 + choice % kTracks : 1 + (s - 1) % 3, endpoint = 3 + (s - 1) / 3;
    if (subscribed(s) || !alive_.contains(endpoint)) return;
    const bool rtx = endpoint == 3 && !(choice & 0x40);
    // A new subscription has a new SSRC: Python draws them (media/subscribe.py).
    const uint32_t ssrc = 70000 + 10 * ++subscriptions_made_;
    SubscriptionConfig config{ssrc, rtx ? ssrc + 1 : 0, track == 2 ? kAudioPt : kMediaPt,
                              rtx ? kRtxPt : kNoPt};
    config.red_pt = track == 2 && s % 2 ? kRedPt : kNoPt;
    config.tos = choice & 0x80;
    config.priority = static_cast<int>(s % 3);
    core_.add_subscription(s, track, endpoint, config);
  }

  // --- what arrives -----------------------------------------------------------------------------

  void pass(int ms) {
    for (; ms > 0; ms -= 10) network_.now_us += 10000, core_.on_timer(network_.now_us);
  }

  void deliver(uint32_t endpoint, fuzz::Bytes datagram) {
    const Path from = address(from_.contains(endpoint) ? from_[endpoint] : endpoint);
    if (!honest_) last_ = {endpoint, datagram};
    datagram.shrink_to_fit();
    core_.on_datagram(from, datagram.data(), datagram.size(), network_.now_us, network_.now_us);
  }

  void deliver_keyed(uint32_t endpoint, fuzz::Bytes packet) {
    packet.resize(packet.size() + kTag);
    deliver(endpoint, std::move(packet));
  }

  // An ICE check with the right integrity; `elsewhere`: from an address that may be another's.
  void check_in(uint32_t e, uint8_t from, bool nominate, bool elsewhere) {
    fuzz::Bytes b(20);
    put16(&b[0], 1);
    put32(&b[4], 0x2112a442);
    auto attribute = [&](uint16_t type, const fuzz::Bytes& value) {
      b.resize(b.size() + 4);
      put16(&b[b.size() - 4], type);
      put16(&b[b.size() - 2], static_cast<uint32_t>(value.size()));
      b.insert(b.end(), value.begin(), value.end());
      b.resize((b.size() + 3) / 4 * 4);
    };
    const std::string user = ufrag(e) + ":x";
    attribute(6, fuzz::Bytes(user.begin(), user.end()));
    if (nominate) attribute(0x25, {});
    const auto digest = integrity_of(fuzz::view(b), "password");
    attribute(8, fuzz::Bytes(digest.begin(), digest.end()));
    put16(&b[2], static_cast<uint32_t>(b.size() - 20));
    const uint32_t place = elsewhere ? from : from % 3 * 4 + e - 1;
    if (alive_.contains(e)) from_[e] = place;
    CHECK(core_.expects(fuzz::view(b)) == alive_.contains(e));
    core_.on_datagram(address(place), b.data(), b.size(), network_.now_us, network_.now_us);
  }

  Source* source(uint8_t n) { return sources_.empty() ? nullptr : &sources_[n % sources_.size()]; }

  fuzz::Bytes rtp(const Source& s, bool marker, uint8_t exts, size_t size) {
    fuzz::Bytes b(12);
    b[0] = 0x80;
    b[1] = static_cast<uint8_t>(s.pt | (marker ? 0x80 : 0));
    put16(&b[2], s.seq);
    put32(&b[4], s.timestamp);
    put32(&b[8], s.ssrc);
    fuzz::Bytes elements;
    auto element = [&](Ext which, const fuzz::Bytes& value) {
      elements.push_back(static_cast<uint8_t>((static_cast<unsigned>(which) + 1) << 4 | (value.size() - 1)));
      elements.insert(elements.end(), value.begin(), value.end());
    };
    element(Ext::mid, {static_cast<uint8_t>('0' + s.track)});
    const uint32_t layer = s.ssrc % 1000;
    if (learn_ && simulcast_ && s.track == 1) element(Ext::rid, {static_cast<uint8_t>('a' + layer)});
    if (exts & 1) element(Ext::audio_level, {exts});
    if (exts & 2) element(Ext::abs_capture_time, fuzz::Bytes(16, exts));
    if (exts & 4) element(Ext::orientation, {exts});
    if (!(exts & 8))
      element(Ext::transport_cc, {static_cast<uint8_t>(counted_ >> 8), static_cast<uint8_t>(counted_)});
    ++counted_;
    elements.resize((elements.size() + 3) / 4 * 4);
    b[0] |= 0x10;
    b.resize(16);
    put16(&b[12], 0xbede);
    put16(&b[14], static_cast<uint32_t>(elements.size() / 4));
    b.insert(b.end(), elements.begin(), elements.end());
    b.resize(std::min(b.size() + size, kMaxDatagram - kTag), exts);
    return b;
  }

  // A picture of some packets: of one layer, or of all.
  void frame(uint8_t argument) {
    const uint8_t shape = in_.byte(), size = in_.byte();
    const bool key = shape & 0x40;
    for (size_t n = 0; n < sources_.size(); ++n) {
      Source& s = sources_[n];
      if (s.track == 2 || (argument % 4 && n % 3 != argument % 4u - 1)) continue;
      s.timestamp += 3000;
      ++s.picture;
      const size_t packets = 1 + shape % 24;
      for (size_t k = 0; k < packets; ++k) {
        const bool last = k + 1 == packets;
        fuzz::Bytes payload;
        if (codec_ == VideoCodec::vp8) {
          payload = {static_cast<uint8_t>(k ? 0x80 : 0x90),
                     0xe0,
                     static_cast<uint8_t>(0x80 | s.picture >> 8),
                     static_cast<uint8_t>(s.picture),
                     static_cast<uint8_t>(s.picture / 2),
                     static_cast<uint8_t>(key ? 0 : (argument >> 2) % 4 << 6),
                     static_cast<uint8_t>(!key)};
        } else {
          payload = {static_cast<uint8_t>(key && k == 0 ? 0x67 : 0x41), 0};
        }
        fuzz::Bytes b = rtp(s, last && !(shape & 0x80), argument >> 4, 0);
        b.insert(b.end(), payload.begin(), payload.end());
        b.resize(std::min(b.size() + size * 4u + (last ? 0 : k % 3), kMaxDatagram - kTag), shape);
        ++s.seq;
        if (!honest_ && argument & 0x80 && k == size % packets) continue;  // lost, or held back by `again`
        deliver_keyed(s.endpoint, std::move(b));
      }
    }
  }

  void sound(uint8_t argument) {
    for (Source& s : sources_)
      if (s.track == 2) {
        s.timestamp += 960;
        fuzz::Bytes b = rtp(s, false, argument, 0);
        if (argument & 0x10) {  // with an older copy of some bytes, which may be more than come
          b[1] = kRedPt;
          for (uint8_t byte : {uint8_t{0x80 | kAudioPt}, uint8_t{0}, uint8_t{0}, argument, kAudioPt})
            b.push_back(byte);
        }
        b.resize(b.size() + (argument & 0x20 ? 2u : 1u) * argument, argument);
        deliver_keyed(s.endpoint, std::move(b));
        ++s.seq;
      }
    if (!honest_ && argument & 0x80)  // the publisher begins anew, or loses very much
      if (Source* s = source(argument)) {
        const uint16_t jump = in_.word();
        s->seq = static_cast<uint16_t>(s->seq + jump);
        s->timestamp += jump << 16;
      }
  }

  // A retransmission of what came, or never came, some packets ago.
  void repair(uint8_t argument) {
    Source* s = source(argument);
    if (!s || s->rtx_ssrc == 0 || honest_) return;
    Source original = *s;
    original.seq = static_cast<uint16_t>(s->seq - argument % 64);
    fuzz::Bytes b = rtp(original, argument & 0x40, 8, 0);
    const auto h = fuzz::Bytes{b[2], b[3]};
    b.insert(b.end(), h.begin(), h.end());
    const fuzz::Bytes payload = in_.take(in_.byte() % 32);
    b.insert(b.end(), payload.begin(), payload.end());
    b[1] = kRtxPt;
    put16(&b[2], rtx_seq_++);
    put32(&b[8], s->rtx_ssrc);
    deliver_keyed(s->endpoint, std::move(b));
  }

  // The last datagram once more, with other bytes.
  void again(uint8_t argument) {
    auto [endpoint, datagram] = last_;
    if (datagram.empty()) return;
    for (int n = argument % 4; n > 0; --n) {
      const size_t at = in_.word() % datagram.size();
      datagram[at] = in_.byte();
    }
    if (argument & 0x10) datagram.resize(in_.word() % (datagram.size() + 1));
    if (argument & 0x20 && datagram.size() > 4) put16(&datagram[2], get16(&datagram[2]) - argument % 8);
    datagram.shrink_to_fit();
    core_.on_datagram(address(argument & 0x40 ? argument : from_[endpoint]), datagram.data(), datagram.size(),
                      network_.now_us, network_.now_us);
  }

  void raw(uint8_t argument) {
    fuzz::Bytes b = in_.take(in_.byte());
    if (honest_ && !b.empty()) b[0] = 30;  // only DTLS
    deliver(1 + argument % kEndpoints, std::move(b));
  }

  // --- what subscribers say ---------------------------------------------------------------------

  const Subscription* subscribed(uint32_t id) const {
    const Subscription* found = nullptr;
    core_.each_subscription([&](const Subscription& s) {
      if (s.id == id) found = &s;
    });
    return found;
  }

  fuzz::Bytes feedback(uint8_t format, uint8_t type, const fuzz::Bytes& rest) {
    fuzz::Bytes b(4);
    b[0] = static_cast<uint8_t>(0x80 | format);
    b[1] = type;
    b.insert(b.end(), rest.begin(), rest.end());
    b.resize((b.size() + 3) / 4 * 4);
    put16(&b[2], static_cast<uint32_t>(b.size() / 4 - 1));
    return b;
  }

  void nack(uint8_t argument) {
    const uint8_t behind = in_.byte();
    const uint16_t mask = in_.word();
    const Subscription* s = subscribed(1 + argument % kSubscriptions);
    if (!s) return;
    const auto [last, any] = wires_[s->endpoint->id]->last(s->config.ssrc);
    if (!any) return;
    fuzz::Bytes rest(12);
    put32(&rest[4], s->config.ssrc);
    put16(&rest[8], static_cast<uint32_t>(last - behind) & 0xffff);
    put16(&rest[10], mask);
    deliver_keyed(s->endpoint->id, feedback(rtcp::kNack, rtcp::kTransportFeedback, rest));
  }

  void ask_keyframe(uint8_t argument) {
    const Subscription* s = subscribed(1 + argument % kSubscriptions);
    if (!s) return;
    fuzz::Bytes rest(argument & 0x80 ? 16 : 8);
    put32(&rest[4], s->config.ssrc);
    if (argument & 0x80) put32(&rest[8], s->config.ssrc);
    deliver_keyed(s->endpoint->id,
                  feedback(argument & 0x80 ? rtcp::kFir : rtcp::kPli, rtcp::kPayloadFeedback, rest));
  }

  void receiver_report(uint8_t argument) {
    const Subscription* s = subscribed(1 + argument % kSubscriptions);
    const uint8_t fraction = in_.byte(), sent = in_.byte();
    if (!s) return;
    rtcp::ReportBlock block{};
    block.ssrc = s->config.ssrc;
    block.fraction_lost = fraction;
    block.last_sr = s->sent_reports[sent % 4].middle;
    block.delay_since_last_sr = sent & 0x80 ? sent << 20 : sent;
    fuzz::Bytes b(1200);
    b.resize(rtcp::write_receiver_report(b.data(), s->config.ssrc, &block, 1));
    deliver_keyed(s->endpoint->id, std::move(b));
  }

  // What a receiver makes of abs-send-time: any figure, for one stream or for some that are not his.
  void remb(uint8_t argument) {
    const uint8_t mantissa = in_.byte(), exponent = in_.byte();
    const Subscription* s = subscribed(1 + argument % kSubscriptions);
    if (!s) return;
    fuzz::Bytes rest(16);
    std::memcpy(&rest[8], "REMB", 4);
    rest[12] = static_cast<uint8_t>(argument & 0x40 ? exponent : 1);
    put24(&rest[13], static_cast<uint32_t>(exponent % 64) << 18 | mantissa << 4);
    rest.resize(20);
    put32(&rest[16], argument & 0x20 ? s->config.rtx_ssrc : s->config.ssrc);
    deliver_keyed(s->endpoint->id, feedback(rtcp::kApplicationLayer, rtcp::kPayloadFeedback, rest));
  }

  void sender_report(uint8_t argument) {
    Source* s = source(argument);
    if (!s) return;
    fuzz::Bytes b(1200);
    const uint64_t ntp = argument & 0x80
                             ? uint64_t{in_.dword()} << 32 | in_.dword()
                             : (3000000000ull << 32) + static_cast<uint64_t>(network_.now_us) * 4295;
    b.resize(rtcp::write_sender_report(b.data(), s->ssrc, ntp, s->timestamp, 1, 2, "cname"));
    deliver_keyed(s->endpoint, std::move(b));
  }

  // Tells endpoint 3's estimator of the packets that it numbered last: all came, one in so many, or late.
  void transport_feedback(uint8_t argument) {
    const uint8_t count = in_.byte(), delta = in_.byte();
    fuzz::Bytes body(16 + 12 + 2 * 1);
    const uint16_t first = told_;
    told_ = static_cast<uint16_t>(told_ + count);
    fuzz::Bytes rest(16);
    put16(&rest[8], first);
    put16(&rest[10], count);
    put24(&rest[12], static_cast<uint32_t>(network_.now_us / 64000) & 0xffffff);
    const unsigned symbol = argument & 0x40 ? 0 : 1;
    rest.resize(18);
    put16(&rest[16], symbol << 13 | count);
    for (uint8_t n = 0; symbol && n < count; ++n) rest.push_back(delta);
    if (argument & 0x20) told_ = static_cast<uint16_t>(told_ - delta);  // said again
    deliver_keyed(3, feedback(rtcp::kTransportCc, rtcp::kTransportFeedback, rest));
  }

  // --- what holds -------------------------------------------------------------------------------

  void check() {
    std::set<const Subscription*> subscriptions;
    core_.each_subscription([&](const Subscription& s) { subscriptions.insert(&s); });
    core_.each_endpoint([&](const Endpoint& e) {
      CHECK(alive_.contains(e.id));
      CHECK(e.validated.size() <= 8 && e.streams.size() <= 8);
      const bool valid =
          std::find(e.validated.begin(), e.validated.end(), e.selected.remote) != e.validated.end();
      CHECK(!e.has_selected || valid);
      if (!e.downlink) return;
      const Pacer& pacer = e.downlink->pacer;
      CHECK(pacer.size() <= Pacer::kSlots);
      size_t bytes = 0;
      for (size_t n = 0; n < pacer.size(); ++n) {
        CHECK(subscriptions.contains(pacer.at(n).subscription));
        CHECK(pacer.at(n).subscription->endpoint == &e);
        bytes += pacer.at(n).size;
      }
      CHECK(bytes == pacer.bytes());
      totals.waited += pacer.size();
      if (const auto& remb = e.downlink->remb) {
        CHECK(remb->bps() >= RateControl::kMinBps && remb->bps() <= RateControl::kMaxBps);
        totals.padded += remb->padding() > 0;
      }
    });
    core_.each_track([](const Track& t) {
      for (const Layer& l : t.layers) CHECK(l.held.size() <= Layer::kHoldPackets);
    });
    core_.each_subscription([&](const Subscription& s) {
      CHECK(s.target >= 0 && s.target < static_cast<int>(s.track->layers.size()));
      CHECK(s.layer() < static_cast<int>(s.track->layers.size()));
      CHECK(s.resend_budget >= 0 && s.resend_budget <= 200);
      totals.starved += s.starved;
    });
  }

  fuzz::Input& in_;
  Network network_;
  std::map<uint32_t, std::unique_ptr<Wire>> wires_;
  Core core_;
  bool honest_;  // publishers send in order and no address is lost: numbers may have no gap
  bool simulcast_, learn_, feedback_;
  VideoCodec codec_;
  std::set<uint32_t> alive_;
  std::map<uint32_t, uint32_t> generation_;  // of its ICE credentials
  std::map<uint32_t, uint32_t> from_;        // the address that an endpoint sends from
  std::vector<Source> sources_;
  uint32_t subscriptions_made_ = 0;
  uint16_t counted_ = 0, rtx_seq_ = 0, told_ = 0;
  std::pair<uint32_t, fuzz::Bytes> last_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  World world(in);
  while (!in.empty()) world.step();
  return 0;
}
