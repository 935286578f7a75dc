// How a record that crosses between TypeScript and C++ lies in a batch: the header, the walk over a
// batch, and the little-endian fields. boundary.gen.h builds the records themselves on this; the
// other side of it is src/engine/record-buffer.ts.
#pragma once

#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace rookery::boundary {

/// Opens every record. `bytes` counts the whole record, header and padding included.
struct RecordHeader {
  std::uint32_t bytes = 0;
  std::uint16_t kind = 0;
  std::uint16_t shard = 0;
};

inline constexpr std::size_t record_header_bytes = 8;
inline constexpr std::size_t record_alignment_bytes = 8;

/// Takes the next record (with its header) off the front of `batch`. False at the end, when `batch`
/// is empty, and at a malformed record, when `batch` is not.
inline bool next_record(std::string_view& batch, RecordHeader& header, std::string_view& record) {
  if (batch.size() < record_header_bytes) return false;
  std::memcpy(&header.bytes, batch.data(), sizeof header.bytes);
  std::memcpy(&header.kind, batch.data() + 4, sizeof header.kind);
  std::memcpy(&header.shard, batch.data() + 6, sizeof header.shard);
  if (header.bytes < record_header_bytes || header.bytes > batch.size() ||
      header.bytes % record_alignment_bytes != 0) {
    return false;
  }
  record = batch.substr(0, header.bytes);
  batch.remove_prefix(header.bytes);
  return true;
}

/// Appends one record to a batch: the header at construction, the fields by put(), the padding and
/// the final length by finish().
class RecordEncoder {
 public:
  RecordEncoder(std::string& out, std::uint16_t kind, std::uint16_t shard)
      : out_(out), start_(out.size()) {
    put(std::uint32_t{0});
    put(kind);
    put(shard);
  }
  RecordEncoder(const RecordEncoder&) = delete;
  RecordEncoder& operator=(const RecordEncoder&) = delete;

  template <std::integral Number>
  void put(Number value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    out_.append(bytes, sizeof value);
  }
  void put(std::string_view text) {
    put(static_cast<std::uint32_t>(text.size()));
    out_.append(text);
  }
  void finish() {
    const std::size_t used = out_.size() - start_;
    out_.append((record_alignment_bytes - used % record_alignment_bytes) % record_alignment_bytes,
                '\0');
    const auto bytes = static_cast<std::uint32_t>(out_.size() - start_);
    std::memcpy(out_.data() + start_, &bytes, sizeof bytes);
  }

 private:
  std::string& out_;
  std::size_t start_;
};

/// Reads the fields of one record in their order, never beyond its end. A failed get() makes every
/// later one fail, so that a caller may check once.
class RecordDecoder {
 public:
  /// Fails at once unless `record` is exactly one record of that kind.
  RecordDecoder(std::string_view record, std::uint16_t kind) {
    RecordHeader header;
    std::string_view whole;
    good_ = next_record(record, header, whole) && record.empty() && header.kind == kind;
    if (good_) rest_ = whole.substr(record_header_bytes);
  }

  template <std::integral Number>
  bool get(Number& value) {
    if (!good_ || rest_.size() < sizeof value) return good_ = false;
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return true;
  }
  bool get(std::string_view& text) {
    std::uint32_t bytes = 0;
    if (!get(bytes) || rest_.size() < bytes) return good_ = false;
    text = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return true;
  }
  bool get(std::string& text) {
    std::string_view view;
    if (!get(view)) return false;
    text.assign(view);
    return true;
  }
  /// Whether every field was there, and nothing but padding is left.
  [[nodiscard]] bool finished() const { return good_ && rest_.size() < record_alignment_bytes; }

 private:
  std::string_view rest_;
  bool good_ = false;
};

}  // namespace rookery::boundary
