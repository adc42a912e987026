// What the fuzz targets share. Each is one file with one `LLVMFuzzerTestOneInput`; a violated CHECK ends the
// program, as a sanitizer's report does.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "media/plane/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

#define CHECK(condition)                                                               \
  do {                                                                                 \
    if (condition) break;                                                              \
    std::fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
    std::abort();                                                                      \
  } while (false)

namespace fuzz {

using Bytes = std::vector<uint8_t>;

// A copy of exactly that size, so that a read past its end is seen.
inline Bytes exact(plane::View v) { return Bytes(v.data, v.data + v.size); }
inline plane::View view(const Bytes& b) { return {b.data(), b.size()}; }

// Takes decisions out of the fuzzer's bytes; what has run out reads as zero.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), left_(size) {}
  bool empty() const { return left_ == 0; }
  uint8_t byte() {
    if (left_ == 0) return 0;
    --left_;
    return *data_++;
  }
  uint16_t word() {
    const uint8_t high = byte();
    return static_cast<uint16_t>(high << 8 | byte());
  }
  uint32_t dword() {
    const uint32_t high = word();
    return high << 16 | word();
  }
  Bytes take(size_t most) {
    const size_t n = most < left_ ? most : left_;
    Bytes taken(data_, data_ + n);
    data_ += n, left_ -= n;
    return taken;
  }
  Bytes rest() { return take(left_); }

 private:
  const uint8_t* data_;
  size_t left_;
};

}  // namespace fuzz
