// The relay's core: datagrams and time in, datagrams and events out. It does no I/O and reads no clock.
//
// The invariant that drives it: after every `on_datagram` or `on_timer`, all packets that may leave have been
// written to the Output; what waits (a video frame without its marker, a NACK's next try, a report) has its
// time, and `on_timer` called every 10 ms finds it: what waits for the next turn is on a list, the rest is
// looked after in tenths. SSRCs, layers and addresses live here; rooms and people do not.
#pragma once
#include <algorithm>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "address.h"
#include "allocation.h"
#include "downlink.h"
#include "limit.h"
#include "mapping.h"
#include "rate.h"
#include "reception.h"
#include "ring.h"
#include "srtp.h"
#include "stun.h"
#include "twcc.h"

namespace plane {

// Where the core writes what leaves. A message is one or more packets of equal size (the last may be shorter)
// for one path, so that a socket can hand them to the kernel at once (UDP_SEGMENT).
class Output {
 public:
  virtual ~Output() = default;
  virtual uint8_t* reserve(size_t size) = 0;  // room for one message; valid until commit
  virtual void commit(const Path& path, size_t size, size_t segment, uint8_t tos) = 0;
  // Now, not when the turn began: writing one picture for hundreds takes milliseconds, which a subscriber's
  // estimate must not take for his network's.
  virtual int64_t written_us() const = 0;
};

// Datagrams for Python: DTLS from an address that has proved itself by ICE.
class Events {
 public:
  virtual ~Events() = default;
  virtual void dtls(uint32_t endpoint, View datagram) = 0;
};

struct Layer;
struct Track;
struct Subscription;

// One transport: one ICE-lite agent, one DTLS association.
struct Endpoint {
  uint32_t id = 0;
  std::string ufrag, password;
  std::string old_ufrag, old_password;  // valid beside the new ones until those are nominated
  std::vector<Address> validated;       // addresses that passed a check, at most kValidatedMax
  Path selected;
  bool has_selected = false;
  int64_t confirmed_us = 0;  // the selected path's last check (RFC 7675: it consents to what is sent there)
  void* rx = nullptr;        // SRTP sessions, owned by Python
  void* tx = nullptr;
  ExtIds ext_ids{};
  bool ext_mixed = false;
  bool transport_cc = false, remb = false;
  bool reduced_size = false;  // feedback may stand alone (RFC 5506)
  bool told_limit = false;    // its REMB holds it back
  TransportFeedback feedback;
  uint32_t feedback_media = 0;
  int64_t feedback_due_us = 0, report_due_us = 0;
  int64_t last_heard_us = -1;
  int64_t unanswered_us = -1;  // the first media since it was heard
  uint64_t packets_in = 0, octets_in = 0, packets_out = 0, octets_out = 0;
  std::unique_ptr<Downlink> downlink;        // of one who receives and says how it goes
  bool pacing = false;                       // on the core's list of those with something that waits
  size_t slice = 0;                          // of the core's rounds
  std::vector<Track*> tracks;                // published here
  std::vector<Subscription*> subscriptions;  // sent here

  struct Stream {
    Track* track;
    Layer* layer;
    bool rtx;
  };
  std::unordered_map<uint32_t, Stream> streams;  // by SSRC

  const std::string& password_of(const BindingRequest& r) const {
    return r.local_ufrag == old_ufrag ? old_password : password;
  }
  static constexpr int64_t kConsentUs = 30000000;
  static constexpr int64_t kMovedUs = 7000000;   // browsers check every 2.5 s, others every 4 to 6
  static constexpr int64_t kOutageUs = 3500000;  // of silence: then decoders need a key frame
};

struct LayerConfig {
  std::string rid;                  // empty without simulcast
  uint32_t ssrc = 0, rtx_ssrc = 0;  // 0: learned from the header extensions
};

// What Python says of a track. Layers go from the smallest picture to the largest; one is the usual case.
struct TrackConfig {
  bool video = false;
  VideoCodec codec = VideoCodec::other;
  std::string mid, cname;
  uint32_t clock_rate = 90000;
  uint8_t pt = 0, rtx_pt = 0xff, red_pt = 0xff;
  bool nack = false, pli = false, fir = false;
  std::vector<LayerConfig> layers;
};

// One RTP stream of a track: the whole track, or one of its simulcast encodings.
struct Layer {
  static constexpr size_t kTemporal = 4;  // VP8's TID has two bits
  int number = 0;
  LayerConfig config;
  Ring ring;
  SequenceLine line;
  Reception reception;
  std::vector<Packet*> held;  // the frame that waits for its marker
  int64_t held_since_us = 0;
  bool keyframe_wanted = false;
  int64_t keyframe_asked_us = -1000000000;
  uint8_t fir_sequence = 0;
  uint64_t packets = 0, octets = 0;
  Rate rates[kTemporal];  // by temporal layer
  int64_t last_packet_us = -1;
  uint64_t sr_ntp = 0;  // the publisher's latest sender report
  uint32_t sr_timestamp = 0;
  int64_t sr_us = -1;
  bool aligned = false;  // `to_base` is known
  uint32_t to_base = 0;  // added to its timestamps: those of the track's first layer
  uint32_t last_timestamp = 0;
  int64_t last_arrival_us = 0;

