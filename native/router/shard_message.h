// Records that pass between shards: a stanza on its way with what its home shard must know about
// it, a question for keys, and the answers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/types.h"
#include "session/device_login.h"
#include "session/sasl.h"

namespace rookery {

enum class ShardMessageKind : std::uint8_t {
  // Requests.
  stanza = 1,
  credentials_wanted,
  device_wanted,
  // Replies.
  safe,     ///< A message of this session is safe now.
  deliver,  ///< A finished stanza for local sessions (an error, a probe's answer).
  credentials_found,
  device_found,
};

enum class RoutedKind : std::uint8_t { message, presence, iq };

/// RFC 6121 section 5.2.2, and what presence and IQ distinguish.
enum class RoutedType : std::uint8_t {
  normal,
  chat,
  groupchat,
  headline,
  error,  // message
  available,
  unavailable,
  probe,
  subscription,  // presence
  get,
  set,
  result,  // iq (and error)
};

/// A stanza on its way to the home shard of its recipient. Views are of the record, or of the
/// sender's buffers before it is encoded.
struct RoutedStanza {
  RoutedKind kind = RoutedKind::message;
  RoutedType type = RoutedType::normal;
  bool storable = false;         ///< Goes through the mailbox.
  bool copyable = false;         ///< May be copied to other resources (XEP-0280).
  bool check_duplicate = false;  ///< The sender may be retransmitting.
  bool from_server = false;      ///< Not subject to block lists.
  Handle origin;                 ///< To be told when it is safe; 0: nobody.
  std::uint32_t origin_number = 0;
  std::uint64_t fingerprint = 0;
  MonoUs received_us = 0;  ///< When its sender's shard read it; 0: not from a client.
  std::string_view from;   ///< Plain full (or bare) address of the sender.
  std::string_view to_local;
  std::string_view to_resource;  ///< Empty: the bare address.
  std::string_view id;           ///< Raw, for errors.
  std::string_view xml;          ///< As it is to be delivered.

  void encode(std::string& out) const;
  static bool decode(std::string_view record, RoutedStanza& out);
};

struct SafeNotice {
  Handle session;
  std::uint32_t number = 0;
  void encode(std::string& out) const;
  static bool decode(std::string_view record, SafeNotice& out);
};

struct DeliverNotice {
  std::string_view to_local;
  std::string_view to_resource;  ///< Empty: every available session.
  std::string_view xml;
  void encode(std::string& out) const;
  static bool decode(std::string_view record, DeliverNotice& out);
};

struct CredentialsWanted {
  Handle connection;
  std::string_view user;
  void encode(std::string& out) const;
  static bool decode(std::string_view record, CredentialsWanted& out);
};

struct CredentialsFound {
  Handle connection;
  bool found = false;
  bool disabled = false;
  Credentials keys;
  void encode(std::string& out) const;
  static bool decode(std::string_view record, CredentialsFound& out);
};

/// The same for a device's key.
struct DeviceWanted {
  Handle connection;
  std::string_view user;
  std::uint8_t device = 0;
  void encode(std::string& out) const;
  static bool decode(std::string_view record, DeviceWanted& out);
};

struct DeviceFound {
  Handle connection;
  bool found = false;
  bool disabled = false;
  DeviceKey key{};
  void encode(std::string& out) const;
  static bool decode(std::string_view record, DeviceFound& out);
};

/// What a record is, from its first byte.
inline ShardMessageKind shard_message_kind(std::string_view record) {
  return static_cast<ShardMessageKind>(record.empty() ? 0 : record[0]);
}

}  // namespace rookery
