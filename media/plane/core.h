// The relay's core: datagrams and time in, datagrams and events out. It does no I/O and reads no clock.
//
// The invariant that drives it: after every `on_datagram` or `on_timer`, all packets that may leave have been
// written to the Output; what waits (a video frame without its marker, a NACK's next try, a report) has its
// time, and `on_timer` called every 10 ms finds it. SSRCs, layers and addresses live here; rooms and people
// do not.
#pragma once
#include <algorithm>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "address.h"
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
};

// Datagrams for Python: DTLS from an address that has proved itself by ICE.
class Events {
 public:
  virtual ~Events() = default;
  virtual void dtls(uint32_t endpoint, View datagram) = 0;
};

struct Track;
struct Subscription;

// One transport: one ICE-lite agent, one DTLS association.
struct Endpoint {
  uint32_t id = 0;
  std::string ufrag, password;
  std::vector<Address> validated;  // addresses that passed a check, at most kValidatedMax
  Path selected;
  bool has_selected = false;
  void* rx = nullptr;  // SRTP sessions, owned by Python
  void* tx = nullptr;
  ExtIds ext_ids{};
  bool ext_mixed = false;
  bool transport_cc = false, remb = false;
  bool reduced_size = false;  // feedback may stand alone (RFC 5506)
  TransportFeedback feedback;
  uint32_t feedback_media = 0;
  int64_t feedback_due_us = 0, report_due_us = 0;
  int64_t last_heard_us = -1;
  uint64_t packets_in = 0, octets_in = 0, packets_out = 0, octets_out = 0;
  std::vector<Track*> tracks;                // published here
  std::vector<Subscription*> subscriptions;  // sent here

  struct Stream {
    Track* track;
    bool rtx;
  };
  std::unordered_map<uint32_t, Stream> streams;  // by SSRC
};

// What Python says of a track; SSRC 0: learned from the mid header extension.
struct TrackConfig {
  bool video = false;
  std::string mid, cname;
  uint32_t ssrc = 0, rtx_ssrc = 0;
  uint32_t clock_rate = 90000;
  uint8_t pt = 0, rtx_pt = 0xff;
  bool nack = false, pli = false, fir = false;
};

struct Track {
  uint32_t id = 0;
  Endpoint* endpoint = nullptr;
  TrackConfig config;
  Ring ring;
  SequenceLine line;
  Reception reception;
  std::vector<Subscription*> subscriptions;
  std::vector<Packet*> held;  // the frame that waits for its marker
  int64_t held_since_us = 0;
  bool keyframe_wanted = false;
  int64_t keyframe_asked_us = -1000000000;
  uint8_t fir_sequence = 0;
  uint64_t packets = 0, octets = 0, plis = 0;
  int64_t last_packet_us = -1;
  int level_dbov = -128;  // -128: not known
  int64_t level_us = 0;
  uint64_t sr_ntp = 0;  // the publisher's latest sender report
  uint32_t sr_timestamp = 0;
  int64_t sr_us = -1;

  explicit Track(const TrackConfig& c) : config(c), ring(c.video ? 512 : 128), reception(c.clock_rate) {
    held.reserve(kHoldPackets);
  }
  static constexpr size_t kHoldPackets = 48;
  static constexpr int64_t kHoldUs = 20000;
};

struct SubscriptionConfig {
  uint32_t ssrc = 0, rtx_ssrc = 0;
  uint8_t pt = 0, rtx_pt = 0xff;
  uint8_t tos = 0;
};

struct Subscription {
  uint32_t id = 0;
  Track* track = nullptr;
  Endpoint* endpoint = nullptr;
  SubscriptionConfig config;
  bool paused = false;
  int64_t first_index = -1;  // packets before it are not of this mapping; -1: starts with the next one
  uint16_t offset = 0;       // outgoing sequence number = incoming + offset
  uint16_t last_seq = 0;
  bool sent_any = false;
  uint16_t rtx_seq = 0;
  uint64_t packets = 0, octets = 0, nacks = 0, retransmissions = 0;
  double resend_budget = 100;
  int64_t resend_us = 0;
  int fraction_lost = -1;  // in 256ths; -1: no report yet
  int64_t rtt_us = -1;
  int64_t sr_due_us = 0;
  struct SentReport {
    uint32_t middle = 0;
    int64_t at_us = -1;
  } sent_reports[4];
  uint8_t sent_report_at = 0;
};

class Core {
 public:
  Core(const SrtpFunctions& srtp, Output& output, Events& events)
      : srtp_(srtp), output_(output), events_(events) {}

  // `data` is changed in place and needs no room beyond `size`.
  void on_datagram(const Path& from, uint8_t* data, size_t size, int64_t arrival_us, int64_t now_us);
  void on_timer(int64_t now_us);

  // Commands. Ids are the caller's, unique per kind; unknown ones are ignored where the thing may have ended.
  void add_endpoint(uint32_t id, const std::string& ufrag, const std::string& password);
  void set_srtp(uint32_t endpoint, void* rx, void* tx);
  void set_receive(uint32_t endpoint, const ExtIds& ids, bool transport_cc, bool remb, bool reduced_size);
  void set_send(uint32_t endpoint, const ExtIds& ids, bool mixed);
  void remove_endpoint(uint32_t id);
  bool add_track(uint32_t id, uint32_t endpoint, const TrackConfig& config);
  void remove_track(uint32_t id);
  bool add_subscription(uint32_t id, uint32_t track, uint32_t endpoint, const SubscriptionConfig& config);
  void pause(uint32_t subscription, bool paused);
  void remove_subscription(uint32_t id);
  void send(uint32_t endpoint, View datagram);  // DTLS, to the selected path
  void set_remb(uint64_t bps) { remb_bps_ = bps; }

  struct Counters {
    uint64_t datagrams = 0, unknown = 0, malformed = 0, unauthentic = 0, forwarded = 0, messages = 0;
  };
  const Counters& counters() const { return counters_; }
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
  void on_stun(const Path& from, View datagram, int64_t now_us);
  void on_rtp(Endpoint& e, uint8_t* data, size_t size, int64_t arrival_us, int64_t now_us);
  void on_rtcp(Endpoint& e, uint8_t* data, size_t size, int64_t now_us);
  Endpoint::Stream* stream_of(Endpoint& e, View datagram, const RtpHeader& h);
  void on_media(Track& t, const RtpHeader& h, uint8_t* data, size_t size, int64_t arrival_us, int64_t now_us,
                bool repaired);
  void flush(Track& t);
  void forward(Track& t, Packet* const* packets, size_t count);
  void send_run(Subscription& s, const struct Template* run, size_t count);
  void resend(Subscription& s, uint16_t seq, int64_t now_us);
  void want_keyframe(Track& t, int64_t now_us);
  void ask_missing(Track& t, int64_t now_us);
  void send_reports(Endpoint& e, int64_t now_us);
  void send_sender_report(Subscription& s, int64_t now_us);
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
  std::vector<uint16_t> due_;
  Counters counters_;
  int64_t now_us_ = 0;
};

}  // namespace plane
