// A device that speaks the compact protocol (docs/PROTOCOL.md): handshake with its login, packets
// as elements in XML, acknowledgements counted. For tests, simulation and load programs: bytes in,
// bytes out, no clock.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "codec/compact_decoder.h"
#include "codec/compact_encoder.h"
#include "codec/packet_splitter.h"
#include "load/noise_client.h"

namespace rookery::load {

/// Who logs in.
struct CompactDevice {
  const NoiseKeyPair* keys = nullptr;  ///< Outlives the client.
  const NoiseKey* server = nullptr;    ///< The server's static key; null: it is unknown, so XX.
  std::string user;
  std::uint32_t number = 1;
};

class CompactClient {
 public:
  enum class State : std::uint8_t {
    logging_in,
    ready,    ///< After <success/>.
    refused,  ///< By a code of the frames' layer, or by <failure/> or <redirect/>.
    broken,   ///< The server sent what it must not.
  };

  CompactClient(TransportScratch& scratch, CompactDevice device)
      : device_(std::move(device)),
        noise_(scratch, device_.server != nullptr ? NoisePattern::ik : NoisePattern::xx,
               *device_.keys, device_.server) {}

  /// Queues the first bytes of a connection. With `stream`, the id of an earlier one, asks to
  /// resume it, of which `handled` stanzas were received; without `resume` only to settle those.
  void start(const std::string& stream = {}, std::uint32_t handled = 0, bool resume = true) {
    std::string login = "<login xmlns='urn:rookery:compact:1' user='" + device_.user +
                        "' device='" + std::to_string(device_.number) + '\'';
    if (!stream.empty()) {
      login += " previd='" + stream + "' h='" + std::to_string(handled) + '\'';
      if (!resume) login += " resume='false'";
      received_ = handled;
    }
    std::string payload;
    if (!append_element(payload, login + "/>", {}, kMaxBytes)) state_ = State::broken;
    noise_.start(payload);
  }

  /// Takes what the server sent; `on_element(xml)` is called for every element in order, the answer
  /// to the login being the first.
  template <typename OnElement>
  void receive(std::string_view wire, OnElement on_element) {
    noise_.receive(wire);
    if (noise_.state() == NoiseClient::State::refused) state_ = State::refused;
    if (noise_.state() == NoiseClient::State::broken) state_ = State::broken;
    if (device_.server != nullptr && noise_.established() && !answered_) {
      proof_due_ = true;
      take_packet(noise_.server_payload(), on_element);
    }
    plain_ += noise_.take_plain();
    std::size_t at = 0;
    while (state_ == State::logging_in || state_ == State::ready) {
      const std::string_view rest = std::string_view(plain_).substr(at);
      PacketSplitter splitter;
      const PacketResult found = splitter.feed(rest, kMaxBytes);
      if (found.outcome == PacketOutcome::need_more) break;
      if (found.outcome == PacketOutcome::error) state_ = State::broken;
      if (found.outcome == PacketOutcome::keep_alive) ++keep_alives_;
      at += found.consumed;
      if (found.outcome == PacketOutcome::packet) {
        take_packet(rest.substr(found.length_bytes, found.consumed - found.length_bytes),
                    on_element);
      }
    }
    plain_.erase(0, at);
  }

  /// Queues an element. Only in the state `ready`.
  void send(std::string_view xml) {
    if (is_stanza(xml)) ++sent_;
    if (!append_packet(packets_, xml, domain_, kMaxBytes)) state_ = State::broken;
  }

  /// Queues bytes as they are, between packets.
  void send_raw(std::string_view bytes) { packets_ += bytes; }
  void send_keep_alive() { packets_ += '\0'; }

  /// Queues an acknowledgement of all that was received, unless that was done.
  void acknowledge() {
    if (acknowledged_ == received_) return;
    acknowledged_ = received_;
    send("<a xmlns='urn:xmpp:sm:3' h='" + std::to_string(received_) + "'/>");
  }

