// What became of the messages of this shard's mailboxes, step by step, for the last few of them:
// the operator's question "where is message X" is answered from it. A ring of bytes that forgets
// the oldest steps; its pages are taken from the system as they are first written. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/types.h"
#include "boundary/boundary.gen.h"
#include "session/connection.h"

namespace rookery {

struct User;

/// How a connection's client speaks to us.
[[nodiscard]] boundary::Way way_of(const Connection& connection);

struct MessageStep {
  boundary::MessageStepKind kind = boundary::MessageStepKind::accepted;
  boundary::Way way = boundary::Way::none;
  MonoUs at = 0;
  const User* user = nullptr;  ///< Whose mailbox. Users are never freed while their shard lives.
  std::uint64_t sequence = 0;  ///< In that mailbox; 0: it did not come so far.
  std::string_view id;         ///< Of the stanza; only where a message enters.
  std::string_view who;        ///< From whom it came, or the resource that got it.
};

class MessageJournal {
 public:
  /// Longer ids and names are kept, and found, by so many of their first bytes.
  static constexpr std::size_t longest_text = 160;

  /// `bytes`: what it may hold; 0 keeps nothing.
  explicit MessageJournal(std::size_t bytes);

  void add(const MessageStep& step);

  /// Calls `visit(step)` for every step of every message with that id, oldest first. The texts of
  /// a step last until the next add().
  template <typename Visit>
  void find(std::string_view id, Visit visit) const {
    const std::string_view wanted = id.substr(0, longest_text);
    std::vector<MessageStep> found;
    for_each([&](const MessageStep& step) {
      if (is_entry(step.kind)) {
        // The same place again is another message: the mailbox was made anew.
        std::erase_if(found, [&](const MessageStep& known) { return same_place(known, step); });
        if (step.id != wanted) return;
        if (step.sequence != 0) found.push_back(step);
        visit(step);
        return;
      }
      for (const MessageStep& known : found) {
        if (same_place(known, step)) visit(step);
      }
    });
  }

 private:
  static bool is_entry(boundary::MessageStepKind kind) {
    using Kind = boundary::MessageStepKind;
    return kind == Kind::accepted || kind == Kind::recovered || kind == Kind::refused ||
           kind == Kind::duplicate;
  }
  static bool same_place(const MessageStep& one, const MessageStep& other) {
    return one.user == other.user && one.sequence == other.sequence;
  }
  [[nodiscard]] MessageStep read(std::size_t at, std::size_t& size) const;
  template <typename Visit>
  void for_each(Visit visit) const {
    for (std::uint64_t at = oldest_; at < end_;) {
      std::size_t size = 0;
      const MessageStep step = read(at % capacity_, size);
      if (step.user != nullptr) visit(step);
      at += size;
    }
  }

  std::size_t capacity_;
  std::unique_ptr<char[]> ring_;
  std::uint64_t oldest_ = 0;  ///< Both count every byte ever written.
  std::uint64_t end_ = 0;
};

}  // namespace rookery
