// Python's view of the plane: `Plane` runs a thread with a socket, `Simulation` is the same core with time
// and datagrams passed in, for tests, fuzzing and emulated networks.
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <deque>
#include <system_error>

#include "bandwidth.h"
#include "sha1.h"
#include "worker.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace plane {
namespace {

using Functions = std::tuple<uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t>;

SrtpFunctions functions(const Functions& f) {
  return {reinterpret_cast<SrtpFunction>(std::get<0>(f)), reinterpret_cast<SrtpFunction>(std::get<1>(f)),
          reinterpret_cast<SrtpFunction>(std::get<2>(f)), reinterpret_cast<SrtpFunction>(std::get<3>(f)),
          reinterpret_cast<SrtpForget>(std::get<4>(f))};
}

View view(const nb::bytes& b) { return {reinterpret_cast<const uint8_t*>(b.c_str()), b.size()}; }
nb::bytes bytes(const std::string& s) { return nb::bytes(s.data(), s.size()); }

Ip to_ip(const nb::bytes& b) {
  if (b.size() != 16) throw std::invalid_argument("an address is 16 bytes, IPv4 as ::ffff:a.b.c.d");
  Ip ip;
  std::memcpy(ip.data(), b.c_str(), 16);
  return ip;
}

ExtIds to_ids(const std::vector<uint8_t>& v) {
  if (v.size() != kExts) throw std::invalid_argument("one id for each known header extension");
  ExtIds ids;
  std::copy(v.begin(), v.end(), ids.begin());
  return ids;
}

class Simulation : private Output, private Events {
 public:
  explicit Simulation(const Functions& f) : core_(functions(f), *this, *this) {}
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  template <class F>
  auto with_core(F&& f) {
    return f(core_);
  }
  void datagram(const nb::bytes& ip, uint16_t port, const nb::bytes& data, int64_t now_us) {
    std::vector<uint8_t> copy(data.c_str(),
                              data.c_str() + data.size());  // exact size: sanitizers see overreads
    now_us_ = now_us;
    core_.on_datagram({{to_ip(ip), port}, {}}, copy.data(), copy.size(), now_us, now_us);
  }
  void timer(int64_t now_us) {
    now_us_ = now_us;
    core_.on_timer(now_us);
  }

  nb::list take_sent() {  // (ip, port, [packets of the message])
    nb::list out;
    for (auto& m : sent_) {
      nb::list packets;
      size_t segment = m.segment ? m.segment : m.data.size();
      for (size_t at = 0; at < m.data.size(); at += segment)
        packets.append(nb::bytes(m.data.data() + at, std::min(segment, m.data.size() - at)));
      out.append(nb::make_tuple(nb::bytes(m.path.remote.ip.data(), 16), m.path.remote.port, packets));
    }
    sent_.clear();
    return out;
  }
  nb::list take_dtls() {
    nb::list out;
    for (auto& [endpoint, data] : dtls_) out.append(nb::make_tuple(endpoint, bytes(data)));
    dtls_.clear();
    return out;
  }

 private:
  struct Sent {
    Path path;
    std::string data;
    size_t segment;
  };
  uint8_t* reserve(size_t size) override {
    room_.resize(std::max(room_.size(), size));
    return room_.data();
  }
  void commit(const Path& path, size_t size, size_t segment, uint8_t) override {
    sent_.push_back({path, std::string(reinterpret_cast<char*>(room_.data()), size), segment});
  }
  void dtls(uint32_t endpoint, View d) override {
    dtls_.emplace_back(endpoint, std::string(reinterpret_cast<const char*>(d.data), d.size));
  }

  int64_t written_us() const override { return now_us_; }

