// Elements that the server writes on its own behalf: features, and errors that answer stanzas.
#pragma once

#include <string>
#include <string_view>

#include "codec/stanza_scan.h"

namespace rookery {

struct Caps {
  std::string node;
  std::string ver;
};

/// Which features a stream offers at its present stage.
struct FeatureSet {
  bool starttls = false;
  bool starttls_required = false;
  bool mechanisms = false;  ///< Offer SASL.
  bool scram = false;
  bool scram_plus = false;
  bool plain = false;
  bool exporter = false;      ///< tls-exporter binding is at hand (XEP-0440).
  bool registration = false;  ///< XEP-0077.
  bool bind = false;          ///< Bind, stream management, roster versioning …
};

void write_features(std::string& out, const FeatureSet& features, const Caps& caps);

/// `<iq type='result' id='…'` of the answer to a request, up to where more attributes may follow.
void write_result_start(std::string& out, const StanzaView& request);

/// RFC 6120 section 8.3.3.
enum class StanzaError : std::uint8_t {
  bad_request,
  conflict,
  feature_not_implemented,
  forbidden,
  internal_server_error,
  item_not_found,
  jid_malformed,
  not_acceptable,
  not_allowed,
  recipient_unavailable,
  remote_server_not_found,
  resource_constraint,
  service_unavailable,
};

/// Appends the error answer to a stanza: same kind and id, addresses exchanged. `from` and `to` are
/// plain text (escaped here), `view` supplies the kind and id; `extra` is an application-specific
/// element. Nothing is appended for a stanza that is itself an error or an IQ result.
bool write_stanza_error(std::string& out, const StanzaView& view, std::string_view from,
                        std::string_view to, StanzaError error, std::string_view text = {},
                        std::string_view extra = {});

}  // namespace rookery
