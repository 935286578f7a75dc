// The record layer alone, against a peer that can also misbehave: fragments, padding, limits, key
// updates, alerts. What is expected of each is in RFC 8446 sections 4.6.3, 5 and 6.
#include "transport/tls_record_layer.h"

#include <gtest/gtest.h>

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "native/transport/record_peer.h"
#include "transport/transport_scratch.h"

namespace rookery::tls_test {
namespace {

std::span<const std::uint8_t> as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

class TlsRecordLayerTest : public testing::TestWithParam<AeadSuite> {
 protected:
  void SetUp() override { start({}); }

  void start(const TransportScratchOptions& options, std::uint8_t max_fragment_code = 0,
             std::uint64_t records_sent = 0) {
    scratch_ = std::make_unique<TransportScratch>(options);
    const std::string client(aead_secret_bytes(GetParam()), 'c');
    const std::string server(aead_secret_bytes(GetParam()), 's');
    TlsTakeover takeover;
    takeover.suite = GetParam();
    takeover.client_secret = as_bytes(client);
    takeover.server_secret = as_bytes(server);
    takeover.records_sent = records_sent;
    takeover.max_fragment_code = max_fragment_code;
    layer_ = TlsRecordLayer::create(*scratch_, takeover);
    ASSERT_NE(layer_, nullptr);
    peer_ = std::make_unique<RecordPeer>(aead_, GetParam(), client, server);
    peer_->reading().set_sequence(records_sent);
  }

  TransportStatus receive(std::string_view wire) {
    return layer_->receive(*scratch_, wire, plain_, wire_out_);
  }
  std::vector<PeerRecord> replies() { return peer_->open(std::exchange(wire_out_, {})); }

  /// `wire` ends the connection, with this alert to the peer and nothing before it.
  void expect_refused(std::string_view wire, TlsAlert alert) {
    EXPECT_EQ(receive(wire), TransportStatus::failed);
    const std::vector<PeerRecord> sent = replies();
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].type, RecordPeer::kAlert);
    EXPECT_EQ(sent[0].content, (std::string{2, static_cast<char>(alert)}));
    // And it stays ended.
    EXPECT_EQ(receive(peer_->seal(RecordPeer::kData, "late")), TransportStatus::failed);
    EXPECT_EQ(layer_->send(*scratch_, "late", wire_out_), TransportStatus::failed);
    layer_->close(*scratch_, wire_out_);
    EXPECT_EQ(wire_out_, "");
    EXPECT_EQ(plain_.find("late"), std::string::npos);
  }

  AeadContexts aead_;
  std::unique_ptr<TransportScratch> scratch_;
  std::unique_ptr<TlsRecordLayer> layer_;
  std::unique_ptr<RecordPeer> peer_;
  std::string plain_;
  std::string wire_out_;
};

INSTANTIATE_TEST_SUITE_P(Suites, TlsRecordLayerTest,
                         testing::Values(AeadSuite::aes_128_gcm_sha256,
                                         AeadSuite::aes_256_gcm_sha384,
                                         AeadSuite::chacha20_sha256));

TEST_P(TlsRecordLayerTest, CarriesDataBothWaysAndKeepsNothingAtRest) {
  const std::size_t at_rest = layer_->heap_bytes();
  EXPECT_LE(at_rest, GetParam() == AeadSuite::aes_128_gcm_sha256 ? 160u : 224u);
  for (const std::string& text :
       {std::string("a"), std::string(100, 'b'), std::string(16384, 'c')}) {
    ASSERT_EQ(receive(peer_->seal(RecordPeer::kData, text)), TransportStatus::ok);
    EXPECT_EQ(std::exchange(plain_, {}), text);
    ASSERT_EQ(layer_->send(*scratch_, text, wire_out_), TransportStatus::ok);
    const std::vector<PeerRecord> sent = replies();
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].type, RecordPeer::kData);
    EXPECT_EQ(sent[0].content, text);
  }
  EXPECT_EQ(layer_->heap_bytes(), at_rest);
}

TEST_P(TlsRecordLayerTest, SplitsLargeWritesAtTheRecordLimit) {
  ASSERT_EQ(layer_->send(*scratch_, std::string(40000, 'x'), wire_out_), TransportStatus::ok);
  const std::vector<PeerRecord> sent = replies();
  ASSERT_EQ(sent.size(), 3u);
  EXPECT_EQ(sent[0].content.size(), 16384u);
  EXPECT_EQ(sent[1].content.size(), 16384u);
  EXPECT_EQ(sent[2].content.size(), 40000u - 2 * 16384u);
  ASSERT_EQ(layer_->send(*scratch_, "", wire_out_), TransportStatus::ok);
  EXPECT_EQ(wire_out_, "");
}

