// What the control plane tells a shard: facts about users, stanzas to send, sessions to end.
#include <algorithm>
#include <cstring>

#include "engine/shard.h"
#include "router/address.h"

namespace rookery {
namespace {

constexpr int batches_per_turn = 64;
constexpr std::uint8_t log_error = 50;
constexpr std::uint8_t log_info = 30;

ScramKeys scram_keys(std::uint32_t iterations, std::string_view salt, std::string_view stored_key,
                     std::string_view server_key) {
  ScramKeys keys;
  keys.iterations = iterations;
  keys.salt = salt;
  std::memcpy(keys.stored_key.data(), stored_key.data(),
              std::min(stored_key.size(), keys.stored_key.size()));
  std::memcpy(keys.server_key.data(), server_key.data(),
              std::min(server_key.size(), keys.server_key.size()));
  return keys;
}

StreamError stream_error(boundary::StreamCondition condition) {
  switch (condition) {
    case boundary::StreamCondition::none: return StreamError::none;
    case boundary::StreamCondition::conflict: return StreamError::conflict;
    case boundary::StreamCondition::not_authorized: return StreamError::not_authorized;
    case boundary::StreamCondition::policy_violation: return StreamError::policy_violation;
    case boundary::StreamCondition::reset: return StreamError::reset;
    case boundary::StreamCondition::system_shutdown: return StreamError::system_shutdown;
    case boundary::StreamCondition::resource_constraint: return StreamError::resource_constraint;
  }
  return StreamError::undefined_condition;
}

}  // namespace

void Shard::take_commands() {
  MpscPointerRing& commands = mesh_.commands(context_.id);
  for (int count = 0; count < batches_per_turn; ++count) {
    const std::unique_ptr<std::string> batch(static_cast<std::string*>(commands.pop()));
    if (!batch) break;
    if (count == 0) commands.looked(context_.now);
    std::string_view rest = *batch;
    boundary::RecordHeader header;
    std::string_view record;
    while (boundary::next_record(rest, header, record)) command(header.kind, record);
  }
}

void Shard::command(std::uint16_t kind, std::string_view record) {
  switch (static_cast<boundary::CommandKind>(kind)) {
    case boundary::CommandKind::put_account: put_account(record); return;
    case boundary::CommandKind::remove_account: remove_account(record); return;
    case boundary::CommandKind::put_contact: put_contact(record); return;
    case boundary::CommandKind::put_block_list: put_block_list(record); return;
    case boundary::CommandKind::put_devices: put_devices(record); return;
    case boundary::CommandKind::send_to_user: send_to_user(record); return;
    case boundary::CommandKind::send_to_connection: send_to_connection(record); return;
    case boundary::CommandKind::route_stanza: {
      boundary::RouteStanza stanza;
      if (boundary::RouteStanza::decode(record, stanza)) {
        stanzas_.from_server(stanza.to, stanza.from, stanza.stanza);
      }
      return;
    }
    case boundary::CommandKind::mark_interested: {
      boundary::MarkInterested mark;
      if (!boundary::MarkInterested::decode(record, mark)) return;
      Session* session = context_.sessions.get(Handle{mark.session});
      if (session != nullptr && session->user->name == mark.user) session->interested = true;
      return;
    }
    case boundary::CommandKind::close_sessions: close_sessions(record); return;
    case boundary::CommandKind::auth_reply: auth_reply(record); return;
    case boundary::CommandKind::open_listeners: open_listeners(); return;
    case boundary::CommandKind::set_caps: {
      boundary::SetCaps caps;
      if (boundary::SetCaps::decode(record, caps))
        caps_ = {std::string(caps.node), std::string(caps.ver)};
      return;
    }
    case boundary::CommandKind::reload_tls: reload_tls(record); return;
    default: inquiry(kind, record); return;
  }
}

/// What operators ask; see router/inquiries.h.
void Shard::inquiry(std::uint16_t kind, std::string_view record) {
  const auto answer = [&](auto asked, auto how) {
    if (decltype(asked)::decode(record, asked)) how(asked);
  };
  switch (static_cast<boundary::CommandKind>(kind)) {
    case boundary::CommandKind::find_message:
      answer(boundary::FindMessage{}, [&](const auto& asked) { inquiries_.find_message(asked); });
      return;
    case boundary::CommandKind::list_sessions:
      answer(boundary::ListSessions{}, [&](const auto& asked) { inquiries_.list_sessions(asked); });
      return;
    case boundary::CommandKind::show_mailbox:
      answer(boundary::ShowMailbox{}, [&](const auto& asked) { inquiries_.show_mailbox(asked); });
      return;
    case boundary::CommandKind::list_backlogs:
      answer(boundary::ListBacklogs{}, [&](const auto& asked) { inquiries_.list_backlogs(asked); });
      return;
    case boundary::CommandKind::trace_user:
      answer(boundary::TraceUser{}, [&](const auto& asked) {
        if (User* user = router_.users.find(asked.user)) user->traced = asked.on != 0;
      });
      return;
    default: return;
  }
}

void Shard::put_account(std::string_view record) {
  boundary::PutAccount account;
  if (!boundary::PutAccount::decode(record, account)) return;
  User& user = router_.users.find_or_make(account.user);
  user.disabled = account.disabled != 0;
  user.credentials = std::make_unique<Credentials>();
  user.credentials->sha1 = scram_keys(account.sha1_iterations, account.sha1_salt,
                                      account.sha1_stored_key, account.sha1_server_key);
  user.credentials->sha256 = scram_keys(account.sha256_iterations, account.sha256_salt,
                                        account.sha256_stored_key, account.sha256_server_key);
}

void Shard::remove_account(std::string_view record) {
  boundary::RemoveAccount removed;
  if (!boundary::RemoveAccount::decode(record, removed)) return;
  User* user = router_.users.find(removed.user);
  if (user == nullptr) return;
  const std::vector<Session*> sessions = user->sessions;
  for (Session* session : sessions) {
    sessions_.end(*session, StreamError::not_authorized, "The account was removed.", true);
  }
  keeper_.clear(*user);
  user->credentials.reset();
  user->contacts.reset();
  user->blocked.reset();
  user->devices.reset();
}

void Shard::put_contact(std::string_view record) {
  boundary::PutContact put;
  if (!boundary::PutContact::decode(record, put)) return;
  if (domain_of(put.contact) != router_.domain() || local_of(put.contact).empty()) return;
  const std::string_view local = local_of(put.contact);
  User& user = router_.users.find_or_make(put.user);
  const Contact* old = user.contact(local);
  const bool was_shown = old != nullptr && (old->subscription & subscription_from) != 0;
  const bool is_shown = (put.subscription & subscription_from) != 0;
  if (put.subscription == 0) {
    if (user.contacts) {
      std::erase_if(*user.contacts,
                    [local](const Contact& contact) { return contact.local == local; });
      if (user.contacts->empty()) user.contacts.reset();
    }
  } else if (Contact* known = user.contact(local)) {
    known->subscription = put.subscription;
  } else {
    if (!user.contacts) user.contacts = std::make_unique<std::vector<Contact>>();
    user.contacts->push_back({std::string(local), put.subscription});
  }
  if (was_shown != is_shown) {
    presence_.subscription_changed(user, std::string(local), is_shown);
  }
}

void Shard::put_block_list(std::string_view record) {
  boundary::PutBlockList list;
  if (!boundary::PutBlockList::decode(record, list)) return;
  User& user = router_.users.find_or_make(list.user);
  user.blocked.reset();
  std::string_view rest = list.addresses;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    if (const std::string_view address = rest.substr(0, end); !address.empty()) {
      if (!user.blocked) user.blocked = std::make_unique<std::vector<std::string>>();
      user.blocked->emplace_back(address);
    }
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  presence_.block_list_changed(user);
}

void Shard::put_devices(std::string_view record) {
  boundary::PutDevices put;
  if (!boundary::PutDevices::decode(record, put)) return;
  constexpr std::size_t entry_bytes = 1 + sizeof(Device::key);
  User& user = router_.users.find_or_make(put.user);
  user.devices.reset();
  if (put.devices.size() < entry_bytes) return;
  user.devices = std::make_unique<std::vector<Device>>(put.devices.size() / entry_bytes);
  std::string_view rest = put.devices;
  for (Device& device : *user.devices) {
    device.id = static_cast<std::uint8_t>(rest.front());
    std::memcpy(device.key.data(), rest.data() + 1, device.key.size());
    rest.remove_prefix(entry_bytes);
  }
}

void Shard::send_to_user(std::string_view record) {
  boundary::SendToUser send;
  if (!boundary::SendToUser::decode(record, send)) return;
  if (send.audience == boundary::Audience::session) {
    Session* session = context_.sessions.get(Handle{send.session});
    if (session != nullptr && session->user->name == send.user) {
      delivery_.send(*session, send.stanza);
    }
    return;
  }
  User* user = router_.users.find(send.user);
  if (user == nullptr) return;
  for (Session* session : user->sessions) {
    const bool chosen =
        send.audience == boundary::Audience::all ||
        (send.audience == boundary::Audience::available && session->available) ||
        (send.audience == boundary::Audience::interested && session->interested) ||
        (send.audience == boundary::Audience::resource && session->resource == send.resource);
    if (chosen) delivery_.send(*session, send.stanza);
  }
}

void Shard::send_to_connection(std::string_view record) {
  boundary::SendToConnection send;
  if (!boundary::SendToConnection::decode(record, send)) return;
  Connection* connection = context_.connections.get(Handle{send.connection});
  if (connection == nullptr || connection->ended()) return;
  io_.write(*connection, send.stanza);
}

void Shard::close_sessions(std::string_view record) {
  boundary::CloseSessions close;
  if (!boundary::CloseSessions::decode(record, close)) return;
  User* user = router_.users.find(close.user);
  if (user == nullptr) return;
  const std::vector<Session*> sessions = user->sessions;
  for (Session* session : sessions) {
    if (session->handle.bits == close.except) continue;
    if (!close.resource.empty() && session->resource != close.resource) continue;
    sessions_.end(*session, stream_error(close.condition), close.text, true);
  }
}

void Shard::auth_reply(std::string_view record) {
  boundary::AuthReply reply;
  if (!boundary::AuthReply::decode(record, reply)) return;
  Connection* connection = context_.connections.get(Handle{reply.connection});
  if (connection != nullptr) {
    negotiator_.password_checked(*connection, reply.accepted != 0, reply.user);
  }
}

void Shard::want_password_check(Connection& connection, std::string_view user,
                                std::string_view password) {
  std::string event;
  PeerAddress peer;
  std::memcpy(peer.ip, connection.peer_address, sizeof peer.ip);
  const std::string address = peer.text();
  boundary::AuthRequest{connection.handle.bits, user, password, address}.encode(event);
  if (!links_.offer_event(event)) negotiator_.password_checked(connection, false, user);
}

void Shard::registration_request(Connection& connection, const StanzaView& view) {
  std::string event;
  PeerAddress peer;
  std::memcpy(peer.ip, connection.peer_address, sizeof peer.ip);
  const std::string address = peer.text();
  boundary::RegisterRequest{connection.handle.bits, address, view.text}.encode(event);
  if (links_.offer_event(event)) return;
  std::string answer;
  if (write_stanza_error(answer, view, router_.domain(), {}, StanzaError::resource_constraint)) {
    io_.write(connection, answer);
  }
}

void Shard::open_listeners() {
  accounts_known_ = true;
  std::vector<std::string> questions;
  questions.swap(early_questions_);
  for (const std::string& question : questions) shard_record(question);
  std::vector<std::string> problems;
  const std::vector<Listeners::Open> opened = listeners_.open(problems);
  for (const std::string& problem : problems) log(log_error, problem);
  if (context_.id != 0) return;
  for (const Listeners::Open& listener : opened) {
    std::string event;
    boundary::Listening{listener.kind, listener.address, listener.port}.encode(event);
    links_.event(event);
  }
}

void Shard::reload_tls(std::string_view record) {
  boundary::ReloadTls reload;
  if (!boundary::ReloadTls::decode(record, reload)) return;
  std::string error;
  const bool good =
      load_tls(std::string(reload.tls_cert), std::string(reload.tls_key), ticket_keys_, error);
  if (context_.id == 0 || !good) {
    log(good ? log_info : log_error, good ? "The certificate was read again." : error);
  }
}

void Shard::log(std::uint8_t level, std::string_view message) {
  std::string event;
  boundary::Log{level, "engine", message}.encode(event);
  links_.event(event);
}

}  // namespace rookery
