// The HTTP/1.1 of a WebSocket listener: RFC 9112 for the head, RFC 6455 section 4.2 for the
// handshake, XEP-0156 for discovery.
#include "codec/http_upgrade.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "codec/xml_text.h"

namespace rookery {
namespace {

constexpr std::string_view websocket_version = "13";
constexpr std::string_view accept_suffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::string_view link_relation = "urn:xmpp:alt-connections:websocket";
constexpr std::string_view base64_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// 16 bytes in Base64: 22 digits and two signs of padding.
constexpr std::size_t key_digits = 22;

/// What the server has at each path.
enum class Resource : std::uint8_t { none, websocket, host_meta_xml, host_meta_json };

struct Request {
  std::string_view method;
  std::string_view target;
  std::string_view version;
  std::string_view host;
  std::string_view origin;
  std::string_view key;
  std::string_view websocket_version;
  WebSocketProtocol protocol = WebSocketProtocol::none;
  std::uint32_t hosts = 0;
  std::uint32_t origins = 0;
  std::uint32_t keys = 0;
  std::uint32_t versions = 0;
  bool upgrade_websocket = false;
  bool connection_upgrade = false;
  bool body = false;
};

char to_lower(char character) {
  return character >= 'A' && character <= 'Z' ? static_cast<char>(character + ('a' - 'A'))
                                              : character;
}

/// `lower` is in lower case already.
bool equals_ignoring_case(std::string_view left, std::string_view lower) {
  return std::equal(left.begin(), left.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return to_lower(a) == b; });
}

/// A character of a token (RFC 9110 section 5.6.2).
bool is_token_char(char character) {
  const bool letter_or_digit = (character >= 'a' && character <= 'z') ||
                               (character >= 'A' && character <= 'Z') ||
                               (character >= '0' && character <= '9');
  return letter_or_digit ||
         (character != '\0' &&
          std::string_view("!#$%&'*+-.^_`|~").find(character) != std::string_view::npos);
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

std::string_view trim(std::string_view text) {
  const auto blank = [](char character) { return character == ' ' || character == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Takes what stands before the next `separator`, and the separator.
std::string_view take_until(std::string_view& rest, std::string_view separator) {
  const std::size_t end = rest.find(separator);
  const std::string_view taken = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + separator.size());
  return taken;
}

void for_each_in_list(std::string_view list, const auto& visit) {
  while (!list.empty()) {
    const std::string_view element = trim(take_until(list, ","));
    if (!element.empty()) visit(element);
  }
}

bool list_has(std::string_view list, std::string_view lower) {
  bool found = false;
  for_each_in_list(list, [&](std::string_view element) {
    if (equals_ignoring_case(element, lower)) found = true;
  });
  return found;
}

/// The subprotocols that the server speaks. The first that a client names is taken.
WebSocketProtocol protocol_of(std::string_view name) {
  if (name == "xmpp") return WebSocketProtocol::xmpp;
  if (name == "rookery.compact.1") return WebSocketProtocol::compact;
  return WebSocketProtocol::none;
}

std::string_view protocol_name(WebSocketProtocol protocol) {
  switch (protocol) {
    case WebSocketProtocol::xmpp: return "xmpp";
    case WebSocketProtocol::compact: return "rookery.compact.1";
    case WebSocketProtocol::none: break;
  }
  return {};
}

/// A host as it may be repeated in an answer: a name or address, and perhaps a port.
bool is_host(std::string_view host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char character) {
    return character == '[' || character == ']' || character == ':' || character == '.' ||
           character == '-' || character == '_' ||
           (to_lower(character) >= 'a' && to_lower(character) <= 'z') ||
           (character >= '0' && character <= '9');
  });
}

bool is_key(std::string_view key) {
  return key.size() == key_digits + 2 && key.ends_with("==") &&
         key.substr(0, key_digits).find_first_not_of(base64_digits) == std::string_view::npos;
}

/// The digits before the dot and after it, one each: `HTTP/1.1`.
bool is_http_version(std::string_view version) {
  const auto digit = [&version](std::size_t at) {
    return version[at] >= '0' && version[at] <= '9';
  };
  return version.size() == 8 && version.starts_with("HTTP/") && digit(5) && version[6] == '.' &&
         digit(7);
}

bool read_request_line(std::string_view line, Request& out) {
  out.method = take_until(line, " ");
  out.target = take_until(line, " ");
  out.version = line;
  return is_token(out.method) && !out.target.empty() && is_http_version(out.version);
}

void note_header(std::string_view name, std::string_view value, Request& out) {
  const auto is = [name](std::string_view lower) { return equals_ignoring_case(name, lower); };
  if (is("host")) {
    out.host = value;
    ++out.hosts;
  } else if (is("upgrade")) {
    if (list_has(value, "websocket")) out.upgrade_websocket = true;
  } else if (is("connection")) {
    if (list_has(value, "upgrade")) out.connection_upgrade = true;
  } else if (is("sec-websocket-key")) {
    out.key = value;
    ++out.keys;
  } else if (is("sec-websocket-version")) {
    out.websocket_version = value;
    ++out.versions;
  } else if (is("sec-websocket-protocol")) {
    for_each_in_list(value, [&out](std::string_view element) {
      if (out.protocol == WebSocketProtocol::none) out.protocol = protocol_of(element);
    });
  } else if (is("origin")) {
    out.origin = value;
    ++out.origins;
  } else if (is("transfer-encoding") || (is("content-length") && value != "0")) {
    out.body = true;
  }
}

bool read_head(std::string_view head, Request& out) {
  while (head.starts_with("\r\n")) head.remove_prefix(2);
  if (!read_request_line(take_until(head, "\r\n"), out)) return false;
  while (true) {
    const std::string_view line = take_until(head, "\r\n");
    if (line.empty()) return true;
    const std::size_t colon = line.find(':');
    // White space before the colon, or at the line's beginning (a folded line), is no token.
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return false;
    note_header(line.substr(0, colon), trim(line.substr(colon + 1)), out);
  }
}

/// The path of a request target, of which the absolute form is known too (RFC 9112 section 3.2.2).
std::string_view path_of(std::string_view target) {
  if (!target.starts_with('/')) {
    const std::size_t authority = target.find("://");
    if (authority == std::string_view::npos) return {};
    const std::size_t path = target.find('/', authority + 3);
    if (path == std::string_view::npos) return {};
    target.remove_prefix(path);
  }
  return target.substr(0, target.find('?'));
}

Resource resource_at(std::string_view path) {
  if (path == "/ws" || path == "/xmpp-websocket") return Resource::websocket;
  if (path == "/.well-known/host-meta") return Resource::host_meta_xml;
  if (path == "/.well-known/host-meta.json") return Resource::host_meta_json;
  return Resource::none;
}

bool origin_allowed(std::string_view origin, std::string_view allowed) {
  while (!allowed.empty()) {
    const std::string_view one = take_until(allowed, "\n");
    if (one == "*" || one == origin) return true;
  }
  return false;
}

std::string_view reason_of(HttpStatus status) {
  switch (status) {
    case HttpStatus::switching_protocols: return "Switching Protocols";
    case HttpStatus::ok: return "OK";
    case HttpStatus::bad_request: return "Bad Request";
    case HttpStatus::forbidden: return "Forbidden";
    case HttpStatus::not_found: return "Not Found";
    case HttpStatus::method_not_allowed: return "Method Not Allowed";
    case HttpStatus::request_timeout: return "Request Timeout";
    case HttpStatus::content_too_large: return "Content Too Large";
    case HttpStatus::uri_too_long: return "URI Too Long";
    case HttpStatus::upgrade_required: return "Upgrade Required";
    case HttpStatus::header_fields_too_large: return "Request Header Fields Too Large";
    case HttpStatus::service_unavailable: return "Service Unavailable";
    case HttpStatus::version_not_supported: return "HTTP Version Not Supported";
  }
  return "Error";
}

void append_number(std::string& out, std::size_t value) {
  std::array<char, 20> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  out.append(text.data(), end);
}

/// A whole answer with a body. `headers`: complete lines.
void append_answer(std::string& out, HttpStatus status, std::string_view type,
                   std::string_view headers, std::string_view body) {
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::size_t>(status));
  out += ' ';
  out += reason_of(status);
  out += "\r\nContent-Type: ";
  out += type;
  out += "\r\nContent-Length: ";
  append_number(out, body.size());
  out += "\r\n";
  out += headers;
  out += "\r\n";
  out += body;
}