TEST_P(TlsRecordLayerTest, WriteSequenceFollowsTheTickets) {
  start({}, 0, 2);
  ASSERT_EQ(layer_->send(*scratch_, "after two tickets", wire_out_), TransportStatus::ok);
  EXPECT_EQ(replies().at(0).content, "after two tickets");
}

TEST_P(TlsRecordLayerTest, NonceCarriesTheWholeSequenceNumber) {
  start({.records_per_key = ~std::uint64_t{0}}, 0, 0x0102030405060708u);
  ASSERT_EQ(layer_->send(*scratch_, "far on", wire_out_), TransportStatus::ok);
  EXPECT_EQ(replies().at(0).content, "far on");
}

TEST_P(TlsRecordLayerTest, TakesBytesOneAtATime) {
  const std::size_t at_rest = layer_->heap_bytes();
  std::string wire;
  for (const char* text : {"one", "two", "three"}) wire += peer_->seal(RecordPeer::kData, text);
  for (const char byte : wire) ASSERT_EQ(receive({&byte, 1}), TransportStatus::ok);
  EXPECT_EQ(plain_, "onetwothree");
  EXPECT_EQ(layer_->heap_bytes(), at_rest);
}

TEST_P(TlsRecordLayerTest, TakesRecordsCutAnywhere) {
  std::string wire;
  std::string expected;
  for (std::size_t size = 0; size < 40; ++size) {
    const std::string text(size * 7, static_cast<char>('a' + size % 26));
    // Empty records are legal; a few of them between others are no attack.
    wire += peer_->seal(RecordPeer::kData, text, size % 3);
    expected += text;
  }
  for (std::size_t step = 1, at = 0; at < wire.size(); at += step, step = step % 61 + 1) {
    ASSERT_EQ(receive(std::string_view(wire).substr(at, step)), TransportStatus::ok);
  }
  EXPECT_EQ(plain_, expected);
}

TEST_P(TlsRecordLayerTest, KeepsNoMoreOfAPartialRecordThanHasArrived) {
  const std::size_t at_rest = layer_->heap_bytes();
  const std::string wire = peer_->seal(RecordPeer::kData, std::string(16384, 'x'));
  ASSERT_EQ(receive(std::string_view(wire).substr(0, 5)), TransportStatus::ok);
  EXPECT_LE(layer_->heap_bytes(), at_rest + 120);
  ASSERT_EQ(receive(std::string_view(wire).substr(5, wire.size() - 6)), TransportStatus::ok);
  EXPECT_LE(layer_->heap_bytes(), at_rest + 17000);
  ASSERT_EQ(receive(std::string_view(wire).substr(wire.size() - 1)), TransportStatus::ok);
  EXPECT_EQ(plain_.size(), 16384u);
  EXPECT_EQ(layer_->heap_bytes(), at_rest);
}

TEST_P(TlsRecordLayerTest, StripsPadding) {
  ASSERT_EQ(receive(peer_->seal(RecordPeer::kData, "padded", 1000)), TransportStatus::ok);
  // Zeros that belong to the content stay.
  ASSERT_EQ(receive(peer_->seal(RecordPeer::kData, std::string("\0\0", 2), 5)),
            TransportStatus::ok);
  EXPECT_EQ(plain_, "padded" + std::string("\0\0", 2));
}

TEST_P(TlsRecordLayerTest, AcceptsTheLargestInnerPlaintextAndNoLarger) {
  ASSERT_EQ(receive(peer_->seal(RecordPeer::kData, std::string(16000, 'x'), 384)),
            TransportStatus::ok);
  EXPECT_EQ(plain_.size(), 16000u);
  expect_refused(peer_->seal(RecordPeer::kData, std::string(16000, 'x'), 385),
                 TlsAlert::record_overflow);
}

TEST_P(TlsRecordLayerTest, RefusesARecordThatClaimsTooMuch) {
  const std::size_t length = 16384 + 257;
  expect_refused(std::string{23, 3, 3, static_cast<char>(length >> 8), static_cast<char>(length)},
                 TlsAlert::record_overflow);
}

