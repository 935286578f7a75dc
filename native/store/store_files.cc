// Locking, marking and listing the stores' folder.
#include "store/store_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "store/crc32c.h"

namespace rookery {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMarkerName = "format";
constexpr const char* kMarkerWord = "rookery-store";
constexpr unsigned kMarkerVersion = 1;
constexpr std::string_view kStorePrefix = "store-";
constexpr unsigned kMaxStore = 254;

std::string read_small(const std::string& path) {
  const ReadFile file(path);
  std::string text;
  if (!file.is_open()) return text;
  char raw[256];
  const ssize_t got = pread(file.fd(), raw, sizeof raw, 0);
  if (got > 0) text.assign(raw, static_cast<std::size_t>(got));
  return text;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = write(fd, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

std::string marker_body(unsigned version, std::uint64_t salt) {
  char text[96];
  std::snprintf(text, sizeof text, "%s %u %016llx", kMarkerWord, version,
                static_cast<unsigned long long>(salt));
  return text;
}

}  // namespace

std::string errno_text(const std::string& path) { return path + ": " + std::strerror(errno); }

FolderLock::~FolderLock() {
  if (fd_ >= 0) close(fd_);
}

bool FolderLock::take(const std::string& folder, std::string& error) {
  const std::string path = folder + "/lock";
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd_ < 0) {
    error = errno_text(path);
    return false;
  }
  if (flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      error = errno_text(path);
      return false;
    }
    char raw[32] = {};
    const ssize_t got = pread(fd_, raw, sizeof raw - 1, 0);
    const long pid = got > 0 ? std::strtol(raw, nullptr, 10) : 0;
    error = folder + " is in use by another process";
    if (pid > 0) error += " (pid " + std::to_string(pid) + ")";
    return false;
  }
  // The pid is for people; a full disk must not keep the server from starting.
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(fd_, 0) == 0 && pwrite(fd_, pid.data(), pid.size(), 0) < 0) return true;
  return true;
}

ReadFile::ReadFile(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  struct stat info {};
  if (fd_ >= 0 && fstat(fd_, &info) == 0 && S_ISREG(info.st_mode)) {
    bytes_ = static_cast<std::uint64_t>(info.st_size);
  }
}

ReadFile::~ReadFile() {
  if (fd_ >= 0) close(fd_);
}

bool make_folder(const std::string& path, std::string& error) {
  std::error_code code;
  const bool made = fs::create_directories(path, code);
  if (code) {
    error = path + ": " + code.message();
    return false;
  }
  if (!made) return true;
  const std::string parent = fs::path(path).parent_path().string();
  if (sync_folder(parent.empty() ? "." : parent)) return true;
  error = errno_text(parent);
  return false;
}

bool sync_folder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool done = fsync(fd) == 0;
  close(fd);
  return done;
}

Marker read_marker(const std::string& folder) {
  Marker marker;
  const std::string text = read_small(folder + "/" + kMarkerName);
  if (text.empty()) return marker;
  marker.state = MarkerState::damaged;
  char word[32] = {};
  unsigned version = 0;
  unsigned long long salt = 0;
  unsigned checksum = 0;
  if (std::sscanf(text.c_str(), "%31s %u %16llx %8x", word, &version, &salt, &checksum) != 4) {
    return marker;
  }
  const std::string body = marker_body(version, salt);
  if (std::strcmp(word, kMarkerWord) != 0 || crc32c(0, body.data(), body.size()) != checksum) {
    return marker;
  }
  marker.salt = salt;
  marker.state = version > kMarkerVersion ? MarkerState::newer : MarkerState::good;
  return marker;
}

bool write_marker(const std::string& folder, std::uint64_t salt, std::string& error) {
  const std::string path = folder + "/" + kMarkerName;
  const std::string fresh = path + ".new";
  const std::string body = marker_body(kMarkerVersion, salt);
  char checksum[16];
  std::snprintf(checksum, sizeof checksum, " %08x\n", crc32c(0, body.data(), body.size()));
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const bool written = fd >= 0 && write_all(fd, body + checksum) && fsync(fd) == 0;
  if (!written) error = errno_text(fresh);
  if (fd >= 0) close(fd);
  if (!written) return false;
  if (rename(fresh.c_str(), path.c_str()) != 0 || !sync_folder(folder)) {
    error = errno_text(path);
    return false;
  }
  return true;
}

std::uint64_t random_salt() {
  std::uint64_t salt = 0;
  while (salt == 0) {
    if (getrandom(&salt, sizeof salt, 0) != static_cast<ssize_t>(sizeof salt)) salt = 0;
  }
  return salt;
}

std::vector<std::uint8_t> find_stores(const std::string& folder) {
  std::vector<std::uint8_t> found;
  std::error_code code;
  for (fs::directory_iterator at(folder, code), end; !code && at != end; at.increment(code)) {
    const std::string name = at->path().filename().string();
    if (!name.starts_with(kStorePrefix)) continue;
    unsigned number = 0;
    const char* first = name.data() + kStorePrefix.size();
    const char* last = name.data() + name.size();
    const auto [stop, failure] = std::from_chars(first, last, number);
    const bool plain = failure == std::errc() && stop == last && number <= kMaxStore;
    if (plain && name == std::string(kStorePrefix) + std::to_string(number)) {
      found.push_back(static_cast<std::uint8_t>(number));
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string store_folder(const std::string& folder, std::uint8_t store) {
  return folder + "/" + std::string(kStorePrefix) + std::to_string(store);
}

std::string log_path(const std::string& folder, std::uint8_t store) {
  return store_folder(folder, store) + "/log.lmdb";
}

}  // namespace rookery