  /// What is queued, in as few frames as it takes.
  std::string take_wire() {
    if (state_ == State::ready && std::exchange(proof_due_, false) && packets_.empty()) {
      send_keep_alive();  // The session of an IK login begins with the first frame.
    }
    if (noise_.established()) {
      std::string_view rest = packets_;
      while (!rest.empty()) {
        noise_.send(rest.substr(0, kMaxFrameTextBytes));
        rest.remove_prefix(std::min(rest.size(), kMaxFrameTextBytes));
      }
      packets_.clear();
    }
    return noise_.take_wire();
  }

  [[nodiscard]] State state() const { return state_; }
  /// The code of the frames' layer, or 0.
  [[nodiscard]] std::uint8_t refusal() const { return noise_.refusal(); }
  [[nodiscard]] const std::string& stream() const { return stream_; }
  [[nodiscard]] const std::string& domain() const { return domain_; }
  [[nodiscard]] bool resumed() const { return resumed_; }
  /// Of our stanzas, as the server said last.
  [[nodiscard]] std::uint32_t safe() const { return safe_; }
  [[nodiscard]] std::uint32_t sent() const { return sent_; }
  [[nodiscard]] std::uint32_t received() const { return received_; }
  [[nodiscard]] std::uint32_t keep_alives() const { return keep_alives_; }

 private:
  static constexpr std::uint32_t kMaxBytes = 1 << 20;
  static constexpr std::size_t kMaxFrameTextBytes = 65'519;

  /// The decoder's own spelling of attributes: name='value', not escaped in those asked for here.
  static std::string attribute(std::string_view xml, std::string_view name) {
    const std::string_view tag = xml.substr(0, xml.find('>'));
    for (const char quote : {'\'', '"'}) {
      const std::string start = ' ' + std::string(name) + '=' + quote;
      const std::size_t at = tag.find(start);
      if (at == tag.npos) continue;
      const std::size_t end = tag.find(quote, at + start.size());
      return std::string(tag.substr(at + start.size(), end - at - start.size()));
    }
    return {};
  }

  static bool starts(std::string_view xml, std::string_view name) {
    return xml.size() > name.size() + 1 && xml.substr(1, name.size()) == name &&
           std::string_view(" />").find(xml[name.size() + 1]) != std::string_view::npos;
  }

  static bool is_stanza(std::string_view xml) {
    return starts(xml, "message") || starts(xml, "presence") || starts(xml, "iq");
  }

  template <typename OnElement>
  void take_packet(std::string_view packet, OnElement& on_element) {
    constexpr CompactLimits kLimits{64, 256, kMaxBytes};
    std::string xml;
    if (decode_element(packet, domain_, kLimits, xml) != CompactError::none) {
      state_ = State::broken;
      return;
    }
    if (!std::exchange(answered_, true)) {
      take_answer(xml);
    } else if (is_stanza(xml)) {
      ++received_;
    } else if (starts(xml, "a")) {
      safe_ = number(attribute(xml, "h"));
    }
    on_element(std::string_view(xml));
  }

  void take_answer(std::string_view xml) {
    if (!starts(xml, "success")) {
      state_ = State::refused;
      return;
    }
    state_ = State::ready;
    stream_ = attribute(xml, "id");
    domain_ = attribute(xml, "domain");
    resumed_ = attribute(xml, "resumed") == "true";
    if (resumed_) {
      safe_ = number(attribute(xml, "h"));
    } else {
      received_ = 0;
    }
    acknowledged_ = received_;
  }

  static std::uint32_t number(const std::string& text) {
    return static_cast<std::uint32_t>(std::strtoul(text.c_str(), nullptr, 10));
  }

  CompactDevice device_;
  NoiseClient noise_;
  State state_ = State::logging_in;
  bool answered_ = false;
  bool proof_due_ = false;
  bool resumed_ = false;
  std::uint32_t sent_ = 0;
  std::uint32_t received_ = 0;
  std::uint32_t acknowledged_ = 0;
  std::uint32_t safe_ = 0;
  std::uint32_t keep_alives_ = 0;
  std::string stream_;
  std::string domain_;
  std::string plain_;    ///< Decrypted, not a whole packet yet.
  std::string packets_;  ///< Queued, not encrypted yet.
};

}  // namespace rookery::load