TEST_P(TlsRecordLayerTest, RefusesARecordTooShortForItsTag) {
  expect_refused(std::string{23, 3, 3, 0, 16} + std::string(16, 'x'), TlsAlert::bad_record_mac);
}

TEST_P(TlsRecordLayerTest, IgnoresTheVersionOfARecord) {
  std::string wire = peer_->seal(RecordPeer::kData, "x");
  // It is part of the authenticated header, so a changed one fails as a forgery, not as a version.
  wire[2] = 1;
  expect_refused(wire, TlsAlert::bad_record_mac);
}

TEST_P(TlsRecordLayerTest, RefusesEveryFlippedByte) {
  const std::string wire = peer_->seal(RecordPeer::kData, "precious");
  for (std::size_t at = 5; at < wire.size(); ++at) {
    start({});
    std::string garbled = wire;
    garbled[at] ^= 0x10;
    expect_refused(garbled, TlsAlert::bad_record_mac);
    EXPECT_EQ(plain_, "");
  }
}

TEST_P(TlsRecordLayerTest, RefusesReplayedAndReorderedRecords) {
  const std::string first = peer_->seal(RecordPeer::kData, "first");
  ASSERT_EQ(receive(first), TransportStatus::ok);
  expect_refused(first, TlsAlert::bad_record_mac);

  start({});
  peer_->seal(RecordPeer::kData, "lost");
  expect_refused(peer_->seal(RecordPeer::kData, "second"), TlsAlert::bad_record_mac);
}

TEST_P(TlsRecordLayerTest, RefusesOtherOuterTypes) {
  for (const int outer : {0, 20, 21, 22, 24, 71}) {
    start({});
    expect_refused(peer_->seal(RecordPeer::kData, "x", 0, outer), TlsAlert::unexpected_message);
  }
}

TEST_P(TlsRecordLayerTest, RefusesOtherInnerTypes) {
  for (const int type : {-1, 1, 20, 24, 255}) {
    start({});
    const std::string content = type < 0 ? "" : "x";
    expect_refused(peer_->seal(type, content, 4), TlsAlert::unexpected_message);
    EXPECT_EQ(plain_, "");
  }
}

TEST_P(TlsRecordLayerTest, BoundsEmptyRecordsInARow) {
  for (int round = 0; round < 3; ++round) {
    for (int count = 0; count < 32; ++count) {
      ASSERT_EQ(receive(peer_->seal(RecordPeer::kData, "")), TransportStatus::ok);
    }
    ASSERT_EQ(receive(peer_->seal(RecordPeer::kData, "x")), TransportStatus::ok);
  }
  for (int count = 0; count < 32; ++count) receive(peer_->seal(RecordPeer::kData, ""));
  expect_refused(peer_->seal(RecordPeer::kData, ""), TlsAlert::unexpected_message);
}

TEST_P(TlsRecordLayerTest, FollowsThePeersKeyUpdate) {
  ASSERT_EQ(receive(peer_->seal_key_update(false)), TransportStatus::ok);
  EXPECT_EQ(wire_out_, "");
  ASSERT_EQ(receive(peer_->seal(RecordPeer::kData, "new key")), TransportStatus::ok);
  EXPECT_EQ(plain_, "new key");
}

TEST_P(TlsRecordLayerTest, AnswersRequestedKeyUpdatesOnceACall) {
  std::string wire;
  for (int count = 0; count < 5; ++count) wire += peer_->seal_key_update(true);
  wire += peer_->seal(RecordPeer::kData, "then data");
  ASSERT_EQ(receive(wire), TransportStatus::ok);
  EXPECT_EQ(plain_, "then data");
  const std::vector<PeerRecord> sent = replies();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].type, RecordPeer::kHandshake);
  EXPECT_EQ(sent[0].content, (std::string{24, 0, 0, 1, 0}));
  // The answer was the last record under the old key.
  ASSERT_EQ(layer_->send(*scratch_, "new key", wire_out_), TransportStatus::ok);
  EXPECT_EQ(replies().at(0).content, "new key");
}

TEST_P(TlsRecordLayerTest, KeyUpdateMayBeSplitOverRecords) {
  const std::string message = {24, 0, 0, 1, 1};
  for (const char byte : message) {
    ASSERT_EQ(receive(peer_->seal(RecordPeer::kHandshake, {&byte, 1})), TransportStatus::ok);
  }
  peer_->writing().update();
  ASSERT_EQ(receive(peer_->seal(RecordPeer::kData, "after")), TransportStatus::ok);
  EXPECT_EQ(plain_, "after");
  EXPECT_EQ(replies().size(), 1u);
}