  Layer(int n, const LayerConfig& c, const TrackConfig& t)
      : number(n), config(c), ring(t.video ? 512 : 128), reception(t.clock_rate) {
    held.reserve(kHoldPackets);
  }
  bool active(int64_t now_us) const { return last_packet_us >= 0 && now_us - last_packet_us < kSilenceUs; }
  static constexpr size_t kHoldPackets = 64;  // a whole key frame; the most of one UDP_SEGMENT message
  static constexpr int64_t kHoldUs = 20000;
  static constexpr int64_t kSilenceUs = 1000000;  // a publisher that lacks bandwidth stops its largest layer
};

struct Track {
  uint32_t id = 0;
  Endpoint* endpoint = nullptr;
  TrackConfig config;
  std::vector<Layer> layers;
  std::vector<Subscription*> subscriptions;
  uint64_t plis = 0;
  int level_dbov = -128;  // -128: not known
  int64_t level_us = 0;
  Limit limit;           // of what its publisher sends; without layers only
  bool waiting = false;  // on the core's list
  size_t slice = 0;

  explicit Track(const TrackConfig& c) : config(c) {
    layers.reserve(c.layers.size());  // streams point into it
    for (const LayerConfig& l : c.layers) layers.emplace_back(static_cast<int>(layers.size()), l, c);
  }
  bool simulcast() const { return layers.size() > 1; }
  int64_t bps() const {
    uint64_t all = 0;
    for (const Layer& l : layers)
      for (const Rate& rate : l.rates) all += rate.bps();
    return static_cast<int64_t>(all);
  }
};

struct SubscriptionConfig {
  uint32_t ssrc = 0, rtx_ssrc = 0;
  uint8_t pt = 0, rtx_pt = 0xff, red_pt = 0xff;
  uint8_t tos = 0;
  int priority = 0;  // of its class: 0 keeps its bandwidth longest
};

// Numbers whose packets never came here: a receiver counts them as lost, but they were lost on the
// publisher's way, and tell nothing of his own.
struct PassedOver {
  uint32_t count = 0;  // since the last report
  int before = 0;    // share of the report before, in 256ths: what was passed over is told a round trip later
  uint16_t seq = 0;  // the highest sent at the last report

