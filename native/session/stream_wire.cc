// The spelling of streams by RFC 6120 and RFC 7395.
#include "session/stream_wire.h"

#include "codec/compact_encoder.h"
#include "codec/websocket.h"
#include "codec/xml_chars.h"
#include "codec/xml_text.h"

namespace rookery {
namespace {

constexpr std::string_view declare_client = " xmlns='jabber:client'";
constexpr std::string_view declare_stream = " xmlns:stream='http://etherx.jabber.org/streams'";
constexpr std::string_view stream_prefix = "stream:";

/// Of a packet to a client; far more than a stanza within the limits comes to.
constexpr std::size_t max_packet_bytes = 16 * 1024 * 1024;
constexpr std::string_view unrepresentable =
    "<message type='error'><unrepresentable xmlns='urn:rookery:compact:1'/></message>";

/// What a start tag says of namespaces.
struct StartTag {
  std::size_t name_end = 0;
  bool declares_default = false;
  bool declares_stream = false;
};

StartTag read_start_tag(std::string_view xml) {
  StartTag tag;
  std::size_t at = xml.find_first_of(" \t\r\n/>");
  if (at == std::string_view::npos) at = xml.size();
  tag.name_end = at;
  while (at < xml.size() && xml[at] != '>' && xml[at] != '/') {
    if (codec::is_xml_space(xml[at])) {
      ++at;
      continue;
    }
    const std::size_t quote = xml.find_first_of("'\"", at);
    if (quote == std::string_view::npos) break;
    const std::string_view name = xml.substr(at, xml.find_first_of(" \t\r\n=", at) - at);
    if (name == "xmlns") tag.declares_default = true;
    if (name == "xmlns:stream") tag.declares_stream = true;
    at = xml.find(xml[quote], quote + 1);
    if (at == std::string_view::npos) break;
    ++at;
  }
  return tag;
}

}  // namespace

/// A document of its own has no stream around it, whose namespaces it could use undeclared.
void append_websocket_document(std::string& out, std::string_view xml) {
  const StartTag tag = read_start_tag(xml);
  const bool in_stream_namespace = xml.starts_with("<stream:");
  const bool client = !tag.declares_default && !in_stream_namespace;
  // A mere mention of the prefix gets a declaration that is not needed, which does no harm.
  const bool stream = !tag.declares_stream && xml.find(stream_prefix) != std::string_view::npos;
  const std::size_t added =
      (client ? declare_client.size() : 0) + (stream ? declare_stream.size() : 0);
  append_websocket_header(out, WebSocketOpcode::text, xml.size() + added);
  out += xml.substr(0, tag.name_end);
  if (client) out += declare_client;
  if (stream) out += declare_stream;
  out += xml.substr(tag.name_end);
}

void StreamWire::element(StreamForm form, std::string& out, std::string_view xml) {
  switch (form) {
    case StreamForm::xml_stream: out += xml; return;
    case StreamForm::xml_websocket: append_websocket_document(out, xml); return;
    case StreamForm::compact: packet(out, xml); return;
  }
}

void StreamWire::packet(std::string& out, std::string_view xml) {
  if (append_packet(out, xml, domain_, max_packet_bytes)) return;
  // Few bytes of XML can stand for very many (a long namespace under a short prefix). The client
  // counts stanzas, so it has to be told that there was one.
  counters_.add(Counter::compact_unrepresentable);
  static_cast<void>(append_packet(out, unrepresentable, domain_, max_packet_bytes));
}

void StreamWire::open(StreamForm form, std::string& out, std::string_view stream_id) {
  switch (form) {
    case StreamForm::xml_stream:
      out +=
          "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
          "xmlns:stream='http://etherx.jabber.org/streams' version='1.0' xml:lang='en'";
      append_attribute(out, "from", domain_);
      append_attribute(out, "id", stream_id);
      out += '>';
      return;
    case StreamForm::xml_websocket:
      scratch_ = "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' version='1.0' xml:lang='en'";
      append_attribute(scratch_, "from", domain_);
      append_attribute(scratch_, "id", stream_id);
      scratch_ += "/>";
      append_websocket_document(out, scratch_);
      return;
    case StreamForm::compact: return;  // its streams begin with the login
  }
}

void StreamWire::error(StreamForm form, std::string& out, StreamError error, std::string_view text,
                       std::string_view extra) {
  scratch_ = "<stream:error><";
  scratch_ += stream_error_name(error);
  scratch_ += " xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>";
  if (!text.empty()) {
    scratch_ += "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>";
    append_escaped(scratch_, text);
    scratch_ += "</text>";
  }
  scratch_ += extra;
  scratch_ += "</stream:error>";
  element(form, out, scratch_);
}

void StreamWire::close(StreamForm form, std::string& out) {
  switch (form) {
    case StreamForm::xml_stream: out += "</stream:stream>"; return;
    case StreamForm::xml_websocket:
      append_websocket_document(out, "<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>");
      return;
    case StreamForm::compact: packet(out, "<close xmlns='urn:rookery:compact:1'/>"); return;
  }
}

}  // namespace rookery
