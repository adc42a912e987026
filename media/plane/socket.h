// One UDP socket of the plane: batches in (recvmmsg), batches out (sendmmsg with UDP_SEGMENT).
#pragma once
#include <netinet/in.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <vector>

#include "core.h"

namespace plane {

class UdpSocket {
 public:
  // Binds; an empty host means every address. Throws std::system_error with errno's meaning.
  UdpSocket(const std::string& host, uint16_t port);
  ~UdpSocket();
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  void close();  // frees the port; what is sent then is an error that is counted

  int fd() const { return fd_; }
  uint16_t port() const { return port_; }
  bool offload() const { return offload_; }

  struct Datagram {
    Path path;
    uint8_t* data;
    size_t size;
    int64_t received_ns;  // kernel's receive time on CLOCK_REALTIME, 0 when it gave none
  };
  // Reads what is there, at most kBatch datagrams; the data is valid until the next call.
  size_t receive(std::vector<Datagram>& out);

  uint8_t* reserve(size_t size);  // as Output says
  void commit(const Path& path, size_t size, size_t segment, uint8_t tos);
  void flush();
  uint64_t send_errors() const { return send_errors_; }

 private:
  static constexpr size_t kBatch = 64;
  static constexpr size_t kArena = 192 * 1024;  // larger falls out of the cache (facts: 64-256 KB)
  static constexpr size_t kMessages = 256;

  struct Message {
    Path path;
    uint32_t offset, size;
    uint16_t segment;
    uint8_t tos;
  };
  size_t write_control(const Message& m, uint8_t* control, size_t room);
  socklen_t write_name(const Address& a, sockaddr_storage& name) const;
  void send_plain(const Message& m);
  void send_one(const Message& m, uint8_t* data, size_t size);

  int fd_ = -1;
  int family_ = AF_INET6;
  uint16_t port_ = 0;
  bool offload_ = true;  // UDP_SEGMENT works here
  uint64_t send_errors_ = 0;

  std::unique_ptr<uint8_t[]> inbox_;
  std::unique_ptr<uint8_t[]> arena_;
  size_t used_ = 0;
  std::vector<Message> messages_;
  struct Scratch;
  std::unique_ptr<Scratch> scratch_;
};

}  // namespace plane