  int64_t now_us_ = 0;
  std::vector<uint8_t> room_;
  std::vector<Sent> sent_;
  std::vector<std::pair<uint32_t, std::string>> dtls_;
  Core core_;
};

// Lists of plain tuples, in the order that media/stats.py names them. The core is held while they are
// gathered, no longer.
template <class T, class F>
auto gathered(T& self, F&& f) {
  nb::gil_scoped_release release;
  return self.with_core([&](Core& core) { return f(core); });
}

template <class T>
auto endpoints(T& self) {
  return gathered(self, [](Core& core) {
    std::vector<std::tuple<uint32_t, uint64_t, uint64_t, uint64_t, uint64_t, int64_t, int64_t>> rows;
    core.each_endpoint([&](const Endpoint& e) {
      const bool known = e.downlink && e.downlink->known_since_us >= 0;
      rows.emplace_back(e.id, e.packets_in, e.octets_in, e.packets_out, e.octets_out, e.last_heard_us,
                        known ? static_cast<int64_t>(e.downlink->bps()) : -1);
    });
    return rows;
  });
}

using LayerRow = std::tuple<uint64_t, uint64_t, int64_t>;

template <class T>
auto tracks(T& self) {
  return gathered(self, [](Core& core) {
    std::vector<std::tuple<uint32_t, int64_t, int64_t, int64_t, uint64_t, double, int, int64_t, int64_t,
                           std::vector<LayerRow>>>
        rows;
    core.each_track([&](const Track& t) {
      int64_t lost = 0, gaps = 0, nacks = 0;
      double jitter_s = 0;
      std::vector<LayerRow> layers;
      for (const Layer& l : t.layers) {
        lost += l.reception.lost(), gaps += l.reception.gaps(), nacks += l.reception.nacks();
        jitter_s = std::max(jitter_s, l.reception.jitter_s());
        layers.emplace_back(l.packets, l.octets, l.last_packet_us);
      }
      rows.emplace_back(t.id, lost, gaps, nacks, t.plis, jitter_s, t.level_dbov, t.level_us,
                        t.limit.set() ? t.limit.bps() : -1, std::move(layers));
    });
    return rows;
  });
}

template <class T>
auto subscriptions(T& self) {
  return gathered(self, [](Core& core) {
    std::vector<std::tuple<uint32_t, uint64_t, uint64_t, uint64_t, uint64_t, int, int64_t, int, int>> rows;
    core.each_subscription([&](const Subscription& s) {
      rows.emplace_back(s.id, s.packets, s.octets, s.nacks, s.retransmissions, s.fraction_lost, s.rtt_us,
                        s.layer(), s.shortage());
    });
    return rows;
  });
}

template <class T>
auto counters(T& self) {
  return gathered(self, [](Core& core) {
    const Core::Counters& c = core.counters();
    return std::tuple(c.datagrams, c.unknown, c.malformed, c.unauthentic, c.forwarded, c.messages);
  });
}

template <class T>
void bind_commands(nb::class_<T>& c) {
  using Release = nb::call_guard<nb::gil_scoped_release>;
  c.def(
       "add_endpoint",
       [](T& s, uint32_t id, const std::string& ufrag, const std::string& password) {
         s.with_core([&](Core& core) { core.add_endpoint(id, ufrag, password); });
       },
       Release(), "id"_a, "ufrag"_a, "password"_a)
      .def(
          "set_credentials",
          [](T& s, uint32_t id, const std::string& ufrag, const std::string& password) {
            s.with_core([&](Core& core) { core.set_credentials(id, ufrag, password); });
          },
          Release(), "endpoint"_a, "ufrag"_a, "password"_a)
      .def(
          "set_srtp",
          [](T& s, uint32_t id, uintptr_t rx, uintptr_t tx) {
            s.with_core([&](Core& core) {
              core.set_srtp(id, reinterpret_cast<void*>(rx), reinterpret_cast<void*>(tx));
            });
          },
          Release(), "endpoint"_a, "rx"_a, "tx"_a)
      .def(
          "set_receive",
          [](T& s, uint32_t id, const std::vector<uint8_t>& ids, bool transport_cc, bool remb,
             bool reduced_size) {
            s.with_core(
                [&](Core& core) { core.set_receive(id, to_ids(ids), transport_cc, remb, reduced_size); });
          },
          Release(), "endpoint"_a, "ext_ids"_a, "transport_cc"_a, "remb"_a, "reduced_size"_a)
      .def(
          "set_send",
          [](T& s, uint32_t id, const std::vector<uint8_t>& ids, bool mixed) {
            s.with_core([&](Core& core) { core.set_send(id, to_ids(ids), mixed); });
          },
          Release(), "endpoint"_a, "ext_ids"_a, "mixed"_a)
      .def(
          "remove_endpoint",
          [](T& s, uint32_t id) { s.with_core([&](Core& core) { core.remove_endpoint(id); }); }, Release(),
          "endpoint"_a)
      .def(
          "add_track",
          [](T& s, uint32_t id, uint32_t endpoint, bool video, const std::string& codec,
             const std::string& mid, const std::string& cname, uint32_t clock_rate, uint8_t pt,
             uint8_t rtx_pt, bool nack, bool pli, bool fir,
             const std::vector<std::tuple<std::string, uint32_t, uint32_t>>& layers, uint8_t red_pt) {
            TrackConfig config{
                video, VideoCodec::other, mid, cname, clock_rate, pt, rtx_pt, red_pt, nack, pli, fir, {}};
            if (codec == "VP8") config.codec = VideoCodec::vp8;
            if (codec == "H264") config.codec = VideoCodec::h264;
            for (auto& [rid, ssrc, rtx_ssrc] : layers) config.layers.push_back({rid, ssrc, rtx_ssrc});
            return s.with_core([&](Core& core) { return core.add_track(id, endpoint, config); });
          },
          Release(), "id"_a, "endpoint"_a, "video"_a, "codec"_a, "mid"_a, "cname"_a, "clock_rate"_a, "pt"_a,
          "rtx_pt"_a, "nack"_a, "pli"_a, "fir"_a, "layers"_a, "red_pt"_a = 0xff)
      .def(
          "prefer",
          [](T& s, uint32_t id, int layer, uint8_t temporal) {
            s.with_core([&](Core& core) { core.prefer(id, layer, temporal); });
          },
          Release(), "subscription"_a, "layer"_a, "temporal"_a)
      .def(
          "remove_track", [](T& s, uint32_t id) { s.with_core([&](Core& core) { core.remove_track(id); }); },
          Release(), "track"_a)
      .def(
          "add_subscription",
          [](T& s, uint32_t id, uint32_t track, uint32_t endpoint, uint32_t ssrc, uint32_t rtx_ssrc,
             uint8_t pt, uint8_t rtx_pt, uint8_t tos, int priority, uint8_t red_pt) {
            SubscriptionConfig config{ssrc, rtx_ssrc, pt, rtx_pt, red_pt, tos, priority};
            return s.with_core(
                [&](Core& core) { return core.add_subscription(id, track, endpoint, config); });
          },
          Release(), "id"_a, "track"_a, "endpoint"_a, "ssrc"_a, "rtx_ssrc"_a, "pt"_a, "rtx_pt"_a, "tos"_a,
          "priority"_a = 0, "red_pt"_a = 0xff)
      .def(
          "prioritize",
          [](T& s, uint32_t id, int priority) {
            s.with_core([&](Core& core) { core.prioritize(id, priority); });
          },
          Release(), "subscription"_a, "priority"_a)
      .def(
          "pause",
          [](T& s, uint32_t id, bool paused) { s.with_core([&](Core& core) { core.pause(id, paused); }); },
          Release(), "subscription"_a, "paused"_a)
      .def(
          "remove_subscription",
          [](T& s, uint32_t id) { s.with_core([&](Core& core) { core.remove_subscription(id); }); },
          Release(), "subscription"_a)
      .def(
          "send",
          [](T& s, uint32_t id, const nb::bytes& datagram) {
            View v = view(datagram);
            nb::gil_scoped_release release;
            s.with_core([&](Core& core) { core.send(id, v); });
          },
          "endpoint"_a, "datagram"_a)
      .def(
          "set_remb", [](T& s, uint64_t bps) { s.with_core([&](Core& core) { core.set_remb(bps); }); },
          Release(), "bps"_a)
      .def("endpoints", &endpoints<T>)
      .def("tracks", &tracks<T>)
      .def("subscriptions", &subscriptions<T>)
      .def("counters", &counters<T>);
}

}  // namespace
}  // namespace plane