TEST_P(TlsRecordLayerTest, RefusesOtherRecordsBetweenThePartsOfAMessage) {
  for (const int type : {RecordPeer::kData, RecordPeer::kAlert}) {
    start({});
    ASSERT_EQ(receive(peer_->seal(RecordPeer::kHandshake, std::string{24, 0})),
              TransportStatus::ok);
    expect_refused(peer_->seal(type, std::string{1, 0}), TlsAlert::unexpected_message);
  }
}

TEST_P(TlsRecordLayerTest, RefusesMalformedHandshakeMessages) {
  const std::vector<std::pair<std::string, TlsAlert>> cases = {
      {"", TlsAlert::unexpected_message},
      {std::string{4, 0, 0, 1, 0}, TlsAlert::unexpected_message},  // NewSessionTicket
      {std::string{1, 0, 0, 1, 0}, TlsAlert::unexpected_message},  // ClientHello
      {std::string{24, 0, 0, 2, 0, 0}, TlsAlert::decode_error},    // a longer KeyUpdate
      {std::string{24, 1, 0, 1, 0}, TlsAlert::decode_error},
      {std::string{24, 0, 0, 0}, TlsAlert::decode_error},
      {std::string{24, 0, 0, 1, 2}, TlsAlert::illegal_parameter},
      {std::string{24, 0, 0, 1, 0, 24}, TlsAlert::unexpected_message},  // under the old key
      {std::string{24, 0, 0, 1, 0, 24, 0, 0, 1, 0}, TlsAlert::unexpected_message},
  };
  for (const auto& [content, alert] : cases) {
    start({});
    expect_refused(peer_->seal(RecordPeer::kHandshake, content), alert);
  }
}

TEST_P(TlsRecordLayerTest, BoundsKeyUpdatesInARow) {
  for (int round = 0; round < 2; ++round) {
    for (int count = 0; count < 128; ++count) {
      ASSERT_EQ(receive(peer_->seal_key_update(true)), TransportStatus::ok);
      ASSERT_EQ(replies().size(), 1u);
    }
    ASSERT_EQ(receive(peer_->seal(RecordPeer::kData, "x")), TransportStatus::ok);
  }
  for (int count = 0; count < 128; ++count) receive(peer_->seal_key_update(false));
  expect_refused(peer_->seal_key_update(false), TlsAlert::unexpected_message);
}

TEST_P(TlsRecordLayerTest, ChangesItsOwnKeyBeforeTheLimit) {
  start({.records_per_key = 10});
  int updates = 0;
  for (int count = 0; count < 100; ++count) {
    const std::string text = "record " + std::to_string(count);
    ASSERT_EQ(layer_->send(*scratch_, text, wire_out_), TransportStatus::ok);
    for (const PeerRecord& record : replies()) {
      ASSERT_NE(record.type, -1);
      if (record.type == RecordPeer::kHandshake) {
        ++updates;
        EXPECT_EQ(record.content, (std::string{24, 0, 0, 1, 0}));
      } else {
        EXPECT_EQ(record.content, text);
      }
    }
  }
  EXPECT_EQ(updates, 9);
}

TEST_P(TlsRecordLayerTest, ClosesInOrder) {
  std::string wire = peer_->seal(RecordPeer::kData, "last words");
  wire += peer_->seal_alert(0);
  wire += "what comes after";
  ASSERT_EQ(receive(wire), TransportStatus::closed);
  EXPECT_EQ(plain_, "last words");
  EXPECT_EQ(wire_out_, "");
  // The other direction stays open (RFC 8446 section 6.1) until it is closed too.
  ASSERT_EQ(layer_->send(*scratch_, "mine", wire_out_), TransportStatus::ok);
  layer_->close(*scratch_, wire_out_);
  layer_->close(*scratch_, wire_out_);
  EXPECT_EQ(layer_->send(*scratch_, "too late", wire_out_), TransportStatus::closed);
  const std::vector<PeerRecord> sent = replies();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].content, "mine");
  EXPECT_EQ(sent[1].type, RecordPeer::kAlert);
  EXPECT_EQ(sent[1].content, (std::string{1, 0}));
  EXPECT_EQ(receive(peer_->seal(RecordPeer::kData, "x")), TransportStatus::closed);
  EXPECT_EQ(plain_, "last words");
}

