// The load client over the compact protocol: the device's key, the login, and the way of what
// comes.
#include <openssl/sha.h>

#include <string>
#include <vector>

#include "load/args.h"
#include "load/client.h"

namespace rookery::load {

NoiseKey device_secret(const ClientSettings& settings, const std::string& user,
                       std::uint32_t number) {
  const std::string text =
      "rookery bench device " + user + ' ' + std::to_string(number) + settings.device_secret;
  NoiseKey secret{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), secret.data());
  return secret;
}

void Client::start_compact() {
  const auto number = static_cast<std::uint32_t>(std::stoul(resource_.substr(1)));
  if (device_keys_ == nullptr) {
    device_keys_ = std::make_unique<NoiseKeyPair>();
    device_keys_->secret = device_secret(settings_, user_, number);
    if (!loop_.scratch_.noise().complete(*device_keys_)) die("no key for " + user_);
  }
  const bool known = settings_.server_key != NoiseKey{};
  compact_ = std::make_unique<CompactClient>(
      loop_.scratch_,
      CompactDevice{device_keys_.get(), known ? &settings_.server_key : nullptr, user_, number});
  if (want_resume_) {
    compact_->start(resume_id_, stanzas_received_);
  } else {
    compact_->start();
  }
  state_ = State::compact_login;
  mark_dirty();
}

// Returns false when the client was closed on the way. The elements are taken out first: what the
// owner does with one may end the connection and all that belongs to it.
bool Client::handle_compact(std::string_view bytes) {
  const int fd = fd_;
  std::vector<std::string> elements;
  compact_->receive(bytes, [&](std::string_view xml) { elements.emplace_back(xml); });
  mark_dirty();  // A handshake may have to go on.
  for (const std::string& element : elements) {
    if (state_ == State::compact_login) {
      handle_compact_login(element);
    } else {
      handle_session(element);
      answer_due_ = true;
    }
    if (fd_ != fd) return false;
  }
  switch (compact_->state()) {
    case CompactClient::State::logging_in:
    case CompactClient::State::ready: return true;
    case CompactClient::State::refused:
      fail("refused with code " + std::to_string(compact_->refusal()));
      return false;
    case CompactClient::State::broken: fail("the server broke the protocol"); return false;
  }
  return true;
}

void Client::handle_compact_login(std::string_view answer) {
  if (compact_->stream().empty()) {
    return fail("login refused: " + std::string(answer.substr(0, 300)));
  }
  authenticated_ = true;
  resume_id_ = compact_->stream();
  resumed_ = compact_->resumed();
  if (!resumed_) {
    stanzas_sent_ = 0;
    stanzas_received_ = 0;
  }
  finish_login();
}

}  // namespace rookery::load