NB_MODULE(_plane, m) {
  using namespace plane;
  nb::set_leak_warnings(false);
  m.attr("EXTENSIONS") = static_cast<int>(kExts);

  nb::class_<Worker> worker(m, "Plane");
  worker
      .def(
          "__init__",
          [](Worker* self, const Functions& f, const std::string& host, uint16_t port, bool threaded) {
            try {
              new (self) Worker(functions(f), host, port, threaded);
            } catch (const std::system_error& e) {
              errno = e.code().value();
              PyErr_SetFromErrno(PyExc_OSError);
              throw nb::python_error();
            }
          },
          "srtp"_a, "host"_a, "port"_a, "threaded"_a = true)
      .def_prop_ro("port", &Worker::port)
      .def_prop_ro("event_fd", &Worker::event_fd)
      .def_prop_ro("turn_fd", &Worker::turn_fd)
      .def("turn", [](Worker& w) { w.turn(); })
      .def_prop_ro("offload", &Worker::offload)
      .def_prop_ro("turns", &Worker::turns)
      .def_prop_ro("closed", &Worker::closed)
      .def(
          "accept_only",
          [](Worker& w, const std::vector<nb::bytes>& ips) {
            std::vector<Ip> list;
            for (auto& ip : ips) list.push_back(to_ip(ip));
            nb::gil_scoped_release release;
            w.accept_only(std::move(list));
          },
          "ips"_a)
      .def(
          "adopt",
          [](Worker& w, int fd, const nb::bytes& ip, uint16_t port, const nb::bytes& check) {
            Address from{to_ip(ip), port};
            View v = view(check);
            nb::gil_scoped_release release;
            return w.adopt(fd, from, v);
          },
          "fd"_a, "ip"_a, "port"_a, "check"_a)
      .def(
          "tcp_counters",
          [](Worker& w) {
            TcpConnections::Counters c = w.tcp_counters();
            return std::tuple(c.open, c.queued, c.dropped);
          },
          nb::call_guard<nb::gil_scoped_release>())
      .def("take_events",
           [](Worker& w) {
             nb::list out;
             for (auto& e : w.take_events()) out.append(nb::make_tuple(e.endpoint, bytes(e.datagram)));
             return out;
           })
      .def("close", &Worker::close, nb::call_guard<nb::gil_scoped_release>())
      .def_static("now_us", &Worker::now_us);
  bind_commands(worker);

  nb::class_<Simulation> simulation(m, "Simulation");
  simulation.def(nb::init<const Functions&>(), "srtp"_a)
      .def("datagram", &Simulation::datagram, "ip"_a, "port"_a, "data"_a, "now_us"_a)
      .def("timer", &Simulation::timer, "now_us"_a)
      .def("take_sent", &Simulation::take_sent)
      .def("take_dtls", &Simulation::take_dtls);
  bind_commands(simulation);

  nb::class_<BandwidthEstimator> estimator(m, "BandwidthEstimator");
  estimator.def(nb::init<>())
      .def("on_sent", &BandwidthEstimator::on_sent, "wire_bytes"_a, "now_us"_a, "probe"_a = 0)
      .def(
          "on_feedback",
          [](BandwidthEstimator& e, const nb::bytes& body, int64_t now_us) {
            std::vector<uint8_t> copy(body.c_str(), body.c_str() + body.size());  // exact, as above
            e.on_feedback({copy.data(), copy.size()}, now_us);
          },
          "body"_a, "now_us"_a)
      .def("on_rtt", &BandwidthEstimator::on_rtt, "rtt_us"_a)
      .def(
          "on_timer",
          [](BandwidthEstimator& e, int64_t now_us, uint64_t wanted_bps) {
            auto probe = e.on_timer(now_us, wanted_bps);
            return probe ? std::make_tuple(probe->id, probe->bytes) : std::make_tuple(0, size_t{0});
          },
          "now_us"_a, "wanted_bps"_a)
      .def_prop_ro("bps", &BandwidthEstimator::bps)
      .def_prop_ro("known", &BandwidthEstimator::known)
      .def_prop_ro("overusing", &BandwidthEstimator::overusing)
      .def_prop_ro("queue_delay_us", &BandwidthEstimator::queue_delay_us)
      .def_prop_ro("loss", &BandwidthEstimator::loss);

  nb::class_<Deframer>(m, "Deframer")
      .def(nb::init<>())
      .def(
          "push",
          [](Deframer& d, const nb::bytes& data) -> std::optional<nb::list> {
            std::vector<uint8_t> copy(data.c_str(), data.c_str() + data.size());
            nb::list out;
            bool good = d.push(copy.data(), copy.size(),
                               [&](uint8_t* packet, size_t size) { out.append(nb::bytes(packet, size)); });
            return good ? std::optional(out) : std::nullopt;
          },
          "data"_a);
  nb::class_<SendQueue>(m, "SendQueue")
      .def(nb::init<>())
      .def(
          "push",
          [](SendQueue& q, const nb::bytes& packet, bool media, int64_t now_us) {
            return q.push(view(packet), media, now_us);
          },
          "packet"_a, "media"_a, "now_us"_a)
      .def("front",
           [](const SendQueue& q) {
             auto [first, second] = q.front();
             return bytes(std::string(reinterpret_cast<const char*>(first.data), first.size) +
                          std::string(reinterpret_cast<const char*>(second.data), second.size));
           })
      .def("pop", &SendQueue::pop, "size"_a)
      .def("waited_us", &SendQueue::waited_us, "now_us"_a)
      .def("__len__", &SendQueue::size);
  m.def(
      "hmac_sha1",
      [](const nb::bytes& key, const nb::bytes& message) {
        auto digest = hmac_sha1(view(key), view(message));
        return nb::bytes(digest.data(), digest.size());
      },
      "key"_a, "message"_a);
}