TEST_P(TlsRecordLayerTest, ReadsOnAfterItsOwnCloseAndSendsNothing) {
  layer_->close(*scratch_, wire_out_);
  ASSERT_EQ(replies().size(), 1u);
  ASSERT_EQ(receive(peer_->seal_key_update(true)), TransportStatus::ok);
  ASSERT_EQ(receive(peer_->seal(RecordPeer::kData, "tail")), TransportStatus::ok);
  EXPECT_EQ(plain_, "tail");
  EXPECT_EQ(receive("not a record at all"), TransportStatus::failed);
  EXPECT_EQ(wire_out_, "");
}

TEST_P(TlsRecordLayerTest, AFatalAlertEndsWithoutAnAnswer) {
  for (const int level : {1, 2}) {
    start({});
    plain_.clear();
    std::string wire = peer_->seal(RecordPeer::kData, "before");
    wire += peer_->seal_key_update(true);
    wire += peer_->seal_alert(42, level);
    wire += peer_->seal(RecordPeer::kData, "after");
    EXPECT_EQ(receive(wire), TransportStatus::failed);
    EXPECT_EQ(plain_, "before");
    EXPECT_EQ(wire_out_, "");
  }
}

TEST_P(TlsRecordLayerTest, IgnoresAFewUserCanceled) {
  for (int count = 0; count < 4; ++count) {
    ASSERT_EQ(receive(peer_->seal_alert(90)), TransportStatus::ok);
  }
  ASSERT_EQ(receive(peer_->seal(RecordPeer::kData, "still here")), TransportStatus::ok);
  EXPECT_EQ(plain_, "still here");
  expect_refused(peer_->seal_alert(90), TlsAlert::unexpected_message);
}

TEST_P(TlsRecordLayerTest, RefusesAlertsOfOtherLengths) {
  for (const std::size_t size : {0u, 1u, 3u, 4u}) {
    start({});
    expect_refused(peer_->seal(RecordPeer::kAlert, std::string(size, '\1')),
                   TlsAlert::decode_error);
  }
}

TEST_P(TlsRecordLayerTest, KeepsToTheAgreedFragmentLength) {
  start({}, 1);
  ASSERT_EQ(layer_->send(*scratch_, std::string(1200, 'x'), wire_out_), TransportStatus::ok);
  const std::vector<PeerRecord> sent = replies();
  ASSERT_EQ(sent.size(), 3u);
  EXPECT_EQ(sent[0].content.size(), 512u);
  ASSERT_EQ(receive(peer_->seal(RecordPeer::kData, std::string(512, 'y'), 100)),
            TransportStatus::ok);
  expect_refused(peer_->seal(RecordPeer::kData, std::string(513, 'y')), TlsAlert::record_overflow);
}

TEST_P(TlsRecordLayerTest, ForgetsChannelBindings) {
  const std::string secret(aead_secret_bytes(GetParam()), 'c');
  const std::size_t at_rest = layer_->heap_bytes();
  TlsTakeover takeover;
  takeover.suite = GetParam();
  takeover.client_secret = as_bytes(secret);
  takeover.server_secret = as_bytes(secret);
  takeover.exporter = std::string(32, 'e');
  takeover.unique = std::string(48, 'u');
  takeover.server_end_point = std::make_shared<const std::string>("hash");
  layer_ = TlsRecordLayer::create(*scratch_, takeover);
  EXPECT_EQ(layer_->channel_binding("tls-exporter"), takeover.exporter);
  EXPECT_EQ(layer_->channel_binding("tls-server-end-point"), "hash");
  EXPECT_EQ(layer_->channel_binding("tls-unique"), takeover.unique);
  EXPECT_GT(layer_->heap_bytes(), at_rest);
  layer_->forget_channel_binding();
  EXPECT_EQ(layer_->channel_binding("tls-exporter"), "");
  EXPECT_EQ(layer_->channel_binding("tls-server-end-point"), "");
  EXPECT_EQ(layer_->channel_binding("tls-unique"), "");
  EXPECT_EQ(layer_->heap_bytes(), at_rest);
}

TEST_P(TlsRecordLayerTest, RefusesSecretsOfAnotherLength) {
  const std::string secret(aead_secret_bytes(GetParam()) - 1, 'c');
  TlsTakeover takeover;
  takeover.suite = GetParam();
  takeover.client_secret = as_bytes(secret);
  takeover.server_secret = as_bytes(secret);
  EXPECT_EQ(TlsRecordLayer::create(*scratch_, takeover), nullptr);
}

}  // namespace
}  // namespace rookery::tls_test
