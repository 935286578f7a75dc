// From a stream header to a user who has proved who they are.
#include "session/stream_negotiator.h"

#include <cstdlib>

#include "codec/jid.h"
#include "codec/xml_text.h"
#include "stats/error_counts.h"

namespace rookery {
namespace {

constexpr std::string_view sasl_ns = "urn:ietf:params:xml:ns:xmpp-sasl";
constexpr std::string_view tls_ns = "urn:ietf:params:xml:ns:xmpp-tls";
constexpr std::string_view bind_ns = "urn:ietf:params:xml:ns:xmpp-bind";
constexpr std::string_view session_ns = "urn:ietf:params:xml:ns:xmpp-session";
constexpr std::string_view management_ns = "urn:xmpp:sm:3";
constexpr std::string_view register_ns = "jabber:iq:register";
constexpr std::uint8_t max_failures = 3;

}  // namespace

StreamNegotiator::StreamNegotiator(SessionContext& context, ConnectionIo& io, LoginHost& host,
                                   LoginQueue& logins)
    : context_(context), io_(io), host_(host), logins_(logins) {}

void StreamNegotiator::send_header(Connection& connection) {
  io_.write_open(connection);
  connection.header_sent = true;
}

void StreamNegotiator::open_failed(Connection& connection, StreamError error,
                                   std::string_view text) {
  send_header(connection);
  fail(connection, error, text);
}

void StreamNegotiator::fail(Connection& connection, StreamError error, std::string_view text) {
  if (connection.ended()) return;
  count_stream_error(context_.counters, error);
  if (connection.can_speak()) {
    if (!connection.header_sent) send_header(connection);
    io_.write_error(connection, error, text);
    io_.write_close(connection);
  } else {
    io_.write_refusal(connection, error);
  }
  io_.finish(connection);
}

void StreamNegotiator::stream_opened(Connection& connection, const StreamHeaderView& header) {
  if (connection.state != StreamState::header && connection.state != StreamState::rebind) {
    fail(connection, StreamError::bad_format, "The stream is open already.");
    return;
  }
  if (!header.to.empty()) {
    std::string plain;
    std::string domain;
    if (!append_unescaped(plain, header.to) || !normalise_domain(plain, domain) ||
        domain != context_.config.domain) {
      open_failed(connection, StreamError::host_unknown,
                  "This server serves " + context_.config.domain + ".");
      return;
    }
  } else if (!connection.login || connection.login->user.empty()) {
    // RFC 6120 section 4.7.2: the client must say which host it wants; one host is served here, so
    // nothing is ambiguous.
  }
  if (connection.state == StreamState::header) {
    connection.state = StreamState::negotiate;
  } else {
    connection.state = StreamState::bind;
  }
  send_header(connection);
  send_features(connection);
}

ChannelBindings StreamNegotiator::bindings(const Connection& connection) const {
  ChannelBindings found;
  if (!connection.secure()) return found;
  found.tls_exporter = connection.transport->channel_binding("tls-exporter");
  found.tls_server_end_point = connection.transport->channel_binding("tls-server-end-point");
  found.tls_unique = connection.transport->channel_binding("tls-unique");
  return found;
}

FeatureSet StreamNegotiator::features(const Connection& connection) const {
  FeatureSet offered;
  if (connection.state == StreamState::bind) {
    offered.bind = true;
    return offered;
  }
  const bool secure = connection.secure();
  const bool tls_possible = !secure && !connection.websocket && context_.tls != nullptr &&
                            context_.config.starttls != boundary::Starttls::off;
  offered.starttls = tls_possible;
  offered.starttls_required =
      tls_possible && context_.config.starttls == boundary::Starttls::required;
  if (offered.starttls_required) return offered;
  offered.mechanisms = true;
  offered.scram = context_.config.external_auth == 0;
  offered.plain = secure || context_.config.plain_auth_without_tls != 0;
  if (secure && offered.scram) {
    const ChannelBindings found = bindings(connection);
    offered.scram_plus = found.any();
    offered.exporter = !found.tls_exporter.empty();
  }
  offered.registration = context_.config.registration != 0;
  return offered;
}

void StreamNegotiator::send_features(Connection& connection) {
  const FeatureSet offered = features(connection);
  if (connection.login) connection.login->features_had_plus = offered.scram_plus;
  std::string xml;
  write_features(xml, offered, host_.caps());
  io_.write(connection, xml);
}

void StreamNegotiator::element(Connection& connection, const StanzaView& view) {
  if (connection.state == StreamState::bind) {
    bind_stage(connection, view);
    return;
  }
  if (connection.state != StreamState::negotiate) {
    fail(connection, StreamError::not_authorized, "Open a stream first.");
    return;
  }
  if (view.xmlns == tls_ns && view.name == "starttls") {
    start_tls(connection);
  } else if (view.xmlns == sasl_ns && view.name == "auth") {
    auth(connection, view);
  } else if (view.xmlns == sasl_ns && view.name == "response") {
    response(connection, view);
  } else if (view.xmlns == sasl_ns && view.name == "abort") {
    sasl_failed(connection, SaslFailure::aborted);
  } else if (view.kind == StanzaKind::iq && view.child("query", register_ns) != nullptr &&
             features(connection).registration) {
    host_.registration_request(connection, view);
  } else {
    fail(connection, StreamError::not_authorized, "Log in first.");
  }
}

void StreamNegotiator::start_tls(Connection& connection) {
  if (!features(connection).starttls) {
    context_.counters.add(Counter::tls_failures);
    io_.write(connection, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    io_.write_close(connection);
    io_.finish(connection);
    return;
  }
  io_.write(connection, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  io_.start_tls(connection);
  connection.state = StreamState::header;
  connection.header_sent = false;
  const std::uint64_t bytes = connection.login->bytes;
  connection.login = std::make_unique<Login>();
  connection.login->bytes = bytes;
}

void StreamNegotiator::auth(Connection& connection, const StanzaView& view) {
  bool found = false;
  const SaslMechanism mechanism = sasl_mechanism(view.attribute("mechanism", found));
  const FeatureSet offered = features(connection);
  const bool plus = mechanism == SaslMechanism::scram_sha_1_plus ||
                    mechanism == SaslMechanism::scram_sha_256_plus;
  const bool scram =
      plus || mechanism == SaslMechanism::scram_sha_1 || mechanism == SaslMechanism::scram_sha_256;
  if (!offered.mechanisms ||
      (mechanism == SaslMechanism::plain && !offered.plain && !connection.secure())) {
    sasl_failed(connection, SaslFailure::encryption_required);
    return;
  }
  if (mechanism == SaslMechanism::none || (scram && !offered.scram) ||
      (plus && !offered.scram_plus) || (mechanism == SaslMechanism::plain && !offered.plain)) {
    sasl_failed(connection, SaslFailure::invalid_mechanism);
    return;
  }
  if (context_.config.failed_logins_per_minute != 0 &&
      context_.addresses.failures(connection.address_key, context_.now) >=
          context_.config.failed_logins_per_minute) {
    context_.counters.add(Counter::logins_throttled);
    fail(connection, StreamError::policy_violation,
         "Too many failed logins from this address; try again in a minute.");
    return;
  }
  const std::string_view encoded = view.leading_text();
  std::string initial;
  if (!encoded.empty() && !base64_decode(encoded, initial)) {
    sasl_failed(connection, SaslFailure::incorrect_encoding);
    return;
  }
  DelayedLogin login{mechanism, std::move(initial), !encoded.empty()};
  if (!logins_.enter(connection, context_.now)) {
    context_.counters.add(Counter::logins_delayed);
    connection.state = StreamState::waiting;
    connection.login->delayed = std::make_unique<DelayedLogin>(std::move(login));
    return;
  }
  begin_sasl(connection, login);
}

bool StreamNegotiator::waits(const Connection& connection) {
  return connection.state == StreamState::waiting && connection.login && connection.login->delayed;
}

void StreamNegotiator::begin_waiting(Connection& connection) {
  const std::unique_ptr<DelayedLogin> login = std::move(connection.login->delayed);
  connection.state = StreamState::negotiate;
  begin_sasl(connection, *login);
  io_.resume_input(connection);
}

void StreamNegotiator::begin_sasl(Connection& connection, const DelayedLogin& delayed) {
  Login& login = *connection.login;
  login.sasl =
      std::make_unique<SaslServer>(delayed.mechanism, context_.config.domain, bindings(connection),
                                   login.features_had_plus, context_.random);
  step(connection, login.sasl->start(delayed.initial, delayed.has_initial));
}

void StreamNegotiator::response(Connection& connection, const StanzaView& view) {
  if (!connection.login->sasl) {
    sasl_failed(connection, SaslFailure::malformed_request);
    return;
  }
  std::string decoded;
  if (!base64_decode(view.leading_text(), decoded)) {
    sasl_failed(connection, SaslFailure::incorrect_encoding);
    return;
  }
  step(connection, connection.login->sasl->respond(decoded));
}

void StreamNegotiator::step(Connection& connection, SaslStep result) {
  Login& login = *connection.login;
  switch (result) {
    case SaslStep::challenge: {
      std::string xml = "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>";
      xml += base64_encode(login.sasl->payload());
      xml += "</challenge>";
      io_.write(connection, xml);
      return;
    }
    case SaslStep::need_credentials:
      connection.state = StreamState::waiting;
      if (context_.config.external_auth != 0) {
        host_.want_password_check(connection, login.sasl->user(), login.sasl->password());
      } else {
        host_.want_credentials(connection, login.sasl->user());
      }
      return;
    case SaslStep::check_password: compare_password(connection); return;
    case SaslStep::success: success(connection); return;
    case SaslStep::failure: sasl_failed(connection, login.sasl->failure()); return;
  }
}

void StreamNegotiator::credentials(Connection& connection, const Credentials* keys, bool disabled) {
  if (connection.state != StreamState::waiting || !connection.login || !connection.login->sasl) {
    return;
  }
  connection.state = StreamState::negotiate;
  // Only who knows the password is told that the account is disabled; see success().
  connection.login->disabled = keys != nullptr && disabled;
  step(connection, connection.login->sasl->credentials(keys, context_.made_up_keys));
  if (connection.state != StreamState::waiting) io_.resume_input(connection);
}

void StreamNegotiator::compare_password(Connection& connection) {
  SaslServer& sasl = *connection.login->sasl;
  connection.state = StreamState::waiting;
  if (host_.compare_password(connection, sasl.user(), sasl.take_password_check())) return;
  connection.state = StreamState::negotiate;
  context_.counters.add(Counter::logins_refused_busy);
  sasl_failed(connection, SaslFailure::temporary_auth_failure);
}

void StreamNegotiator::password_checked(Connection& connection, bool accepted,
                                        std::string_view user) {
  if (connection.state != StreamState::waiting || !connection.login || !connection.login->sasl) {
    return;
  }
  connection.state = StreamState::negotiate;
  if (context_.config.external_auth == 0) {
    step(connection, connection.login->sasl->password_checked(accepted));
  } else if (!accepted) {
    sasl_failed(connection, SaslFailure::not_authorized);
  } else {
    connection.login->user = user;
    host_.logged_in(connection);
  }
  io_.resume_input(connection);
}

void StreamNegotiator::sasl_failed(Connection& connection, SaslFailure failure) {
  context_.counters.add(Counter::login_failures);
  if (failure == SaslFailure::not_authorized) {
    context_.addresses.failed(connection.address_key, context_.now);
  }
  std::string xml = "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><";
  xml += sasl_failure_name(failure);
  xml += "/></failure>";
  io_.write(connection, xml);
  connection.login->sasl.reset();
  if (++connection.login->failures >= max_failures) {
    fail(connection, StreamError::policy_violation, "Too many failed logins on this stream.");
  }
}

void StreamNegotiator::success(Connection& connection) {
  Login& login = *connection.login;
  if (login.disabled) {
    sasl_failed(connection, SaslFailure::account_disabled);
    return;
  }
  login.user = login.sasl->user();
  login.success_payload =
      login.sasl->payload().empty() ? std::string() : base64_encode(login.sasl->payload());
  host_.logged_in(connection);
}

void StreamNegotiator::welcome(Connection& connection) {
  Login& login = *connection.login;
  login.sasl.reset();
  if (connection.transport) connection.transport->forget_channel_binding();
  std::string xml = "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'";
  if (login.success_payload.empty()) {
    xml += "/>";
  } else {
    xml += '>';
    xml += login.success_payload;
    xml += "</success>";
  }
  io_.write(connection, xml);
  login.success_payload.clear();
  connection.splitter.restart();
  connection.state = StreamState::rebind;
  connection.header_sent = false;
  context_.counters.add(Counter::logins);
  io_.authenticated(connection);
  io_.resume_input(connection);
}

void StreamNegotiator::bind_stage(Connection& connection, const StanzaView& view) {
  if (view.xmlns == management_ns && view.name == "resume") {
    bool found = false;
    const std::string_view previous = view.attribute("previd", found);
    const std::string handled(view.attribute("h", found));
    char* end = nullptr;
    const unsigned long number = std::strtoul(handled.c_str(), &end, 10);
    if (handled.empty() || *end != '\0' || number > 0xFFFFFFFFul) {
      io_.write(connection,
                "<failed xmlns='urn:xmpp:sm:3'>"
                "<bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>");
      return;
    }
    host_.resume(connection, previous, static_cast<std::uint32_t>(number));
    return;
  }
  if (view.xmlns == management_ns && view.name == "enable") {
    io_.write(connection,
              "<failed xmlns='urn:xmpp:sm:3'>"
              "<unexpected-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>");
    return;
  }
  const ChildView* bind = view.child("bind", bind_ns);
  if (view.kind == StanzaKind::iq && view.type == "set" && bind != nullptr) {
    host_.bind(connection, view, view.text.substr(bind->begin, bind->end - bind->begin));
    return;
  }
  if (view.kind == StanzaKind::iq && view.child("session", session_ns) != nullptr) {
    std::string xml;
    write_result_start(xml, view);
    xml += "/>";
    io_.write(connection, xml);
    return;
  }
  fail(connection, StreamError::not_authorized, "Bind a resource first.");
}

}  // namespace rookery