  // What of a report's loss is of the receiver's own way; `last_seq`: the highest sent until now.
  int own_loss(int fraction_lost, uint16_t last_seq) {
    const int sent = static_cast<uint16_t>(last_seq - seq);
    const int now = sent > 0 ? static_cast<int>(std::min<int64_t>(256, int64_t{count} * 256 / sent)) : 0;
    const int others = std::max(now, before);
    before = now, seq = last_seq, count = 0;
    return std::max(0, fraction_lost - others);
  }
};

struct Subscription {
  uint32_t id = 0;
  Track* track = nullptr;
  Endpoint* endpoint = nullptr;
  SubscriptionConfig config;
  bool paused = false;
  bool restart = true;   // the next packet begins a segment
  int wanted_layer = 0;  // what Python asks for; the nearest active one is given
  uint8_t wanted_temporal = 7;
  int target = 0;          // the layer to be on, once it has a key frame
  bool await_key = false;  // what was left out cannot be decoded past
  // What the way allows; more than anybody wants until it is known.
  int allowed_layer = kAnyLayer;
  uint8_t allowed_temporal = 7;
  int64_t room_bps = Limit::kNone;  // the way's, for a publisher that is to send no more than it takes
  // Nothing fits: a still now and then (`still_open`: its packets are on their way).
  bool starved = false, still_open = false;
  uint32_t still_timestamp = 0;
  int64_t still_due_us = 0;
  Mapping mapping;
  uint16_t last_seq = 0, last_picture = 0;
  uint8_t last_tl0 = 0;
  uint32_t last_timestamp = 0;
  bool sent_any = false;
  uint16_t left_seq = 0;  // the highest that has left; up to `last_seq` the pacer holds the rest
  bool left_any = false;
  uint16_t rtx_seq = 0;
  uint64_t packets = 0, octets = 0, nacks = 0, retransmissions = 0;
  double resend_budget = 100;
  int64_t resend_us = 0;
  int fraction_lost = -1;  // in 256ths; -1: no report yet
  PassedOver passed_over;
  int64_t rtt_us = -1;
  int64_t sr_due_us = 0;
  struct SentReport {
    uint32_t middle = 0;
    int64_t at_us = -1;
  } sent_reports[4];
  uint8_t sent_report_at = 0;
  int layer() const { return mapping.empty() ? -1 : mapping.now().layer; }
  // 0: as asked for; 1: less, for want of room; 2: stills only
  int shortage() const {
    return starved ? 2 : allowed_layer < wanted_layer || allowed_temporal < wanted_temporal ? 1 : 0;
  }
  bool takes_red() const { return config.red_pt != 0xff; }
  // Whether its packets carry transport-wide numbers or the time of sending. Without RTX a packet is repeated
  // in the same bytes, so it can have none.
  bool counted() const { return track->config.video && config.rtx_pt != 0xff && endpoint->downlink; }
  static constexpr int kAnyLayer = 127;
  static constexpr int64_t kStillUs = 5000000;
};

class Core {
 public:
  Core(const SrtpFunctions& srtp, Output& output, Events& events)
      : srtp_(srtp), output_(output), events_(events) {}

  // `data` is changed in place and needs no room beyond `size`.
  void on_datagram(const Path& from, uint8_t* data, size_t size, int64_t arrival_us, int64_t now_us);
  void on_timer(int64_t now_us);

  // For what carries packets over connections: whether this is a check that an endpoint here will take,
  // whether an endpoint still uses the address, and that it is gone.
  bool expects(View check) const;
  bool uses(const Address& address) const { return by_address_.contains(address); }
  void disconnect(const Address& address);

  // Commands. Ids are the caller's, unique per kind; unknown ones are ignored where the thing may have ended.
  void add_endpoint(uint32_t id, const std::string& ufrag, const std::string& password);
  void set_credentials(uint32_t endpoint, const std::string& ufrag, const std::string& password);
  void set_srtp(uint32_t endpoint, void* rx, void* tx);
  void set_receive(uint32_t endpoint, const ExtIds& ids, bool transport_cc, bool remb, bool reduced_size);
  void set_send(uint32_t endpoint, const ExtIds& ids, bool mixed);
  void remove_endpoint(uint32_t id);
  bool add_track(uint32_t id, uint32_t endpoint, const TrackConfig& config);
  void remove_track(uint32_t id);
  bool add_subscription(uint32_t id, uint32_t track, uint32_t endpoint, const SubscriptionConfig& config);
  void pause(uint32_t subscription, bool paused);
  void prefer(uint32_t subscription, int layer, uint8_t temporal);
  void prioritize(uint32_t subscription, int priority);
  void remove_subscription(uint32_t id);
  void send(uint32_t endpoint, View datagram);  // DTLS, to the selected path
  void set_remb(uint64_t bps) { remb_bps_ = bps; }

  struct Counters {
    uint64_t datagrams = 0, unknown = 0, malformed = 0, unauthentic = 0, forwarded = 0, messages = 0;
  };
  const Counters& counters() const { return counters_; }
  bool idle() const { return endpoints_.empty(); }
  template <class F>
  void each_endpoint(F&& f) const {
    for (auto& [id, e] : endpoints_) f(*e);
  }
  template <class F>
  void each_track(F&& f) const {
    for (auto& [id, t] : tracks_) f(*t);
  }
  template <class F>
  void each_subscription(F&& f) const {
    for (auto& [id, s] : subscriptions_) f(*s);
  }

 private:
  // What is looked after ten times a second, a tenth of it in each turn of the timer: so that a core with
  // hundreds of people need not fetch all of them from memory every 10 ms.
  template <class T>
  struct Rounds {
    static constexpr size_t kSlices = 10;
    std::vector<T*> slices[kSlices];
    void add(T* one) {
      for (size_t n = 1; n < kSlices; ++n)
        if (slices[n].size() < slices[one->slice].size()) one->slice = n;
      slices[one->slice].push_back(one);
    }
    void remove(T* one) { std::erase(slices[one->slice], one); }
  };