HttpAnswer refuse(std::string& out, HttpStatus status) {
  append_http_error(out, status);
  return {status, WebSocketProtocol::none};
}

std::string websocket_url(const Request& request, const HttpPolicy& policy) {
  if (!policy.public_url.empty()) return std::string(policy.public_url);
  std::string url = policy.secure ? "wss://" : "ws://";
  url += request.host;
  url += "/ws";
  return url;
}

HttpAnswer answer_host_meta(const Request& request, const HttpPolicy& policy, bool json,
                            std::string& out) {
  const std::string url = websocket_url(request, policy);
  std::string body;
  if (json) {
    // Neither a host nor a configured address holds anything that JSON would escape.
    body = "{\"links\":[{\"rel\":\"";
    body += link_relation;
    body += "\",\"href\":\"";
    body += url;
    body += "\"}]}\n";
  } else {
    body =
        "<?xml version='1.0' encoding='utf-8'?>\n"
        "<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'><Link";
    append_attribute(body, "rel", link_relation);
    append_attribute(body, "href", url);
    body += "/></XRD>\n";
  }
  append_answer(out, HttpStatus::ok, json ? "application/json" : "application/xrd+xml",
                "Access-Control-Allow-Origin: *\r\nConnection: close\r\n", body);
  return {HttpStatus::ok, WebSocketProtocol::none};
}

