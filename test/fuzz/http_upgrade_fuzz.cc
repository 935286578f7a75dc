// Fuzzes the HTTP of a WebSocket listener: chunks change nothing, every head gets one whole answer
// that nothing of the request can break out of, and only a handshake becomes a WebSocket.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "codec/http_upgrade.h"

namespace {

using namespace rookery;

void require(bool condition) {
  if (!condition) std::abort();
}

struct Split {
  HttpHeadOutcome outcome = HttpHeadOutcome::need_more;
  HttpStatus status = HttpStatus::bad_request;
  std::size_t consumed = 0;
  bool operator==(const Split&) const = default;
};

Split split(std::string_view input, std::size_t chunk_bytes) {
  HttpHeadSplitter splitter;
  Split whole;
  while (!input.empty()) {
    const std::size_t size = std::min(chunk_bytes, input.size());
    // A block of its own, so that the sanitizer sees a read behind it.
    const auto block = std::make_unique<char[]>(size);
    std::copy_n(input.data(), size, block.get());
    const HttpHeadResult result = splitter.feed({block.get(), size});
    require(result.consumed <= size);
    whole.consumed += result.consumed;
    whole.outcome = result.outcome;
    whole.status = result.status;
    if (result.outcome != HttpHeadOutcome::need_more) return whole;
    require(result.consumed == size);
    input.remove_prefix(size);
  }
  return whole;
}

/// Checks an answer's form: status line, headers that the server writes, a body of that length.
void check_answer(const std::string& out, const HttpAnswer& answer) {
  const std::size_t end = out.find("\r\n\r\n");
  require(out.starts_with("HTTP/1.1 ") && end != std::string::npos);
  require(out.substr(9, 3) == std::to_string(static_cast<int>(answer.status)));
  const std::string_view head = std::string_view(out).substr(0, end + 2);
  require(std::count(head.begin(), head.end(), '\n') <= 7);
  for (const char character : head) {
    require((character >= 0x20 && character < 0x7F) || character == '\r' || character == '\n');
  }
  const bool upgraded = answer.status == HttpStatus::switching_protocols;
  require(upgraded == (answer.protocol != WebSocketProtocol::none));
  const std::size_t body = out.size() - end - 4;
  if (upgraded) {
    require(body == 0 && head.find("\r\nSec-WebSocket-Accept: ") != std::string_view::npos);
    return;
  }
  const std::string length = "\r\nContent-Length: " + std::to_string(body) + "\r\n";
  require(head.find(length) != std::string_view::npos);
  require(head.find("\r\nConnection: close") != std::string_view::npos);
}

void answer(std::string_view head, const HttpPolicy& policy) {
  std::string out;
  const HttpAnswer given = answer_http_request(head, policy, out);
  check_answer(out, given);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view input(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  const Split whole = split(input, size);
  require(whole == split(input, 1) && whole == split(input, 1 + bytes[0] % 64));
  require(whole.consumed <= HttpHeadSplitter::max_bytes);
  if (whole.outcome != HttpHeadOutcome::complete) return 0;
  const std::string_view head = input.substr(0, whole.consumed);
  require(head.ends_with("\r\n\r\n"));
  const bool secure = (bytes[0] & 1) != 0;
  answer(head, {.origins = "*", .secure = secure});
  answer(head, {.origins = "https://a.example\nhttps://b.example", .secure = secure});
  answer(head, {.public_url = "wss://chat.example/ws", .secure = secure});
  return 0;
}
