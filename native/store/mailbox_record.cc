// Encoding of the mailbox's records: a version byte, then fixed little-endian fields, then bytes.
#include "store/mailbox_record.h"

#include <bit>
#include <cstring>

namespace rookery {
namespace {

constexpr char message_version = 1;
constexpr char sent_version = 1;
constexpr std::size_t message_header_bytes = 1 + 8 + 8 + 4 + 8;
constexpr std::size_t sent_header_bytes = 1 + 8 + 4 + 4;

template <typename T>
void put(std::string& out, T value) {
  static_assert(std::endian::native == std::endian::little);
  char raw[sizeof value];
  std::memcpy(raw, &value, sizeof value);
  out.append(raw, sizeof raw);
}

template <typename T>
T take(std::string_view& in) {
  T value;
  std::memcpy(&value, in.data(), sizeof value);
  in.remove_prefix(sizeof value);
  return value;
}

}  // namespace

void MessageRecord::encode(std::string& out) const {
  out.push_back(message_version);
  put(out, accepted_ms);
  put(out, sent_tag);
  put(out, sent_number);
  put(out, fingerprint);
  out.append(stanza);
}

bool MessageRecord::decode(std::string_view payload, MessageRecord& out) {
  if (payload.size() < message_header_bytes || payload[0] != message_version) return false;
  payload.remove_prefix(1);
  out.accepted_ms = take<WallMs>(payload);
  out.sent_tag = take<SessionTag>(payload);
  out.sent_number = take<std::uint32_t>(payload);
  out.fingerprint = take<std::uint64_t>(payload);
  out.stanza = payload;
  return true;
}

void SentRecord::encode(std::string& out) const {
  out.push_back(sent_version);
  put(out, tag);
  put(out, first_number);
  put(out, static_cast<std::uint32_t>(sequences.size()));
  for (const LogSequence sequence : sequences) put(out, sequence);
}

bool SentRecord::decode(std::string_view payload, SentRecord& out) {
  if (payload.size() < sent_header_bytes || payload[0] != sent_version) return false;
  payload.remove_prefix(1);
  out.tag = take<SessionTag>(payload);
  out.first_number = take<std::uint32_t>(payload);
  const auto count = take<std::uint32_t>(payload);
  if (payload.size() / sizeof(LogSequence) != count) return false;
  out.sequences.clear();
  out.sequences.reserve(count);
  for (std::uint32_t index = 0; index < count; ++index) {
    out.sequences.push_back(take<LogSequence>(payload));
  }
  return true;
}

}  // namespace rookery
