// Runs a fuzz target where the compiler has no libFuzzer: feeds it each file of the folders given, and then
// mutations of them, without coverage to guide them. Takes libFuzzer's options that we use: -runs,
// -max_total_time, -seed, -max_len, -artifact_prefix; ignores others.
#include <sanitizer/common_interface_defs.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "fuzz.h"

namespace {

fuzz::Bytes current;
std::string artifact_prefix = "./";

void keep_current() {
  size_t hash = 14695981039346656037u;
  for (uint8_t b : current) hash = (hash ^ b) * 1099511628211u;
  const std::string path = artifact_prefix + "crash-" + std::to_string(hash);
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(current.data()), static_cast<std::streamsize>(current.size()));
  std::fprintf(stderr, "Test unit written to %s\n", path.c_str());
}

void run(fuzz::Bytes input) {
  current = std::move(input);
  LLVMFuzzerTestOneInput(current.data(), current.size());
}

fuzz::Bytes read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return fuzz::Bytes(std::istreambuf_iterator<char>(file), {});
}

class Mutator {
 public:
  explicit Mutator(uint64_t seed) : random_(seed) {}

  fuzz::Bytes make(const std::vector<fuzz::Bytes>& corpus, size_t longest) {
    fuzz::Bytes b = corpus.empty() ? fuzz::Bytes{} : corpus[below(corpus.size())];
    for (size_t n = 1 + below(6); n > 0; --n) mutate(b, corpus);
    if (b.size() > longest) b.resize(longest);
    b.shrink_to_fit();
    return b;
  }

 private:
  size_t below(size_t n) { return n ? random_() % n : 0; }
  void mutate(fuzz::Bytes& b, const std::vector<fuzz::Bytes>& corpus) {
    static constexpr uint8_t kEdges[] = {0, 1, 0x7f, 0x80, 0xfe, 0xff};
    const size_t at = below(b.size());
    const auto here = b.begin() + static_cast<std::ptrdiff_t>(at);
    switch (b.empty() ? 3 : below(7)) {
      case 0:
        b[at] = static_cast<uint8_t>(random_());
        break;
      case 1:
        b[at] ^= static_cast<uint8_t>(1 << below(8));
        break;
      case 2:
        b[at] = kEdges[below(sizeof kEdges)];
        break;
      case 3:
        for (size_t n = 1 + below(16); n > 0; --n)
          b.insert(b.begin() + static_cast<std::ptrdiff_t>(below(b.size() + 1)),
                   static_cast<uint8_t>(random_()));
        break;
      case 4:
        b.erase(here, here + static_cast<std::ptrdiff_t>(1 + below(std::min<size_t>(b.size() - at, 16))));
        break;
      case 5: {
        const fuzz::Bytes again(here, here + static_cast<std::ptrdiff_t>(below(b.size() - at + 1)));
        b.insert(here, again.begin(), again.end());
        break;
      }
      default: {
        const fuzz::Bytes& other = corpus[below(corpus.size())];
        b.resize(at);
        b.insert(b.end(), other.begin() + static_cast<std::ptrdiff_t>(below(other.size())), other.end());
        break;
      }
    }
  }
  std::mt19937_64 random_;
};

}  // namespace

int main(int argc, char** argv) {
  uint64_t seed = 1, runs = 0, seconds = 0;
  size_t longest = 4096;
  std::vector<fuzz::Bytes> corpus;
  __sanitizer_set_death_callback(keep_current);
  std::signal(SIGABRT, [](int) { keep_current(); });  // a CHECK; sanitizers call back by themselves
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto equals = argument.find('=');
    if (argument[0] != '-') {
      std::vector<std::filesystem::path> files;
      if (std::filesystem::is_directory(argument))
        for (const auto& entry : std::filesystem::directory_iterator(argument)) files.push_back(entry.path());
      else
        files.push_back(argument);
      std::sort(files.begin(), files.end());  // so that a seed means the same everywhere
      for (const auto& path : files) corpus.push_back(read(path));
    } else if (equals != std::string::npos) {
      const std::string name = argument.substr(1, equals - 1), value = argument.substr(equals + 1);
      if (name == "artifact_prefix") artifact_prefix = value;
      if (name == "seed") seed = std::stoull(value);
      if (name == "runs") runs = std::stoull(value);
      if (name == "max_total_time") seconds = std::stoull(value);
      if (name == "max_len") longest = std::stoull(value);
    }
  }
  for (const auto& b : corpus) run(b);
  Mutator mutator(seed);
  uint64_t done = corpus.size();
  const auto start = std::chrono::steady_clock::now();
  auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  for (; seconds ? elapsed() < static_cast<double>(seconds) : done < runs; ++done)
    run(mutator.make(corpus, longest));
  std::fprintf(stderr, "Done %lu runs in %.0f second(s)\n", static_cast<unsigned long>(done), elapsed());
}
