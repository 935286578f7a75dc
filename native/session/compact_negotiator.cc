// From the payload of a Noise handshake to a device that is known.
#include "session/compact_negotiator.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "base/session_tag.h"
#include "codec/compact_decoder.h"
#include "codec/jid.h"
#include "codec/stanza_scan.h"
#include "codec/xml_text.h"

namespace rookery {
namespace {

constexpr CompactLimits login_limits{4, 16, 4096};
constexpr ScanLimits login_scan_limits{4, 16};

/// The value of an attribute, unescaped; false when it is absent or not valid.
bool text_of(const StanzaView& view, std::string_view name, std::string& out) {
  bool found = false;
  const std::string_view raw = view.attribute(name, found);
  out.clear();
  return found && append_unescaped(out, raw);
}

template <typename Number>
bool number_of(const StanzaView& view, std::string_view name, Number& out) {
  std::string text;
  if (!text_of(view, name, text)) return false;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, out);
  return error == std::errc() && stop == end;
}

}  // namespace

CompactNegotiator::CompactNegotiator(SessionContext& context, ConnectionIo& io, DeviceHost& host,
                                     LoginQueue& logins)
    : context_(context), io_(io), host_(host), logins_(logins) {}

void CompactNegotiator::login_requested(Connection& connection) {
  connection.state = StreamState::waiting;
  connection.login->device = std::make_unique<DeviceLogin>();
  if (context_.config.failed_logins_per_minute != 0 &&
      context_.addresses.failures(connection.address_key, context_.now) >=
          context_.config.failed_logins_per_minute) {
    context_.counters.add(Counter::error_policy);
    refuse(connection, "temporary-auth-failure");
    return;
  }
  if (!logins_.enter(connection, context_.now)) {
    context_.counters.add(Counter::logins_delayed);
    connection.login->device->delayed = true;
    return;
  }
  begin(connection);
}

bool CompactNegotiator::waits(const Connection& connection) {
  return connection.state == StreamState::waiting && connection.login && connection.login->device &&
         connection.login->device->delayed;
}

void CompactNegotiator::begin_waiting(Connection& connection) {
  connection.login->device->delayed = false;
  begin(connection);
}

void CompactNegotiator::begin(Connection& connection) {
  std::string user;
  if (!read_login(connection, user)) {
    refuse(connection, "malformed-request");
    return;
  }
  connection.login->user = user;
  host_.want_device(connection, user, connection.login->device->device);
}

bool CompactNegotiator::read_login(Connection& connection, std::string& user) {
  DeviceLogin& device = *connection.login->device;
  std::string xml;
  StanzaView view;
  if (decode_element(connection.noise->login_payload(), {}, login_limits, xml) !=
          CompactError::none ||
      scan_stanza(xml, login_scan_limits, view) != StreamError::none || view.name != "login" ||
      view.xmlns != compact_namespace) {
    return false;
  }
  std::string name;
  if (!text_of(view, "user", name) || !normalise_localpart(name, user)) return false;
  if (!number_of(view, "device", device.device)) return false;
  bool has_previous = false;
  bool has_count = false;
  static_cast<void>(view.attribute("previd", has_previous));
  static_cast<void>(view.attribute("h", has_count));
  if (has_previous != has_count) return false;
  if (!has_previous) return true;
  std::string previous;
  if (!text_of(view, "previd", previous) || !number_of(view, "h", device.handled)) return false;
  // A tag that is none of ours is a stream that is gone.
  device.previous = parse_session_tag(previous);
  std::string wish;
  device.resume = !text_of(view, "resume", wish) || (wish != "false" && wish != "0");
  return true;
}

void CompactNegotiator::device_found(Connection& connection, const DeviceKey* key, bool disabled) {
  if (connection.state != StreamState::waiting || !connection.login || !connection.login->device) {
    return;
  }
  const auto shown = connection.noise->client_key();
  if (key == nullptr || !std::equal(key->begin(), key->end(), shown.begin(), shown.end())) {
    context_.addresses.failed(connection.address_key, context_.now);
    refuse(connection, "not-authorized");
    return;
  }
  if (disabled) {
    refuse(connection, "account-disabled");
    return;
  }
  connection.noise->remember_client();
  host_.logged_in(connection);
}

void CompactNegotiator::refuse(Connection& connection, std::string_view condition) {
  context_.counters.add(Counter::login_failures);
  std::string answer = "<failure";
  append_attribute(answer, "xmlns", compact_namespace);
  answer += "><";
  answer += condition;
  answer += "/></failure>";
  static_cast<void>(io_.answer_login(connection, answer));
  io_.finish(connection);
}

}  // namespace rookery
