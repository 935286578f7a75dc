// Features and errors as RFC 6120 wants them.
#include "session/stream_writer.h"

#include "codec/xml_text.h"

namespace rookery {
namespace {

struct StanzaErrorText {
  std::string_view name;
  std::string_view type;
};

StanzaErrorText stanza_error_text(StanzaError error) {
  switch (error) {
    case StanzaError::bad_request: return {"bad-request", "modify"};
    case StanzaError::conflict: return {"conflict", "cancel"};
    case StanzaError::feature_not_implemented: return {"feature-not-implemented", "cancel"};
    case StanzaError::forbidden: return {"forbidden", "auth"};
    case StanzaError::internal_server_error: return {"internal-server-error", "wait"};
    case StanzaError::item_not_found: return {"item-not-found", "cancel"};
    case StanzaError::jid_malformed: return {"jid-malformed", "modify"};
    case StanzaError::not_acceptable: return {"not-acceptable", "modify"};
    case StanzaError::not_allowed: return {"not-allowed", "cancel"};
    case StanzaError::recipient_unavailable: return {"recipient-unavailable", "wait"};
    case StanzaError::remote_server_not_found: return {"remote-server-not-found", "cancel"};
    case StanzaError::resource_constraint: return {"resource-constraint", "wait"};
    case StanzaError::service_unavailable: return {"service-unavailable", "cancel"};
  }
  return {"undefined-condition", "cancel"};
}

std::string_view kind_name(StanzaKind kind) {
  switch (kind) {
    case StanzaKind::message: return "message";
    case StanzaKind::presence: return "presence";
    case StanzaKind::iq: return "iq";
    case StanzaKind::other: break;
  }
  return {};
}

void write_mechanisms(std::string& out, const FeatureSet& features) {
  out += "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>";
  if (features.scram_plus) {
    out += "<mechanism>SCRAM-SHA-256-PLUS</mechanism><mechanism>SCRAM-SHA-1-PLUS</mechanism>";
  }
  if (features.scram) {
    out += "<mechanism>SCRAM-SHA-256</mechanism><mechanism>SCRAM-SHA-1</mechanism>";
  }
  if (features.plain) out += "<mechanism>PLAIN</mechanism>";
  out += "</mechanisms>";
  if (!features.scram_plus) return;
  out += "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>";
  if (features.exporter) out += "<channel-binding type='tls-exporter'/>";
  out += "<channel-binding type='tls-server-end-point'/></sasl-channel-binding>";
}

}  // namespace

void write_features(std::string& out, const FeatureSet& features, const Caps& caps) {
  out += "<stream:features>";
  if (features.starttls) {
    out += "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>";
    if (features.starttls_required) out += "<required/>";
    out += "</starttls>";
  }
  if (features.mechanisms) write_mechanisms(out, features);
  if (features.registration) out += "<register xmlns='http://jabber.org/features/iq-register'/>";
  if (features.bind) {
    out +=
        "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
        "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session>"
        "<sm xmlns='urn:xmpp:sm:3'/><csi xmlns='urn:xmpp:csi:0'/>"
        "<ver xmlns='urn:xmpp:features:rosterver'/>";
    if (!caps.ver.empty()) {
      out += "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1'";
      append_attribute(out, "node", caps.node);
      append_attribute(out, "ver", caps.ver);
      out += "/>";
    }
  }
  out += "</stream:features>";
}

void write_result_start(std::string& out, const StanzaView& request) {
  out += "<iq type='result' id='";
  for (const char character : request.id) {
    // The raw value may have stood in double quotes and contain a single one.
    if (character == '\'') {
      out += "&apos;";
    } else {
      out += character;
    }
  }
  out += '\'';
}

bool write_stanza_error(std::string& out, const StanzaView& view, std::string_view from,
                        std::string_view to, StanzaError error, std::string_view text,
                        std::string_view extra) {
  if (view.type == "error" || view.kind == StanzaKind::other) return false;
  if (view.kind == StanzaKind::iq && view.type == "result") return false;
  const StanzaErrorText words = stanza_error_text(error);
  out += '<';
  out += kind_name(view.kind);
  out += " type='error'";
  if (!from.empty()) append_attribute(out, "from", from);
  if (!to.empty()) append_attribute(out, "to", to);
  if (view.has_id) {
    std::string id;
    if (append_unescaped(id, view.id)) append_attribute(out, "id", id);
  }
  out += "><error type='";
  out += words.type;
  out += "'><";
  out += words.name;
  out += " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>";
  if (!text.empty()) {
    out += "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>";
    append_escaped(out, text);
    out += "</text>";
  }
  out += extra;
  out += "</error></";
  out += kind_name(view.kind);
  out += '>';
  return true;
}

}  // namespace rookery
