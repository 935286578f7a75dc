// Encoding of records between a port and its store thread.
#include "store/store_channel.h"

#include <chrono>
#include <cstring>

#include "store/record_frame.h"

namespace rookery {
namespace {

constexpr std::size_t kHeaderBytes = 7;

}  // namespace

std::uint64_t store_clock_us() {
  using std::chrono::steady_clock;
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now().time_since_epoch())
          .count());
}

void encode_records(std::span<const RecordInput> records, StoreItem& item) {
  std::size_t total = 0;
  for (const RecordInput& record : records) {
    total += kHeaderBytes + record.user.size() + record.payload.size();
  }
  item.bytes.clear();
  item.bytes.reserve(total);
  item.records = static_cast<std::uint32_t>(records.size());
  for (const RecordInput& record : records) {
    const auto user = static_cast<std::uint16_t>(record.user.size());
    const auto payload = static_cast<std::uint32_t>(record.payload.size());
    char header[kHeaderBytes];
    header[0] = static_cast<char>(record.kind);
    std::memcpy(header + 1, &user, sizeof user);
    std::memcpy(header + 3, &payload, sizeof payload);
    item.bytes.append(header, sizeof header);
    item.bytes.append(record.user);
    item.bytes.append(record.payload);
  }
}

bool next_record(const StoreItem& item, std::size_t& at, ItemRecord& out) {
  if (at + kHeaderBytes > item.bytes.size()) return false;
  const char* header = item.bytes.data() + at;
  const std::size_t user = load16(header + 1);
  const std::size_t payload = load32(header + 3);
  out.kind = static_cast<std::uint8_t>(header[0]);
  out.user = {header + kHeaderBytes, user};
  out.payload = {header + kHeaderBytes + user, payload};
  at += kHeaderBytes + user + payload;
  return true;
}

}  // namespace rookery
