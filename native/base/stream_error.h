// Every defined stream error condition of RFC 6120 section 4.9.3 that the server sends.
#pragma once

#include <cstdint>
#include <string_view>

namespace rookery {

enum class StreamError : std::uint8_t {
  none,
  bad_format,
  bad_namespace_prefix,
  conflict,
  connection_timeout,
  host_unknown,
  invalid_from,
  invalid_namespace,
  invalid_xml,
  not_authorized,
  not_well_formed,
  policy_violation,
  reset,
  resource_constraint,
  restricted_xml,
  system_shutdown,
  undefined_condition,
  unsupported_encoding,
  unsupported_stanza_type,
  unsupported_version,
};

/// The element name of the condition as RFC 6120 spells it.
constexpr std::string_view stream_error_name(StreamError error) {
  switch (error) {
    case StreamError::none: return "";
    case StreamError::bad_format: return "bad-format";
    case StreamError::bad_namespace_prefix: return "bad-namespace-prefix";
    case StreamError::conflict: return "conflict";
    case StreamError::connection_timeout: return "connection-timeout";
    case StreamError::host_unknown: return "host-unknown";
    case StreamError::invalid_from: return "invalid-from";
    case StreamError::invalid_namespace: return "invalid-namespace";
    case StreamError::invalid_xml: return "invalid-xml";
    case StreamError::not_authorized: return "not-authorized";
    case StreamError::not_well_formed: return "not-well-formed";
    case StreamError::policy_violation: return "policy-violation";
    case StreamError::reset: return "reset";
    case StreamError::resource_constraint: return "resource-constraint";
    case StreamError::restricted_xml: return "restricted-xml";
    case StreamError::system_shutdown: return "system-shutdown";
    case StreamError::undefined_condition: return "undefined-condition";
    case StreamError::unsupported_encoding: return "unsupported-encoding";
    case StreamError::unsupported_stanza_type: return "unsupported-stanza-type";
    case StreamError::unsupported_version: return "unsupported-version";
  }
  return "undefined-condition";
}

}  // namespace rookery
