// The stores' folder: its lock, its format marker, and the environments in it.
//
//   folder/lock               held by the process that has the stores open; its pid stands in it
//   folder/format             "rookery-store VERSION SALT CHECKSUM": one line of text
//   folder/store-N/format     the same, so that the salt survives damage to one copy
//   folder/store-N/log.lmdb   the log of store N
//   folder/store-N/log.lmdb.damaged-TIME   set aside by a salvage, for people; never read again
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rookery {

/// Keeps the folder for this process while it lives.
class FolderLock {
 public:
  FolderLock() = default;
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  /// False with a sentence in `error`, naming the holder's pid when it is known.
  bool take(const std::string& folder, std::string& error);

 private:
  int fd_ = -1;
};

/// A file opened for plain reading; closes itself.
class ReadFile {
 public:
  explicit ReadFile(const std::string& path);
  ~ReadFile();
  ReadFile(const ReadFile&) = delete;
  ReadFile& operator=(const ReadFile&) = delete;
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  int fd_ = -1;
  std::uint64_t bytes_ = 0;
};

/// Makes a folder (and those above it) and makes its entry durable.
bool make_folder(const std::string& path, std::string& error);
/// Makes new and renamed names in a folder durable.
bool sync_folder(const std::string& path);

enum class MarkerState : std::uint8_t { missing, damaged, good, newer };
struct Marker {
  MarkerState state = MarkerState::missing;
  std::uint64_t salt = 0;
};
[[nodiscard]] Marker read_marker(const std::string& folder);
bool write_marker(const std::string& folder, std::uint64_t salt, std::string& error);

/// A random salt that is not zero.
[[nodiscard]] std::uint64_t random_salt();

/// Numbers of the environments in the folder, ascending.
[[nodiscard]] std::vector<std::uint8_t> find_stores(const std::string& folder);
[[nodiscard]] std::string store_folder(const std::string& folder, std::uint8_t store);
[[nodiscard]] std::string log_path(const std::string& folder, std::uint8_t store);

/// "path: reason" of the current errno.
[[nodiscard]] std::string errno_text(const std::string& path);

}  // namespace rookery
