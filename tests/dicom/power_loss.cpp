// Loaded before libc: keeps, in the directory SHADOW, what a disk would have after a power failure.
//
// Of each file below ROOT the shadow has the content of its last fsync or fdatasync, and a name only
// once its directory was synced. Nothing else gets there: kill -9 alone would keep the page cache.

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <set>
#include <string>

namespace fs = std::filesystem;

namespace {

std::mutex one_at_a_time;

void synced_directory(const fs::path& real, const fs::path& shadow) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(real)) {
    const auto name = entry.path().filename();
    names.insert(name);
    if (entry.is_directory())
      fs::create_directory(shadow / name);
    else if (!fs::exists(shadow / name))
      close(open((shadow / name).c_str(), O_CREAT | O_WRONLY, 0600));
  }
  for (const auto& entry : fs::directory_iterator(shadow))
    if (!names.count(entry.path().filename())) fs::remove_all(entry.path());
}

void synced(int fd) {
  const char* root = std::getenv("ROOT");
  const char* shadow = std::getenv("SHADOW");
  char path[4096];
  const auto count = readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path, sizeof path);
  if (!root || !shadow || count <= 0) return;
  const std::string real(path, static_cast<size_t>(count));
  if (real.rfind(root, 0) != 0) return;
  const fs::path copy = shadow + real.substr(std::string(root).size());
  const std::lock_guard lock(one_at_a_time);
  std::error_code gone;  // a name may vanish while we look
  if (fs::is_directory(real, gone))
    synced_directory(real, copy);
  else if (fs::exists(copy, gone)) {  // content without a name is lost
    // At once: a kill in the midst of a copy must not take what was synced before.
    const fs::path beside = std::string(shadow) + ".copy";
    fs::copy_file(real, beside, fs::copy_options::overwrite_existing, gone);
    if (!gone) fs::rename(beside, copy, gone);
  }
}

int call(const char* name, int fd) {
  using Function = int (*)(int);
  const int result = reinterpret_cast<Function>(dlsym(RTLD_NEXT, name))(fd);
  if (result == 0) synced(fd);
  return result;
}

}  // namespace

extern "C" int fsync(int fd) { return call("fsync", fd); }
extern "C" int fdatasync(int fd) { return call("fdatasync", fd); }
