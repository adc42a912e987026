// loadtests._native: see loadtests/_native.pyi for the types and what each call means.
#include <nanobind/nanobind.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "engine.hpp"
#include "floor.hpp"
#include "publisher.hpp"

namespace nb = nanobind;
using namespace nb::literals;
using namespace loadtests;

namespace {

nb::bytes as_bytes(const std::vector<FrameRecord>& records) {
  return nb::bytes(reinterpret_cast<const char*>(records.data()), records.size() * sizeof(FrameRecord));
}

using LineOf = std::tuple<std::uint32_t, int, std::string>;

Line line(const LineOf& of) { return {std::get<0>(of), std::get<1>(of), std::get<2>(of)}; }

}  // namespace

NB_MODULE(_native, m) {
  nb::class_<StreamCount>(m, "Stream")
      .def(nb::init<>())
      .def_ro("payload_type", &StreamCount::payload_type)
      .def_ro("ssrc", &StreamCount::ssrc)
      .def_ro("received", &StreamCount::received)
      .def_prop_ro("expected", &StreamCount::expected)
      .def_ro("duplicates", &StreamCount::duplicates)
      .def_ro("reordered", &StreamCount::reordered)
      .def_ro("late", &StreamCount::late)
      .def_prop_ro("highest", [](const StreamCount& s) { return s.highest - 65536; })
      .def_ro("jitter", &StreamCount::jitter);

  nb::class_<PeerCounts>(m, "PeerCounts")
      .def_ro("other_rtp", &PeerCounts::other_rtp)
      .def_ro("octets", &PeerCounts::octets)
      .def_ro("feedback_sent", &PeerCounts::feedback_sent);

  nb::class_<ArrivalLog>(m, "ArrivalLog")
      .def(nb::init<>())
      .def("note", &ArrivalLog::note, "sequence"_a, "now_ns"_a)
      .def(
          "write",
          [](ArrivalLog& log, std::uint32_t sender, std::uint32_t media) {
            std::uint8_t packet[ArrivalLog::kRoom];
            return nb::bytes(packet, log.write(packet, sender, media));
          },
          "sender"_a, "media"_a);

  nb::class_<Engine>(m, "Engine")
      .def(nb::init<unsigned>(), "coalesce_us"_a = 0)
      .def_prop_ro("event_fd", &Engine::event_fd)
      .def_prop_ro("dropped", &Engine::dropped)
      .def("open", &Engine::open, "address"_a)
      .def("port", &Engine::port, "peer"_a)
      .def("socket", &Engine::socket, "peer"_a)
      .def("connect", &Engine::connect, "peer"_a, "address"_a, "port"_a)
      .def(
          "send", [](Engine& e, int peer, nb::bytes data) { e.send(peer, data.c_str(), data.size()); },
          "peer"_a, "data"_a)
      .def("close", &Engine::close, "peer"_a)
      .def("secure", &Engine::secure, "peer"_a, "session"_a, "protect_rtcp"_a)
      .def(
          "send_rtcp",
          [](Engine& e, int peer, nb::bytes data) { e.send_rtcp(peer, data.c_str(), data.size()); }, "peer"_a,
          "data"_a)
      .def("feedback", &Engine::feedback, "peer"_a, "sequence_extension"_a, "interval_ms"_a)
      .def("count", &Engine::count, "peer"_a, "kinds"_a)
      .def("record", &Engine::record, "on"_a)
      .def("coalesce", &Engine::coalesce, "us"_a)
      .def(
          "frames",
          [](const Engine& e, int peer, std::uint32_t ssrc) { return as_bytes(e.frames(peer, ssrc)); },
          "peer"_a, "ssrc"_a)
      .def("streams", &Engine::streams, "peer"_a)
      .def("counts", &Engine::counts, "peer"_a)
      .def("drain", [](Engine& e) {
        nb::list out;
        for (const auto& [peer, data] : e.drain())
          out.append(nb::make_tuple(peer, nb::bytes(data.data(), data.size())));
        return out;
      });

  nb::class_<Sent>(m, "Sent")
      .def_ro("packets", &Sent::packets)
      .def_ro("octets", &Sent::octets)
      .def_ro("key_frames", &Sent::key_frames)
      .def_ro("send_errors", &Sent::send_errors)
      .def_ro("unstamped", &Sent::unstamped)
      .def_ro("late", &Sent::late)
      .def_ro("timestamp", &Sent::timestamp)
      .def_ro("time_ns", &Sent::time_ns);

  nb::class_<Publisher>(m, "Publisher")
      .def(
          "__init__",
          [](Publisher* self, int socket, std::uintptr_t session, std::uintptr_t protect, const LineOf& video,
             const LineOf& audio, int mid_extension, int sequence_extension, unsigned frames_per_second,
             const std::vector<std::pair<std::uint32_t, bool>>& frames, std::vector<std::uint32_t> sounds) {
            PublisherSettings settings{socket,
                                       session,
                                       protect,
                                       line(video),
                                       line(audio),
                                       mid_extension,
                                       sequence_extension,
                                       frames_per_second,
                                       {},
                                       std::move(sounds)};
            for (const auto& [octets, key] : frames) settings.frames.push_back({octets, key});
            new (self) Publisher(std::move(settings));
          },
          nb::kw_only(), "socket"_a, "session"_a, "protect"_a, "video"_a, "audio"_a, "mid_extension"_a,
          "sequence_extension"_a, "frames_per_second"_a, "frames"_a, "sounds"_a)
      .def("start", &Publisher::start)
      .def("stop", &Publisher::stop, nb::call_guard<nb::gil_scoped_release>())
      .def("spread", &Publisher::spread, "us"_a)
      .def("request_key_frame", &Publisher::request_key_frame)
      .def("record", &Publisher::record, "on"_a)
      .def(
          "frames", [](const Publisher& p, bool audio) { return as_bytes(p.frames(audio)); },
          "audio"_a = false)
      .def("sent", &Publisher::sent, "audio"_a = false);

  m.def(
      "floor",
      [](std::vector<std::uint16_t> ports, std::vector<std::uintptr_t> sessions, std::uintptr_t protect,
         unsigned packets_per_frame, unsigned octets, unsigned frames, unsigned frames_per_second,
         bool segmentation) {
        const nb::gil_scoped_release release;
        const FloorResult result = floor({std::move(ports), std::move(sessions), protect, packets_per_frame,
                                          octets, frames, frames_per_second, segmentation});
        return std::pair<std::int64_t, double>(result.packets, result.cpu_s);
      },
      nb::kw_only(), "ports"_a, "sessions"_a, "protect"_a, "packets_per_frame"_a, "octets"_a, "frames"_a,
      "frames_per_second"_a, "segmentation"_a);
}
