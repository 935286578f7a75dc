// The records that cross to TypeScript: every one against the shared vectors, the walk over a
// batch, what malformed records get, and the route of commands.
#include "boundary/boundary.gen.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>
#include <string_view>

#include "native/support/source_folder.h"

namespace rookery::boundary {
namespace {

std::string from_hex(std::string_view hex) {
  std::string out;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
    out.push_back(static_cast<char>(std::stoi(std::string(hex.substr(at, 2)), nullptr, 16)));
  }
  return out;
}

/// Name to bytes. They are read from the file that the tests of the other side read too.
const std::map<std::string, std::string>& vectors() {
  static const auto loaded = [] {
    std::map<std::string, std::string> out;
    std::ifstream file(test::source_path("test/native/boundary/vectors.gen.txt"));
    std::string name;
    std::string hex;
    while (file >> name) {
      if (name.front() == '#') {
        std::getline(file, hex);
      } else if (file >> hex) {
        out[name] = from_hex(hex);
      }
    }
    return out;
  }();
  return loaded;
}

/// Decodes the vector, encodes it again, and tries every truncation and a longer record.
template <typename Record>
void check_vector(const std::string& name, std::uint16_t shard) {
  SCOPED_TRACE(name);
  ASSERT_TRUE(vectors().contains(name));
  const std::string& bytes = vectors().at(name);
  Record record;
  ASSERT_TRUE(Record::decode(bytes, record));
  std::string again;
  record.encode(again, shard);
  EXPECT_EQ(again, bytes);
  Record ignored;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    std::string shorter = bytes.substr(0, size);
    EXPECT_FALSE(Record::decode(shorter, ignored)) << size;
    // The same with a header that tells the truth about the shorter record.
    if (size < record_header_bytes || size % record_alignment_bytes != 0) continue;
    const auto claimed = static_cast<std::uint32_t>(size);
    std::memcpy(shorter.data(), &claimed, sizeof claimed);
    EXPECT_FALSE(Record::decode(shorter, ignored)) << size;
  }
  std::string longer = bytes + std::string(record_alignment_bytes, '\0');
  const auto claimed = static_cast<std::uint32_t>(longer.size());
  std::memcpy(longer.data(), &claimed, sizeof claimed);
  EXPECT_FALSE(Record::decode(longer, ignored));
}

TEST(BoundaryVectors, ConfigAndCommands) {
  check_vector<EngineConfig>("EngineConfig", 0);
  check_vector<PutAccount>("PutAccount", 0);
  check_vector<RemoveAccount>("RemoveAccount", 0);
  check_vector<PutContact>("PutContact", 0);
  check_vector<PutBlockList>("PutBlockList", 0);
  check_vector<SendToUser>("SendToUser", 0);
  check_vector<SendToConnection>("SendToConnection", 0);
  check_vector<RouteStanza>("RouteStanza", 0);
  check_vector<MarkInterested>("MarkInterested", 0);
  check_vector<CloseSessions>("CloseSessions", 0);
  check_vector<AuthReply>("AuthReply", 0);
  check_vector<OpenListeners>("OpenListeners", 0);
  check_vector<SetCaps>("SetCaps", 0);
  check_vector<ReloadTls>("ReloadTls", 0);
  check_vector<SetLimits>("SetLimits", 0);
}

TEST(BoundaryVectors, Events) {
  check_vector<IqRequest>("IqRequest", 3);
  check_vector<SubscriptionStanza>("SubscriptionStanza", 3);
  check_vector<SessionAvailable>("SessionAvailable", 3);
  check_vector<SessionEnded>("SessionEnded", 3);
  check_vector<RegisterRequest>("RegisterRequest", 3);
  check_vector<AuthRequest>("AuthRequest", 3);
  check_vector<Log>("Log", 3);
  check_vector<Listening>("Listening", 3);
  check_vector<Started>("Started", 3);
  check_vector<Drained>("Drained", 3);
}

