// Records lie one behind the other and never across the end of the ring: what is left there is
// filled with a record of nobody.
#include "router/message_journal.h"

#include <algorithm>
#include <cstring>

namespace rookery {
namespace {

struct RecordHead {
  std::uint32_t size = 0;  ///< With the head, a multiple of its alignment.
  std::uint8_t kind = 0;
  std::uint8_t way = 0;
  std::uint8_t id_bytes = 0;
  std::uint8_t who_bytes = 0;
  MonoUs at = 0;
  const User* user = nullptr;  ///< Null: filling.
  std::uint64_t sequence = 0;
};

constexpr std::size_t alignment = 8;

}  // namespace

boundary::Way way_of(const Connection& connection) {
  using boundary::Way;
  const bool tls = connection.transport != nullptr;
  if (connection.form == StreamForm::compact) {
    if (!connection.websocket) return Way::compact;
    return tls ? Way::compact_websocket_tls : Way::compact_websocket;
  }
  if (connection.websocket) return tls ? Way::websocket_tls : Way::websocket;
  return tls ? Way::xmpp_tls : Way::xmpp;
}

MessageJournal::MessageJournal(std::size_t bytes)
    : capacity_(bytes / alignment * alignment),
      // Not set to zero: pages that nothing was written to take no memory.
      ring_(capacity_ > 0 ? std::make_unique_for_overwrite<char[]>(capacity_) : nullptr) {}

void MessageJournal::add(const MessageStep& step) {
  const std::string_view id = step.id.substr(0, longest_text);
  const std::string_view who = step.who.substr(0, longest_text);
  const std::size_t bytes =
      (sizeof(RecordHead) + id.size() + who.size() + alignment - 1) / alignment * alignment;
  const std::size_t before_end = capacity_ == 0 ? 0 : capacity_ - end_ % capacity_;
  const std::size_t filling = before_end < bytes ? before_end : 0;
  if (bytes + filling > capacity_) return;
  while (end_ + filling + bytes - oldest_ > capacity_) {
    std::size_t size = 0;
    static_cast<void>(read(oldest_ % capacity_, size));
    oldest_ += size;
  }
  if (filling > 0) {
    RecordHead nobody;
    nobody.size = static_cast<std::uint32_t>(filling);
    std::memcpy(&ring_[end_ % capacity_], &nobody, std::min(filling, sizeof nobody));
    end_ += filling;
  }
  RecordHead head{static_cast<std::uint32_t>(bytes),
                  static_cast<std::uint8_t>(step.kind),
                  static_cast<std::uint8_t>(step.way),
                  static_cast<std::uint8_t>(id.size()),
                  static_cast<std::uint8_t>(who.size()),
                  step.at,
                  step.user,
                  step.sequence};
  char* const into = &ring_[end_ % capacity_];
  std::memcpy(into, &head, sizeof head);
  std::copy(id.begin(), id.end(), into + sizeof head);
  std::copy(who.begin(), who.end(), into + sizeof head + id.size());
  end_ += bytes;
}

MessageStep MessageJournal::read(std::size_t at, std::size_t& size) const {
  RecordHead head;
  std::memcpy(&head, &ring_[at], std::min(sizeof head, capacity_ - at));
  size = head.size;
  if (size < sizeof head) return {};
  const char* const texts = &ring_[at] + sizeof head;
  return {static_cast<boundary::MessageStepKind>(head.kind),
          static_cast<boundary::Way>(head.way),
          head.at,
          head.user,
          head.sequence,
          {texts, head.id_bytes},
          {texts + head.id_bytes, head.who_bytes}};
}

}  // namespace rookery