std::string accept_value(std::string_view key) {
  std::string text(key);
  text += accept_suffix;
  std::array<unsigned char, SHA_DIGEST_LENGTH + 1> digest{};  // and a byte to make whole triples
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::string encoded;
  for (std::size_t at = 0; at < digest.size(); at += 3) {
    const unsigned triple = digest[at] << 16 | digest[at + 1] << 8 | digest[at + 2];
    for (int shift = 18; shift >= 0; shift -= 6) encoded += base64_digits[triple >> shift & 0x3F];
  }
  encoded.back() = '=';
  return encoded;
}

HttpAnswer answer_upgrade(const Request& request, const HttpPolicy& policy, std::string& out) {
  if (!request.upgrade_websocket || !request.connection_upgrade) {
    return refuse(out, HttpStatus::upgrade_required);
  }
  if (request.versions != 1 || request.websocket_version != websocket_version) {
    return refuse(out, HttpStatus::upgrade_required);
  }
  if (request.keys != 1 || !is_key(request.key) || request.origins > 1) {
    return refuse(out, HttpStatus::bad_request);
  }
  if (request.origins == 1 && !origin_allowed(request.origin, policy.origins)) {
    return refuse(out, HttpStatus::forbidden);
  }
  // RFC 7395 section 3.1: without its subprotocol the client would not know what is spoken.
  if (request.protocol == WebSocketProtocol::none ||
      (request.protocol == WebSocketProtocol::compact && !policy.compact)) {
    return refuse(out, HttpStatus::bad_request);
  }
  out +=
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: ";
  out += accept_value(request.key);
  out += "\r\nSec-WebSocket-Protocol: ";
  out += protocol_name(request.protocol);
  out += "\r\n\r\n";
  return {HttpStatus::switching_protocols, request.protocol};
}

}  // namespace

HttpHeadResult HttpHeadSplitter::fail(std::size_t at, HttpStatus status) noexcept {
  return {HttpHeadOutcome::failed, at, status};
}

HttpHeadResult HttpHeadSplitter::feed(std::string_view chunk) noexcept {
  for (std::size_t at = 0; at < chunk.size(); ++at) {
    const auto byte = static_cast<unsigned char>(chunk[at]);
    if (++bytes_ > max_bytes) {
      return fail(at, lines_ == 0 ? HttpStatus::uri_too_long : HttpStatus::header_fields_too_large);
    }
    if (carriage_return_ != (byte == '\n')) return fail(at, HttpStatus::bad_request);
    if (byte == '\r') {
      carriage_return_ = true;
    } else if (byte != '\n') {
      if ((byte < 0x20 && byte != '\t') || byte == 0x7F) return fail(at, HttpStatus::bad_request);
      line_empty_ = false;
    } else {
      carriage_return_ = false;
      // Empty lines before the request are skipped (RFC 9112 section 2.2).
      if (line_empty_ && lines_ > 0) {
        return {HttpHeadOutcome::complete, at + 1, HttpStatus::bad_request};
      }
      if (!line_empty_ && ++lines_ > max_headers + 1) {
        return fail(at, HttpStatus::header_fields_too_large);
      }
      line_empty_ = true;
    }
  }
  return {HttpHeadOutcome::need_more, chunk.size(), HttpStatus::bad_request};
}

void append_http_error(std::string& out, HttpStatus status) {
  std::string body;
  append_number(body, static_cast<std::size_t>(status));
  body += ' ';
  body += reason_of(status);
  std::string headers = "Connection: close\r\n";
  if (status == HttpStatus::upgrade_required) {
    body += ": XMPP clients connect to /ws here with WebSocket version 13 and subprotocol xmpp";
    headers =
        "Connection: close, Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\n";
  } else if (status == HttpStatus::method_not_allowed) {
    headers += "Allow: GET\r\n";
  }
  body += '\n';
  append_answer(out, status, "text/plain; charset=utf-8", headers, body);
}

HttpAnswer answer_http_request(std::string_view head, const HttpPolicy& policy, std::string& out) {
  Request request;
  if (!read_head(head, request)) return refuse(out, HttpStatus::bad_request);
  if (request.version != "HTTP/1.1") return refuse(out, HttpStatus::version_not_supported);
  if (request.hosts != 1 || !is_host(request.host)) return refuse(out, HttpStatus::bad_request);
  const Resource resource = resource_at(path_of(request.target));
  if (resource == Resource::none) return refuse(out, HttpStatus::not_found);
  if (request.method != "GET") return refuse(out, HttpStatus::method_not_allowed);
  if (request.body) return refuse(out, HttpStatus::content_too_large);
  switch (resource) {
    case Resource::websocket: return answer_upgrade(request, policy, out);
    case Resource::host_meta_xml: return answer_host_meta(request, policy, false, out);
    case Resource::host_meta_json: return answer_host_meta(request, policy, true, out);
    case Resource::none: break;
  }
  return refuse(out, HttpStatus::not_found);
}

}  // namespace rookery