TEST(BoundaryVectors, ValuesAreThoseOfTheRule) {
  SendToUser send;
  ASSERT_TRUE(SendToUser::decode(vectors().at("SendToUser"), send));
  EXPECT_EQ(send.user, "user é 🐦");
  EXPECT_EQ(send.audience, Audience::all);
  EXPECT_EQ(send.session, 0x8000000000000003ull);
  EXPECT_EQ(send.stanza, "stanza é 🐦");
  Listening listening;
  ASSERT_TRUE(Listening::decode(vectors().at("Listening"), listening));
  EXPECT_EQ(listening.port, 0x0104);
  PutAccount put;
  ASSERT_TRUE(PutAccount::decode(vectors().at("PutAccount"), put));
  EXPECT_EQ(put.sha1_salt, std::string_view("\x00\xff\x80\x03", 4));
}

TEST(Boundary, WalksABatch) {
  std::string batch;
  RemoveAccount{.user = "ann"}.encode(batch, 1);
  MarkInterested{.user = "bob", .session = 7}.encode(batch, 2);
  std::string_view rest = batch;
  RecordHeader header;
  std::string_view record;
  ASSERT_TRUE(next_record(rest, header, record));
  EXPECT_EQ(header.kind, static_cast<std::uint16_t>(CommandKind::remove_account));
  EXPECT_EQ(header.shard, 1);
  MarkInterested mark;
  EXPECT_FALSE(MarkInterested::decode(record, mark)) << "another kind";
  ASSERT_TRUE(next_record(rest, header, record));
  EXPECT_EQ(header.shard, 2);
  ASSERT_TRUE(MarkInterested::decode(record, mark));
  EXPECT_EQ(mark.user, "bob");
  EXPECT_EQ(mark.session, 7u);
  EXPECT_FALSE(next_record(rest, header, record));
  EXPECT_TRUE(rest.empty());
}

TEST(Boundary, MalformedBatchStopsTheWalk) {
  RecordHeader header;
  std::string_view record;
  for (const std::uint32_t claimed : {0u, 7u, 12u, 24u, 0xfffffff8u}) {
    std::string batch(16, '\0');
    std::memcpy(batch.data(), &claimed, sizeof claimed);
    std::string_view rest = batch;
    EXPECT_FALSE(next_record(rest, header, record)) << claimed;
    EXPECT_FALSE(rest.empty());
  }
}

TEST(Boundary, UnknownEnumValueIsRefused) {
  std::string bytes;
  SendToUser{.user = "ann", .audience = static_cast<Audience>(9)}.encode(bytes);
  SendToUser out;
  EXPECT_FALSE(SendToUser::decode(bytes, out));
}

template <typename Command>
Route route_of(const Command& command) {
  std::string bytes;
  command.encode(bytes);
  Route out;
  EXPECT_TRUE(route(bytes, out));
  out.user = std::string_view();  // It points into `bytes`, which ends here.
  return out;
}

std::string routed_user(std::string_view to) {
  std::string bytes;
  RouteStanza{.to = to}.encode(bytes);
  Route out;
  EXPECT_TRUE(route(bytes, out));
  EXPECT_EQ(out.by, RouteBy::to);
  return std::string(out.user);
}

TEST(Boundary, Routes) {
  std::string bytes;
  PutAccount{.user = "ann"}.encode(bytes);
  Route out;
  ASSERT_TRUE(route(bytes, out));
  EXPECT_EQ(out.by, RouteBy::user);
  EXPECT_EQ(out.user, "ann");
  EXPECT_EQ(route_of(AuthReply{.connection = 42}).by, RouteBy::handle);
  EXPECT_EQ(route_of(AuthReply{.connection = 42}).handle, 42u);
  EXPECT_EQ(route_of(ReloadTls{}).by, RouteBy::all);
  EXPECT_EQ(routed_user("ann@example.org"), "ann");
  EXPECT_EQ(routed_user("ann@example.org/a@b"), "ann");
  EXPECT_EQ(routed_user("example.org/a@b"), "");
  EXPECT_EQ(routed_user("example.org"), "");
}

TEST(Boundary, RouteOfMalformedCommands) {
  Route out;
  EXPECT_FALSE(route("", out));
  std::string unknown;
  RecordEncoder(unknown, 999, 0).finish();
  EXPECT_FALSE(route(unknown, out));
  std::string empty;
  RecordEncoder(empty, static_cast<std::uint16_t>(CommandKind::put_account), 0).finish();
  EXPECT_FALSE(route(empty, out));
}

}  // namespace
}  // namespace rookery::boundary
