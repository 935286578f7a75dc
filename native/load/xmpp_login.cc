// The load client's login: stream header, STARTTLS, SASL, resumption or binding, stream
// management, presence; or the relay's greeting.
#include <cstring>

#include "load/client.h"

namespace rookery::load {
namespace {

constexpr const char* sasl_namespace = "urn:ietf:params:xml:ns:xmpp-sasl";

std::string_view element_text(std::string_view element) {
  const std::size_t start = element.find('>');
  const std::size_t end = element.rfind("</");
  if (start == std::string_view::npos || end == std::string_view::npos || end <= start) return {};
  return element.substr(start + 1, end - start - 1);
}

}  // namespace

void Client::open_stream() {
  if (settings_.protocol == Protocol::compact) return start_compact();
  if (settings_.protocol == Protocol::relay) {
    // Two neighbours make a pair: the relay joins the sockets that greet with the same number.
    state_ = State::relay_hello;
    const std::uint32_t pair = index_ / 2;
    char hello[8] = {'p', 'a', 'i', 'r'};
    std::memcpy(hello + 4, &pair, sizeof pair);
    send(std::string_view(hello, sizeof hello));
    return;
  }
  state_ = State::features;
  if (settings_.protocol == Protocol::websocket) {
    if (websocket_) return send(WebSocketStream::open(settings_.domain));
    out_ += WebSocketStream::request(settings_.domain);
    websocket_ = std::make_unique<WebSocketStream>();
    return mark_dirty();
  }
  reader_.restart();
  send("<?xml version='1.0'?><stream:stream to='" + settings_.domain +
       "' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>");
}

void Client::handle_login(std::string_view element) {
  const std::string_view name = element_name(element);
  if (name == "error") return fail("stream error: " + std::string(element.substr(0, 300)));
  switch (state_) {
    case State::features: return handle_features(element);
    case State::proceed:
      if (name != "proceed") return fail("STARTTLS refused: " + std::string(element));
      start_tls();
      return;
    case State::authenticating: return handle_authentication(element);
    case State::resuming:
      if (name == "resumed") {
        resumed_ = true;
        return finish_login();
      }
      if (name == "failed") {
        resume_id_.clear();
        want_resume_ = false;
        return handle_features({});
      }
      return;
    case State::binding:
      if (name != "iq") return;
      if (attribute(element, "type") != "result") return fail("bind: " + std::string(element));
      if (!settings_.stream_management) return finish_login();
      state_ = State::enabling;
      return send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
    case State::enabling:
      if (name != "enabled") return fail("enable: " + std::string(element));
      resume_id_ = std::string(attribute(element, "id"));
      stanzas_sent_ = 0;
      stanzas_received_ = 0;
      return finish_login();
    default: return;
  }
}

void Client::handle_features(std::string_view features) {
  if (!authenticated_) {
    if (settings_.security == Security::starttls && tls_ == nullptr) {
      state_ = State::proceed;
      return send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    }
    state_ = State::authenticating;
    const std::string wanted = settings_.use_plain ? ">PLAIN<" : ">SCRAM-SHA-1<";
    if (features.find(wanted) == std::string_view::npos) {
      return fail("mechanism not offered: " + std::string(features.substr(0, 600)));
    }
    std::string initial;
    if (settings_.use_plain) {
      initial = std::string("\0", 1) + user_ + std::string("\0", 1) + *password_;
    } else {
      scram_ = std::make_unique<ScramClient>(user_, *password_);
      initial = scram_->first();
    }
    return send(std::string("<auth xmlns='") + sasl_namespace + "' mechanism='" +
                (settings_.use_plain ? "PLAIN" : "SCRAM-SHA-1") + "'>" + base64(initial) +
                "</auth>");
  }
  if (want_resume_) {
    state_ = State::resuming;
    return send("<resume xmlns='urn:xmpp:sm:3' h='" + std::to_string(stanzas_received_) +
                "' previd='" + resume_id_ + "'/>");
  }
  state_ = State::binding;
  send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>" +
       resource_ + "</resource></bind></iq>");
}

void Client::handle_authentication(std::string_view element) {
  const std::string_view name = element_name(element);
  if (name == "challenge" && scram_ != nullptr) {
    const std::string answer = scram_->final(unbase64(element_text(element)));
    if (answer.empty()) return fail("bad SCRAM challenge: " + std::string(element));
    return send(std::string("<response xmlns='") + sasl_namespace + "'>" + base64(answer) +
                "</response>");
  }
  if (name != "success") return fail("login refused: " + std::string(element.substr(0, 300)));
  if (scram_ != nullptr && !scram_->verify(unbase64(element_text(element)))) {
    return fail("the server does not know the password");
  }
  scram_.reset();
  authenticated_ = true;
  open_stream();
}

void Client::finish_login() {
  state_ = State::ready;
  if (settings_.presence && !resumed_) send_stanza("<presence/>");
  owner_.on_ready(*this);
}

}  // namespace rookery::load
