// The simulated client as a device that speaks the compact protocol (docs/PROTOCOL.md): the login
// goes with the handshake, both sides acknowledge without being asked.
#include <cstdlib>

#include "sim/sim_client.h"
#include "sim/sim_devices.h"

namespace rookery::sim {
namespace {

constexpr ScanLimits scan_limits{64, 64};

}  // namespace

void SimClient::connect_compact() {
  load::CompactDevice device;
  device.keys = &sim_device_keys(index_);
  device.server = chance_.one_in(8) ? nullptr : &sim_identity()->keys().open;
  device.user = "u" + std::to_string(index_);
  device.number = sim_device_number;
  compact_.emplace(*transport_, std::move(device));
  asks_to_resume_ = !chance_.one_in(6);
  acknowledgement_due_ = false;
  state_ = State::authenticating;
  compact_->start(previous_id_, handled_, asks_to_resume_);
  flush_compact();
}

void SimClient::flush_compact() {
  if (socket_ >= 0) internet_.socket(socket_).to_server += compact_->take_wire();
}

void SimClient::take_compact(std::string_view bytes, std::uint32_t epoch) {
  using Wire = load::CompactClient::State;
  compact_->receive(bytes, [&](std::string_view xml) {
    if (socket_ < 0) return;
    print("gets", xml);
    StanzaView view;
    if (scan_stanza(xml, scan_limits, view) != StreamError::none) {
      complaint_ = "not well-formed: " + std::string(xml);
    } else if (view.name == "error") {
      stream_error(view);
    } else if (state_ == State::online) {
      element(view);
    } else {
      login_answered(view, epoch);
    }
  });
  if (socket_ < 0) return;
  if (compact_->state() == Wire::broken) complaint_ = "the server broke the compact protocol";
  if (compact_->refusal() != 0) {
    complaint_ = "refused with code " + std::to_string(compact_->refusal());
  }
  if (compact_->state() == Wire::broken || compact_->state() == Wire::refused) {
    lost();
    return;
  }
  if (!chance_.one_in(3)) acknowledge_compact();
  flush_compact();
}

void SimClient::stream_error(const StanzaView& view) {
  // The time to resume was over between the answer to the login and the proof of the key.
  if (view.text.find("<reset ") == std::string_view::npos) complaint_ = std::string(view.text);
  lost();
}

void SimClient::login_answered(const StanzaView& view, std::uint32_t epoch) {
  if (view.text.find("<temporary-auth-failure") != std::string_view::npos) {
    lost();
    return;
  }
  if (view.name != "success") {
    complaint_ = "login refused: " + std::string(view.text);
    lost();
    return;
  }
  if (compact_->resumed()) {
    if (!asks_to_resume_) complaint_ = "resumed against the client's will";
    resumed(view, epoch);
    return;
  }
  if (asks_to_resume_ && !previous_id_.empty() && session_epoch_ == epoch) ++timed_out_;
  previous_id_ = compact_->stream();
  begins_managed(epoch);
}

void SimClient::acknowledge_compact() {
  if (!acknowledgement_due_) return;
  acknowledgement_due_ = false;
  send("<a xmlns='urn:xmpp:sm:3' h='" + std::to_string(handled_) + "'/>");
}

}  // namespace rookery::sim