  void attend(Track& t) {
    if (!t.waiting) t.waiting = true, waiting_.push_back(&t);
  }
  void attend(Endpoint& e) {
    if (!e.pacing) e.pacing = true, pacing_.push_back(&e);
  }
  void serve(Track& t, int64_t now_us);
  void look_after(Track& t, int64_t now_us);
  void limit(Track& t, int64_t now_us);
  void look_after(Endpoint& e, int64_t now_us);
  void on_stun(const Path& from, View datagram, int64_t now_us);
  void heard(Endpoint& e, int64_t now_us);
  void on_return(Endpoint& e);
  void begin_anew(Endpoint& e);
  void on_rtp(Endpoint& e, uint8_t* data, size_t size, int64_t arrival_us, int64_t now_us);
  void on_rtcp(Endpoint& e, uint8_t* data, size_t size, int64_t now_us);
  Endpoint::Stream* stream_of(Endpoint& e, View datagram, const RtpHeader& h);
  void on_media(Track& t, Layer& l, const RtpHeader& h, uint8_t* data, size_t size, int64_t arrival_us,
                int64_t now_us, bool repaired);
  void align(Track& t, Layer& l);
  void flush(Track& t, Layer& l);
  void forward(Track& t, Layer& l, Packet* const* packets, size_t count);
  void enter(Subscription& s, const Layer& l, const Packet& p);
  void choose(Subscription& s, int64_t now_us);
  bool may_begin(const Subscription& s, const Layer& l, Packet* const* packets, size_t count,
                 const Packet*& first) const;
  bool forward_still(Subscription& s, const Layer& l, Packet* const* packets, size_t count);
  void send_run(Subscription& s, const Layer& l, const struct Template* run, size_t count);
  void write_run(Subscription& s, const struct Template* const* run, const Segment* numbers, size_t count);
  void resend(Subscription& s, uint16_t seq, int64_t now_us);
  void write_repair(Subscription& s, const Packet& p, const Segment& g, int probe);
  void write_padding(Subscription& s, size_t size, int probe);
  void on_downlink(Endpoint& e, int64_t now_us);
  void divide(Endpoint& e, int64_t now_us);
  void grant(Subscription& s, const Demand& d, int64_t now_us);
  void stop_short(Subscription& s);
  void drain(Endpoint& e);
  void forget_streams(const Subscription& s);
  static Subscription* carrier(const Endpoint& e);
  void send_probe(Subscription& s, const Probe& probe);
  void send_padding(Endpoint& e);
  void on_remb(Endpoint& e, View body, int64_t now_us);
  void want_keyframe(Subscription& s, int64_t now_us);
  void want_keyframe(Track& t, Layer& l, int64_t now_us);
  void ask_missing(Track& t, Layer& l, int64_t now_us);
  void send_reports(Endpoint& e, int64_t now_us);
  uint64_t may_send_bps(const Endpoint& e) const;
  void send_sender_reports(Endpoint& e, int64_t now_us);
  size_t write_sender_report(uint8_t* out, Subscription& s, int64_t now_us);
  void send_feedback(Endpoint& e, const uint8_t* packet, size_t size);
  void send_rtcp(Endpoint& e, const uint8_t* packet, size_t size);
  Subscription* subscription_of(Endpoint& e, uint32_t ssrc);

  SrtpFunctions srtp_;
  Output& output_;
  Events& events_;
  uint64_t remb_bps_ = 4000000;
  std::unordered_map<uint32_t, std::unique_ptr<Endpoint>> endpoints_;
  std::unordered_map<uint32_t, std::unique_ptr<Track>> tracks_;
  std::unordered_map<uint32_t, std::unique_ptr<Subscription>> subscriptions_;
  std::unordered_map<Address, Endpoint*, AddressHash> by_address_;
  std::unordered_map<std::string, Endpoint*> by_ufrag_;
  Rounds<Track> tracks_in_turn_;
  Rounds<Endpoint> endpoints_in_turn_;
  std::vector<Track*> waiting_;    // a frame, a gap or a wish for a key frame waits
  std::vector<Endpoint*> pacing_;  // packets wait in its downlink, or padding goes out
  size_t slice_ = 0;
  int64_t timer_us_ = -1;
  std::vector<uint16_t> due_;
  std::vector<Demand> demands_;
  Counters counters_;
  int64_t now_us_ = 0;
};

}  // namespace plane
