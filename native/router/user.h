// What a shard knows of a user who lives on it: how to authenticate them, whom they see and block,
// their sessions and their mailbox. Facts come from the control plane; nothing here asks it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/types.h"
#include "router/recent_messages.h"
#include "session/sasl.h"
#include "session/session.h"
#include "store/mailbox.h"

namespace rookery {

/// Bits of a roster subscription.
enum : std::uint8_t { subscription_to = 1, subscription_from = 2 };

struct Contact {
  std::string local;  ///< Contacts are of this domain; others have no presence here.
  std::uint8_t subscription = 0;
};

/// How long a retransmission is recognised, from when its sender's last session ended.
inline constexpr std::uint32_t retransmission_seconds = 600;

/// A session that is over, by its time or by a restart, while messages that it was sent had not
/// been acknowledged: which, under which number, so that its client's attempt to resume still
/// settles them.
struct PastSession {
  struct Item {
    std::uint32_t number = 0;
    std::uint64_t mailbox_sequence = 0;
  };
  SessionTag tag = 0;
  std::vector<Item> items;
  std::vector<LogSequence> notes;  ///< Kept on disk as long as this is.
};

/// A phone or browser that logs in with a key of its own.
struct Device {
  std::uint8_t id = 0;
  std::array<std::uint8_t, 32> key{};  ///< X25519, public.
};

struct User {
  std::string name;
  std::unique_ptr<Credentials> credentials;  ///< Null: no account (only a mailbox was recovered).
  std::vector<Session*> sessions;
  std::unique_ptr<Mailbox> mailbox;
  std::unique_ptr<std::vector<Contact>> contacts;
  std::unique_ptr<std::vector<std::string>> blocked;
  std::unique_ptr<std::vector<Device>> devices;  ///< Null: none.
  std::unique_ptr<RecentMessages> recent;
  std::unique_ptr<std::vector<PastSession>> past;  ///< Oldest first.
  std::uint32_t unclean_end_s = 0;                 ///< When a session last ended without a close.
  bool disabled = false;
  bool traced = false;    ///< Every stanza of its sessions is reported to the control plane.
  bool settling = false;  ///< Something of this mailbox is being forgotten on disk.

  [[nodiscard]] bool exists() const { return credentials != nullptr; }
  /// The key of a device; null when the user has no device of that number.
  [[nodiscard]] const std::array<std::uint8_t, 32>* device_key(std::uint8_t id) const {
    if (!devices) return nullptr;
    const auto found = std::find_if(devices->begin(), devices->end(),
                                    [id](const Device& device) { return device.id == id; });
    return found == devices->end() ? nullptr : &found->key;
  }
  [[nodiscard]] Session* session_by_resource(std::string_view resource) const {
    for (Session* session : sessions) {
      if (session->resource == resource) return session;
    }
    return nullptr;
  }
  [[nodiscard]] Contact* contact(std::string_view local) const {
    if (!contacts) return nullptr;
    const auto found =
        std::find_if(contacts->begin(), contacts->end(),
                     [local](const Contact& contact) { return contact.local == local; });
    return found == contacts->end() ? nullptr : &*found;
  }
  [[nodiscard]] Mailbox& mail() {
    if (!mailbox) mailbox = std::make_unique<Mailbox>();
    return *mailbox;
  }
};

/// The users of one shard. Objects do not move and are never freed while the shard lives: an
/// account that is removed leaves an empty object, so that what is in flight finds it gone, not
/// dangling.
class UserTable {
 public:
  [[nodiscard]] User* find(std::string_view name) {
    const auto found = users_.find(name);
    return found == users_.end() ? nullptr : found->second.get();
  }
  User& find_or_make(std::string_view name) {
    if (User* user = find(name)) return *user;
    auto user = std::make_unique<User>();
    user->name = name;
    User& made = *user;
    users_.emplace(std::string_view(made.name), std::move(user));
    return made;
  }
  template <typename Visit>
  void for_each(Visit visit) {
    for (auto& [name, user] : users_) visit(*user);
  }
  /// Calls `visit(user)` for the users of one part of the table, a few; there are parts() of them.
  /// Users that come meanwhile may be missed, or seen twice.
  template <typename Visit>
  void visit_part(std::size_t part, Visit visit) const {
    if (part >= users_.bucket_count()) return;
    for (auto at = users_.begin(part); at != users_.end(part); ++at) visit(*at->second);
  }
  [[nodiscard]] std::size_t parts() const { return users_.bucket_count(); }
  [[nodiscard]] std::size_t size() const { return users_.size(); }

 private:
  struct Hash {
    std::size_t operator()(std::string_view name) const { return hash_name(name); }
  };
  // The key views the name inside the object, which does not move.
  std::unordered_map<std::string_view, std::unique_ptr<User>, Hash> users_;
};

}  // namespace rookery
