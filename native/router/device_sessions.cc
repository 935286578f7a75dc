// From a known device to its session.
#include "router/device_sessions.h"

#include <string>

#include "base/session_tag.h"
#include "codec/xml_text.h"
#include "session/compact_negotiator.h"

namespace rookery {

DeviceSessions::DeviceSessions(RouterContext& context, MailboxKeeper& keeper, Delivery& delivery,
                               SessionManager& sessions)
    : context_(context), keeper_(keeper), delivery_(delivery), sessions_(sessions) {}

void DeviceSessions::welcome(Connection& connection) {
  User* user = context_.users.find(connection.login->user);
  if (user == nullptr || !user->exists()) {
    context_.io.finish(connection);
    return;
  }
  DeviceLogin& device = *connection.login->device;
  connection.login->predecessor = device.previous;
  if (device.previous != 0) {
    Session* session = sessions_.resumable(*user, device.previous);
    const bool plausible =
        session != nullptr && SessionManager::plausible(*session, device.handled);
    if (plausible && device.resume) {
      promise_resumption(connection, *session);
      return;
    }
    // What it says it has handled is true whoever repeats it, so it may be settled at once.
    if (plausible) {
      static_cast<void>(delivery_.acknowledge(*session, device.handled));
    } else {
      static_cast<void>(keeper_.settle_past(*user, device.previous, device.handled));
    }
  }
  if (!user->settling) {
    promise_new(connection);
    return;
  }
  // The new stream counts from zero; by then the disk must know what the old count said.
  user->settling = false;
  sessions_.wait_for_disk(connection, *user, [this](Connection& waiting) {
    promise_new(waiting);
    return true;
  });
}

void DeviceSessions::promise_resumption(Connection& connection, Session& session) {
  DeviceLogin& device = *connection.login->device;
  device.resumed = true;
  device.tag = device.previous;
  device.told = session.management->safe_count();
  answer(connection);
}

void DeviceSessions::promise_new(Connection& connection) {
  DeviceLogin& device = *connection.login->device;
  while (device.tag == 0) device.tag = context_.session.random.next64();
  answer(connection);
}

void DeviceSessions::answer(Connection& connection) {
  const DeviceLogin& device = *connection.login->device;
  std::string success = "<success";
  append_attribute(success, "xmlns", compact_namespace);
  append_attribute(success, "resource", "d" + std::to_string(device.device));
  append_attribute(success, "id", session_tag_text(device.tag));
  if (device.resumed) {
    append_attribute(success, "resumed", "true");
    append_attribute(success, "h", std::to_string(device.told));
  }
  append_attribute(success, "max", std::to_string(context_.session.config.max_stanza_bytes));
  append_attribute(success, "domain", context_.domain());
  append_attribute(success, "time", std::to_string(context_.session.clock.wall_ms()));
  success += "/>";
  const bool proved = !connection.noise->answers_in_handshake();
  connection.state = StreamState::proof;
  if (!context_.io.answer_login(connection, success)) {
    context_.io.finish(connection);
    return;
  }
  context_.count(Counter::logins);
  context_.io.authenticated(connection);
  if (proved) begin(connection);
  context_.io.resume_input(connection);
}

void DeviceSessions::begin(Connection& connection) {
  const DeviceLogin device = *connection.login->device;
  User* user = context_.users.find(connection.login->user);
  if (user == nullptr || !user->exists() || context_.draining) {
    context_.io.write_error(connection, StreamError::system_shutdown, {});
    context_.io.finish(connection);
    return;
  }
  if (user->disabled || user->device_key(device.device) == nullptr) {
    // Removed since its key was looked at. How long that is ago is for the device to choose, and
    // its sessions have been ended by now: this one must not begin after them.
    context_.io.write_error(connection, StreamError::not_authorized, "This device was removed.");
    context_.io.finish(connection);
    return;
  }
  if (device.resumed) {
    Session* session = sessions_.resumable(*user, device.tag);
    if (session == nullptr) {
      // Its time to be resumed ended between the answer and now. The next login finds a new stream.
      context_.io.write_error(connection, StreamError::reset, {});
      context_.io.finish(connection);
      return;
    }
    static_cast<void>(sessions_.take_up(*session, connection));
    SessionManager::count_from(*session->management, device.told);
    sessions_.go_on(*session, device.handled);
    return;
  }
  Session* session = sessions_.open(connection, *user, "d" + std::to_string(device.device));
  if (session == nullptr) {
    context_.io.write_error(connection, StreamError::resource_constraint,
                            "This account has too many sessions.");
    context_.io.finish(connection);
    return;
  }
  session->management = std::make_unique<StreamManagement>();
  session->management->tag = device.tag;
  session->management->unasked = true;
  session->management->resumable = context_.session.config.resume_seconds > 0;
}

}  // namespace rookery
