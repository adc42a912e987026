// Numbered datagrams at an even pace through something on this machine, and how long each took.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace loadtests {

class DelayProbe {
 public:
  DelayProbe();
  ~DelayProbe();
  DelayProbe(const DelayProbe&) = delete;
  DelayProbe& operator=(const DelayProbe&) = delete;

  std::uint16_t port() const { return port_; }  // where they must arrive
  // From just before the send to the kernel's time of reception; -1 for what is lost. Waits `drain_ns`
  // after the last one.
  std::vector<std::int64_t> run(std::uint16_t via_port, unsigned count, std::int64_t interval_ns,
                                std::size_t octets, std::int64_t drain_ns) const;

 private:
  int sender_ = -1, receiver_ = -1;
  std::uint16_t port_ = 0;
};

// How late this machine wakes a thread that does nothing else: the floor under any emulator here.
std::vector<std::int64_t> wake_lateness(unsigned count, std::int64_t interval_ns);

}  // namespace loadtests
