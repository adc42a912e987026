// Transport-wide congestion feedback to a publisher (draft-holmer-rmcat-transport-wide-cc-extensions-01):
// which of its packets came, and when, so that a browser dares to send HD.
#pragma once
#include <vector>

#include "rtp.h"

namespace plane {

class TransportFeedback {
 public:
  void on_packet(uint16_t seq, int64_t arrival_us);
  bool empty() const { return pending_.empty(); }
  // Writes one feedback message (at most 1200 bytes) and forgets what it reported; 0 when there is nothing.
  size_t write(uint8_t* out, uint32_t sender, uint32_t media);

 private:
  struct Arrival {
    int64_t seq, at_us;
  };
  static constexpr size_t kPendingMax = 1000;  // 100 ms at 10 000 packets/s; more means a flood
  static constexpr int64_t kSpanMax = 400;     // sequence numbers in one message: fits 1200 bytes

  SequenceLine line_;
  std::vector<Arrival> pending_;
  int64_t next_seq_ = -1;  // first sequence number not yet reported
  uint8_t messages_ = 0;
};

}  // namespace plane
