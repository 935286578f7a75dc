// The gate before OpenSSL: what it lets through, what it holds back, what it refuses.
#include "transport/client_hello_gate.h"

#include <gtest/gtest.h>

#include <string>

namespace rookery {
namespace {

using Verdict = ClientHelloGate::Verdict;

std::string record(int type, const std::string& content) {
  return std::string{static_cast<char>(type), 3, 1, static_cast<char>(content.size() >> 8),
                     static_cast<char>(content.size())} +
         content;
}
std::string hello(std::size_t size) {
  return std::string{1, static_cast<char>(size >> 16), static_cast<char>(size >> 8),
                     static_cast<char>(size)} +
         std::string(size, 'h');
}

TEST(ClientHelloGate, PassesWhenTheHelloIsComplete) {
  ClientHelloGate gate;
  const std::string wire = record(22, hello(300));
  for (std::size_t at = 0; at + 1 < wire.size(); ++at) {
    ASSERT_EQ(gate.feed(std::string_view(wire).substr(at, 1), false), Verdict::incomplete);
  }
  EXPECT_EQ(gate.feed(std::string_view(wire).substr(wire.size() - 1), false), Verdict::pass);
}

TEST(ClientHelloGate, ReadsAcrossRecords) {
  ClientHelloGate gate;
  const std::string message = hello(16384);
  EXPECT_EQ(gate.feed(record(22, message.substr(0, 2)), false), Verdict::incomplete);
  EXPECT_EQ(gate.feed(record(22, ""), false), Verdict::incomplete);
  EXPECT_EQ(gate.feed(record(22, message.substr(2, 16000)), false), Verdict::incomplete);
  EXPECT_EQ(gate.feed(record(22, message.substr(16002)), false), Verdict::pass);
}

TEST(ClientHelloGate, RefusesAnOversizedHelloAtOnce) {
  EXPECT_EQ(ClientHelloGate().feed(record(22, hello(16385).substr(0, 4)), false),
            Verdict::oversized);
  EXPECT_EQ(ClientHelloGate().feed(record(22, std::string{1, 1, 0, 0}), false), Verdict::oversized);
}

TEST(ClientHelloGate, LeavesAHandshakeThatIsNoHelloToOpenSsl) {
  EXPECT_EQ(ClientHelloGate().feed(record(22, std::string{2}), false), Verdict::pass);
}

TEST(ClientHelloGate, RefusesWhatIsNoHandshakeAtItsFirstByte) {
  EXPECT_EQ(ClientHelloGate().feed("G", false), Verdict::foreign);
  EXPECT_EQ(ClientHelloGate().feed(record(21, "xx"), false), Verdict::foreign);
  EXPECT_EQ(ClientHelloGate().feed(record(23, "xx"), false), Verdict::foreign);
  ClientHelloGate late;
  EXPECT_EQ(late.feed(record(22, hello(300).substr(0, 10)), false), Verdict::incomplete);
  EXPECT_EQ(late.feed("\x17", false), Verdict::foreign);
}

TEST(ClientHelloGate, WatchesTheSecondHelloBehindAChangeCipherSpec) {
  ClientHelloGate gate;
  EXPECT_EQ(gate.feed(record(22, hello(300)) + record(20, "\1"), false), Verdict::pass);
  EXPECT_EQ(gate.feed(record(22, hello(300)), false), Verdict::pass);
  EXPECT_EQ(gate.feed(record(22, hello(20000).substr(0, 4)), false), Verdict::oversized);
}

TEST(ClientHelloGate, StopsWhereTls12BeginsToEncrypt) {
  ClientHelloGate gate;
  EXPECT_EQ(gate.feed(record(22, hello(300)), false), Verdict::pass);
  EXPECT_EQ(gate.feed(record(22, std::string{16, 0, 0, 1, 'k'}) + record(20, "\1"), true),
            Verdict::pass);
  // An encrypted Finished whose first bytes happen to look like an oversized hello.
  EXPECT_EQ(gate.feed(record(22, std::string{1, 1, 1, 1}), true), Verdict::pass);
}

}  // namespace
}  // namespace rookery
