// Requests to a WebSocket listener: the handshake of RFC 6455's example, discovery, and an answer
// to each way of being wrong.
#include "codec/http_upgrade.h"

#include <gtest/gtest.h>

#include <vector>

#include "codec/xml_element.h"

namespace rookery {
namespace {

using Lines = std::vector<std::string>;

const Lines good_headers = {
    "Host: chat.example.org",    "Upgrade: websocket",
    "Connection: Upgrade",       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: xmpp"};

std::string request(const std::string& line, const Lines& headers) {
  std::string head = line + "\r\n";
  for (const std::string& header : headers) head += header + "\r\n";
  return head + "\r\n";
}

/// The good request with the header that begins like `replacement` exchanged for it.
std::string with(const std::string& replacement) {
  Lines headers = good_headers;
  const std::string name = replacement.substr(0, replacement.find(':') + 1);
  bool found = false;
  for (std::string& header : headers) {
    if (!header.starts_with(name)) continue;
    header = replacement;
    found = true;
  }
  if (!found) headers.push_back(replacement);
  return request("GET /ws HTTP/1.1", headers);
}

std::string without(const std::string& name) {
  Lines headers = good_headers;
  std::erase_if(headers, [&name](const std::string& header) { return header.starts_with(name); });
  return request("GET /ws HTTP/1.1", headers);
}

int status_of(const std::string& head, const HttpPolicy& policy = {.origins = "*"}) {
  std::string out;
  const HttpAnswer answer = answer_http_request(head, policy, out);
  const int status = static_cast<int>(answer.status);
  EXPECT_TRUE(out.starts_with("HTTP/1.1 " + std::to_string(status) + " ")) << out;
  EXPECT_EQ(answer.protocol != WebSocketProtocol::none, status == 101);
  const std::size_t end = out.find("\r\n\r\n");
  if (status != 101) {
    EXPECT_NE(out.find("Connection: close"), std::string::npos);
    EXPECT_NE(out.find("Content-Length: " + std::to_string(out.size() - end - 4) + "\r\n"),
              std::string::npos)
        << out;
  } else {
    EXPECT_EQ(end + 4, out.size()) << "nothing may follow but frames";
  }
  return status;
}

TEST(HttpUpgrade, ExampleOfTheDocument) {
  std::string out;
  const HttpAnswer answer =
      answer_http_request(request("GET /ws HTTP/1.1", good_headers), {.origins = "*"}, out);
  EXPECT_EQ(answer.status, HttpStatus::switching_protocols);
  EXPECT_EQ(answer.protocol, WebSocketProtocol::xmpp);
  EXPECT_EQ(out,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
            "Sec-WebSocket-Protocol: xmpp\r\n\r\n");
}

TEST(HttpUpgrade, WhatBrowsersAndProxiesVary) {
  EXPECT_EQ(status_of(with("Connection: keep-alive, Upgrade")), 101);
  EXPECT_EQ(status_of(with("Upgrade: h2c, WebSocket")), 101);
  EXPECT_EQ(status_of(with("Sec-WebSocket-Protocol: chat, xmpp")), 101);
  EXPECT_EQ(status_of(with("Sec-WebSocket-Extensions: permessage-deflate")), 101);
  EXPECT_EQ(status_of(with("Host: [::1]:5280")), 101);
  EXPECT_EQ(status_of(with("Cookie: a=\"b\"; \xc3\xa9")), 101);
  EXPECT_EQ(status_of(with("Content-Length: 0")), 101);
  EXPECT_EQ(status_of("\r\n" + request("GET /ws HTTP/1.1", good_headers)), 101);
  for (const char* target : {"/ws?a=b", "/xmpp-websocket", "http://chat.example.org/ws"}) {
    EXPECT_EQ(status_of(request(std::string("GET ") + target + " HTTP/1.1", good_headers)), 101);
  }
  Lines lower;
  for (std::string header : good_headers) {
    for (char& c : header) {
      if (c == ':') break;
      c = static_cast<char>(std::tolower(c));
    }
    lower.push_back(header);
  }
  EXPECT_EQ(status_of(request("GET /ws HTTP/1.1", lower)), 101);
}

TEST(HttpUpgrade, NoExtensionIsNegotiated) {
  std::string out;
  answer_http_request(with("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"),
                      {.origins = "*"}, out);
  EXPECT_EQ(out.find("Extensions"), std::string::npos);
}

TEST(HttpUpgrade, NoUpgradeIsAskedFor) {
  EXPECT_EQ(status_of(without("Upgrade")), 426);
  EXPECT_EQ(status_of(without("Connection")), 426);
  EXPECT_EQ(status_of(with("Upgrade: h2c")), 426);
  EXPECT_EQ(status_of(with("Connection: close")), 426);
  std::string out;
  append_http_error(out, HttpStatus::upgrade_required);
  EXPECT_NE(out.find("\r\nUpgrade: websocket\r\n"), std::string::npos);
  EXPECT_NE(out.find("\r\nSec-WebSocket-Version: 13\r\n"), std::string::npos);
}

TEST(HttpUpgrade, VersionsAndKeys) {
  for (const char* version : {"8", "14", "", "13, 8", "013"}) {
    EXPECT_EQ(status_of(with(std::string("Sec-WebSocket-Version: ") + version)), 426) << version;
  }
  EXPECT_EQ(status_of(without("Sec-WebSocket-Version")), 426);
  EXPECT_EQ(status_of(without("Sec-WebSocket-Key")), 400);
  for (const char* key : {"", "abc", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===",
                          "dGhlIHNhbXBsZSBub25jZSE=", "dGhlIHNhbXBsZ!Bub25jZQ==",
                          "dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ=="}) {
    EXPECT_EQ(status_of(with(std::string("Sec-WebSocket-Key: ") + key)), 400) << key;
  }
  Lines two = good_headers;
  two.push_back(good_headers[3]);
  EXPECT_EQ(status_of(request("GET /ws HTTP/1.1", two)), 400);
}

TEST(HttpUpgrade, SubprotocolIsNeeded) {
  EXPECT_EQ(status_of(without("Sec-WebSocket-Protocol")), 400);
  EXPECT_EQ(status_of(with("Sec-WebSocket-Protocol: chat, XMPP")), 400);
}

TEST(HttpUpgrade, Origins) {
  const HttpPolicy one{.origins = "https://a.example\nhttps://b.example:8443"};
  EXPECT_EQ(status_of(with("Origin: https://a.example"), one), 101);
  EXPECT_EQ(status_of(with("Origin: https://b.example:8443"), one), 101);
  EXPECT_EQ(status_of(request("GET /ws HTTP/1.1", good_headers), one), 101);
  for (const char* origin :
       {"https://c.example", "https://a.example.evil", "http://a.example", "null", ""}) {
    EXPECT_EQ(status_of(with(std::string("Origin: ") + origin), one), 403) << origin;
  }
  EXPECT_EQ(status_of(with("Origin: https://a.example"), {}), 403);
  EXPECT_EQ(status_of(with("Origin: https://a.example")), 101);
  Lines two = good_headers;
  two.insert(two.end(), {"Origin: https://a.example", "Origin: https://c.example"});
  EXPECT_EQ(status_of(request("GET /ws HTTP/1.1", two), one), 400);
}

TEST(HttpUpgrade, PathsMethodsAndVersions) {
  for (const char* target : {"/", "/wss", "/ws/", "/WS", "*", "ws", "http://ws", "//ws"}) {
    EXPECT_EQ(status_of(request(std::string("GET ") + target + " HTTP/1.1", good_headers)), 404)
        << target;
  }
  for (const char* method : {"POST", "HEAD", "OPTIONS", "get", "FOO"}) {
    EXPECT_EQ(status_of(request(std::string(method) + " /ws HTTP/1.1", good_headers)), 405);
  }
  for (const char* version : {"HTTP/1.0", "HTTP/2.0", "HTTP/1.2", "HTTP/9.9"}) {
    EXPECT_EQ(status_of(request(std::string("GET /ws ") + version, good_headers)), 505);
  }
}

TEST(HttpUpgrade, BodiesAreRefused) {
  EXPECT_EQ(status_of(with("Content-Length: 5")), 413);
  EXPECT_EQ(status_of(with("Transfer-Encoding: chunked")), 413);
}

TEST(HttpUpgrade, WhatIsNoRequest) {
  for (const char* line :
       {"GET /ws", "GET  /ws HTTP/1.1", "GET /ws HTTP/1.1 ", "GET /ws HTTP/11", "GET /ws http/1.1",
        "G(T /ws HTTP/1.1", " GET /ws HTTP/1.1", "", "GET /a b HTTP/1.1"}) {
    EXPECT_EQ(status_of(request(line, good_headers)), 400) << line;
  }
  for (const char* header : {"no colon", ": no name", "Na me: x", "Name : x", " folded: x"}) {
    EXPECT_EQ(status_of(with(header)), 400) << header;
  }
  EXPECT_EQ(status_of(without("Host")), 400);
  EXPECT_EQ(status_of(with("Host: ")), 400);
  EXPECT_EQ(status_of(with("Host: a\"b")), 400);
  Lines two = good_headers;
  two.push_back("Host: other.example");
  EXPECT_EQ(status_of(request("GET /ws HTTP/1.1", two)), 400);
}

TEST(HttpUpgrade, DiscoveryInXml) {
  std::string out;
  const std::string head =
      request("GET /.well-known/host-meta HTTP/1.1", {"Host: chat.example.org:5281"});
  EXPECT_EQ(answer_http_request(head, {.secure = true}, out).status, HttpStatus::ok);
  EXPECT_NE(out.find("\r\nAccess-Control-Allow-Origin: *\r\n"), std::string::npos);
  EXPECT_NE(out.find("\r\nContent-Type: application/xrd+xml\r\n"), std::string::npos);
  const std::string body = out.substr(out.find("<XRD"));
  XmlReader reader;
  XmlElement xrd;
  ASSERT_TRUE(reader.read(body.substr(0, body.rfind('>') + 1), 8, xrd)) << body;
  const XmlElement* link = xrd.child("Link", "http://docs.oasis-open.org/ns/xri/xrd-1.0");
  ASSERT_NE(link, nullptr);
  EXPECT_NE(body.find("rel='urn:xmpp:alt-connections:websocket'"), std::string::npos);
  EXPECT_NE(body.find("href='wss://chat.example.org:5281/ws'"), std::string::npos);
}

TEST(HttpUpgrade, DiscoveryInJson) {
  const std::string head =
      request("GET /.well-known/host-meta.json HTTP/1.1", {"Host: chat.example.org"});
  std::string out;
  EXPECT_EQ(answer_http_request(head, {}, out).status, HttpStatus::ok);
  EXPECT_TRUE(
      out.ends_with("\r\n\r\n{\"links\":[{\"rel\":\"urn:xmpp:alt-connections:websocket\","
                    "\"href\":\"ws://chat.example.org/ws\"}]}\n"))
      << out;
  out.clear();
  answer_http_request(head, {.public_url = "wss://x.example/chat"}, out);
  EXPECT_NE(out.find("\"href\":\"wss://x.example/chat\""), std::string::npos);
}

HttpHeadResult split(std::string_view head, std::size_t chunk_bytes, std::size_t& consumed) {
  HttpHeadSplitter splitter;
  consumed = 0;
  HttpHeadResult result;
  while (!head.empty()) {
    const std::string_view chunk = head.substr(0, chunk_bytes);
    result = splitter.feed(chunk);
    consumed += result.consumed;
    if (result.outcome != HttpHeadOutcome::need_more) return result;
    head.remove_prefix(chunk.size());
  }
  return result;
}

void expect_split(const std::string& head, HttpHeadOutcome outcome, std::size_t consumed,
                  HttpStatus status = HttpStatus::bad_request) {
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{5}, SIZE_MAX}) {
    std::size_t used = 0;
    const HttpHeadResult result = split(head, chunk, used);
    EXPECT_EQ(result.outcome, outcome);
    EXPECT_EQ(used, consumed);
    EXPECT_EQ(result.status, status);
  }
}

TEST(HttpHeadSplitter, FindsTheEnd) {
  const std::string head = request("GET /ws HTTP/1.1", good_headers);
  expect_split(head + "\x81\x80 frames", HttpHeadOutcome::complete, head.size());
  expect_split("\r\n\r\n" + head, HttpHeadOutcome::complete, head.size() + 4);
  expect_split(head.substr(0, head.size() - 1), HttpHeadOutcome::need_more, head.size() - 1);
}

TEST(HttpHeadSplitter, RefusesAtTheFirstWrongByte) {
  expect_split("\x16\x03\x01", HttpHeadOutcome::failed, 0);
  expect_split("GET / HTTP/1.1\n", HttpHeadOutcome::failed, 14);
  expect_split("GET / HTTP/1.1\r ", HttpHeadOutcome::failed, 15);
  expect_split("GET / HTTP/1.1\r\nA: \x7f", HttpHeadOutcome::failed, 19);
  expect_split(std::string("GET /\0", 6), HttpHeadOutcome::failed, 5);
}

TEST(HttpHeadSplitter, HasLimits) {
  constexpr std::size_t most = HttpHeadSplitter::max_bytes;
  expect_split(std::string(most + 1, 'a'), HttpHeadOutcome::failed, most, HttpStatus::uri_too_long);
  expect_split("GET / HTTP/1.1\r\nA: " + std::string(most, 'a'), HttpHeadOutcome::failed, most,
               HttpStatus::header_fields_too_large);
  std::string many = "GET / HTTP/1.1\r\n";
  for (std::size_t count = 0; count < HttpHeadSplitter::max_headers; ++count) many += "A: b\r\n";
  expect_split(many + "\r\n", HttpHeadOutcome::complete, many.size() + 2);
  many += "A: b\r\n";
  expect_split(many + "\r\n", HttpHeadOutcome::failed, many.size() - 1,
               HttpStatus::header_fields_too_large);
}

}  // namespace
}  // namespace rookery
