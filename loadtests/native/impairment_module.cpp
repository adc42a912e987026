// loadtests._impairment: see loadtests/_impairment.pyi for the types and what each call means.
#include <nanobind/nanobind.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cerrno>
#include <exception>
#include <system_error>

#include "delay_probe.hpp"
#include "emulator.hpp"
#include "impaired_link.hpp"

namespace nb = nanobind;
using namespace nb::literals;
using namespace loadtests;

namespace {

using Schedule = std::vector<std::pair<std::int64_t, LinkSettings::Numbers>>;

Emulator::Changes changes(const Schedule& from) {
  Emulator::Changes out;
  for (const auto& [at_ns, numbers] : from) out.emplace_back(at_ns, LinkSettings(numbers));
  return out;
}

}  // namespace

NB_MODULE(_impairment, m) {
  nb::register_exception_translator([](const std::exception_ptr& thrown, void*) {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::system_error& error) {
      errno = error.code().value();
      PyErr_SetFromErrno(PyExc_OSError);
    }
  });
  m.attr("LATENESS_US_MAX") = Emulator::kLateness;
  m.attr("HELD_MAX") = ImpairedLink::kMaxHeld;

  nb::class_<LinkCounts>(m, "LinkCounts")
      .def_ro("arrived", &LinkCounts::arrived)
      .def_ro("delivered", &LinkCounts::delivered)
      .def_ro("delivered_bytes", &LinkCounts::delivered_bytes)
      .def_ro("dropped_queue", &LinkCounts::dropped_queue)
      .def_ro("dropped_outage", &LinkCounts::dropped_outage)
      .def_ro("dropped_full", &LinkCounts::dropped_full)
      .def_ro("lost_random", &LinkCounts::lost_random)
      .def_ro("lost_burst", &LinkCounts::lost_burst)
      .def_ro("duplicated", &LinkCounts::duplicated)
      .def_ro("reordered", &LinkCounts::reordered);

  nb::class_<ImpairedLink>(m, "Link")
      .def(
          "__init__",
          [](ImpairedLink* self, const LinkSettings::Numbers& settings, std::uint64_t seed) {
            new (self) ImpairedLink(LinkSettings(settings), seed);
          },
          "settings"_a, "seed"_a)
      .def(
          "schedule", [](ImpairedLink& link, const Schedule& s) { link.schedule(changes(s)); }, "changes"_a)
      .def(
          "push",
          [](ImpairedLink& link, std::int64_t now_ns, std::uint32_t flow, nb::bytes data) {
            link.push(now_ns, flow, std::string(data.c_str(), data.size()));
          },
          "now_ns"_a, "flow"_a, "data"_a)
      .def(
          "poll",
          [](ImpairedLink& link, std::int64_t now_ns) {
            std::vector<Delivery> departed;
            link.poll(now_ns, departed);
            nb::list out;
            for (const Delivery& d : departed)
              out.append(nb::make_tuple(d.departure_ns, d.flow, nb::bytes(d.data.data(), d.data.size())));
            return out;
          },
          "now_ns"_a)
      .def("next_ns",
           [](const ImpairedLink& link) -> nb::object {
             const std::int64_t next_ns = link.next_ns();
             return next_ns == ImpairedLink::kNever ? nb::none() : nb::object(nb::int_(next_ns));
           })
      .def_prop_ro("counts", [](const ImpairedLink& link) { return LinkCounts(link.counts()); })
      .def_prop_ro("queued_bytes", &ImpairedLink::queued_bytes)
      .def_prop_ro("held", &ImpairedLink::held);

  nb::class_<EmulatorCounts>(m, "EmulatorCounts")
      .def_ro("up", &EmulatorCounts::up)
      .def_ro("down", &EmulatorCounts::down)
      .def_ro("clients", &EmulatorCounts::clients)
      .def_ro("refused", &EmulatorCounts::refused)
      .def_ro("oversized", &EmulatorCounts::oversized)
      .def_ro("send_errors", &EmulatorCounts::send_errors);

  nb::class_<Emulator>(m, "Emulator")
      .def(
          "__init__",
          [](Emulator* self, std::pair<std::string, std::uint16_t> listen,
             std::pair<std::string, std::uint16_t> to, const LinkSettings::Numbers& up,
             const LinkSettings::Numbers& down, std::uint64_t seed, unsigned max_clients,
             std::int64_t lifetime_ns) {
            new (self) Emulator({listen.first, listen.second, to.first, to.second, max_clients, lifetime_ns},
                                LinkSettings(up), LinkSettings(down), seed);
          },
          nb::kw_only(), "listen"_a, "to"_a, "up"_a, "down"_a, "seed"_a, "max_clients"_a, "lifetime_ns"_a)
      .def("start", &Emulator::start)
      .def("roam", &Emulator::roam, nb::call_guard<nb::gil_scoped_release>())
      .def("stop", &Emulator::stop, nb::call_guard<nb::gil_scoped_release>())
      .def(
          "schedule",
          [](Emulator& e, const Schedule& up, const Schedule& down) {
            e.schedule(changes(up), changes(down));
          },
          nb::kw_only(), "up"_a, "down"_a)
      .def("counts", &Emulator::counts)
      .def("queue_ns", &Emulator::queue_ns, "up"_a)
      .def("lateness", &Emulator::lateness)
      .def_prop_ro("running", &Emulator::running)
      .def_prop_ro("realtime", &Emulator::realtime)
      .def_prop_ro("port", &Emulator::port)
      .def_prop_ro("now_ns", &Emulator::now_ns);

  nb::class_<DelayProbe>(m, "DelayProbe")
      .def(nb::init<>())
      .def_prop_ro("port", &DelayProbe::port)
      .def("run", &DelayProbe::run, nb::call_guard<nb::gil_scoped_release>(), nb::kw_only(), "via_port"_a,
           "count"_a, "interval_ns"_a, "octets"_a, "drain_ns"_a);

  m.def("wake_lateness", &wake_lateness, nb::call_guard<nb::gil_scoped_release>(), nb::kw_only(), "count"_a,
        "interval_ns"_a);
}
