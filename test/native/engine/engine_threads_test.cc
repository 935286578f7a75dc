// The whole engine with its real threads, sockets and stores, for what only they can show: rings
// between shards, connections that are handed over, mailboxes that store threads commit and read,
// counters read from outside, and the order of start, drain and stop. The thread sanitizer's test.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/engine.h"
#include "native/engine/engine_client.h"
#include "native/store/store_test_support.h"

namespace rookery {
namespace {

using engine_test::EngineClient;
using store_test::TemporaryFolder;

constexpr unsigned users = 6;
constexpr unsigned messages_each = 20;

std::string user_name(unsigned index) { return "u" + std::to_string(index); }

boundary::EngineConfig small_config(const std::string& folder) {
  boundary::EngineConfig config;
  config.domain = "here";
  config.data = folder;
  config.shards = 3;
  config.stores = 2;
  config.xmpp_listen = "127.0.0.1:0";
  config.starttls = boundary::Starttls::off;
  config.plain_auth_without_tls = 1;
  config.max_stanza_bytes = 65536;
  config.max_depth = 32;
  config.max_attributes = 32;
  config.unauthenticated_seconds = 60;
  config.max_unauthenticated = 100;
  config.max_unauthenticated_bytes = 16384;
  config.max_password_checks = 100;
  config.max_mailbox_messages = 10000;
  config.max_mailbox_bytes = 1u << 24;
  config.max_uncommitted_bytes = 1u << 24;
  config.max_unacknowledged_stanzas = 50;
  config.max_output_bytes = 1u << 20;
  config.resume_seconds = 60;
  config.commit_delay_us = 2000;
  return config;
}

/// An engine with accounts and a thread that takes its events and reads its counters, as the
/// control plane does.
class RunningEngine {
 public:
  explicit RunningEngine(const std::string& folder) {
    std::string error;
    engine_ = Engine::start(
        small_config(folder), [] {}, error);
    EXPECT_NE(engine_, nullptr) << error;
    if (!engine_) return;
    std::string batch;
    const ScramKeys keys = derive_scram_keys(false, "pw", "salt", 1);
    for (unsigned user = 0; user <= users; ++user) {
      const std::string name = user_name(user);
      boundary::PutAccount account;
      account.user = name;
      account.sha1_iterations = keys.iterations;
      account.sha1_salt = keys.salt;
      account.sha1_stored_key = {reinterpret_cast<const char*>(keys.stored_key.data()), 20};
      account.sha1_server_key = {reinterpret_cast<const char*>(keys.server_key.data()), 20};
      account.encode(batch);
    }
    boundary::OpenListeners{}.encode(batch);
    EXPECT_EQ(engine_->submit(batch), Engine::SubmitResult::ok);
    control_ = std::thread([this] { control(); });
    port_.wait(0);
  }
  ~RunningEngine() {
    if (engine_) stop();
  }

  [[nodiscard]] std::uint16_t port() const { return port_.load(); }

  void stop() {
    engine_->drain();
    drained_.wait(false);
    stopping_.store(true);
    control_.join();
    engine_->stop();
    engine_.reset();
  }

 private:
  void control() {
    std::string events;
    while (!stopping_.load()) {
      events.clear();
      engine_->take_events(events, 1u << 20);
      std::string_view rest = events;
      boundary::RecordHeader header;
      std::string_view record;
      while (boundary::next_record(rest, header, record)) event(record);
      EXPECT_FALSE(engine_->stats_json().empty());
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  void event(std::string_view record) {
    boundary::Listening listening;
    if (boundary::Listening::decode(record, listening)) {
      port_.store(listening.port);
      port_.notify_all();
    }
    boundary::Drained drained;
    if (boundary::Drained::decode(record, drained)) {
      drained_.store(true);
      drained_.notify_all();
    }
  }

  std::unique_ptr<Engine> engine_;
  std::thread control_;
  std::atomic<std::uint16_t> port_{0};
  std::atomic<bool> drained_{false};
  std::atomic<bool> stopping_{false};
};

// Each message once, and each sender's in the order in which it sent them.
void expect_all_in_order(const std::vector<std::string>& ids) {
  std::map<std::string, unsigned> next;
  for (const std::string& id : ids) {
    const std::size_t dash = id.find('-');
    EXPECT_EQ(id.substr(dash + 1), std::to_string(next[id.substr(0, dash)]++)) << id;
  }
  EXPECT_EQ(next.size(), users);
  EXPECT_EQ(ids.size(), users * messages_each);
}

// Writes to everybody, among them one who is away, breaks off in the middle, and takes up again.
void converse(std::uint16_t port, unsigned index) {
  EngineClient client(port, user_name(index));
  ASSERT_TRUE(client.log_in()) << client.input();
  for (unsigned number = 0; number < messages_each; ++number) {
    for (unsigned to = 0; to <= users; ++to) client.write_to(user_name(to), number);
  }
  const std::uint32_t sent = 1 + messages_each * (users + 1);
  EXPECT_TRUE(client.accepted(sent));
  client.messages(messages_each);
  client.cut();
  ASSERT_TRUE(client.resume()) << client.input();
  expect_all_in_order(client.messages(users * messages_each));
}

TEST(EngineThreads, MessagesArriveOnceInOrderAlsoAfterARestart) {
  const TemporaryFolder folder;
  {
    RunningEngine engine(folder.path());
    std::vector<std::thread> clients;
    for (unsigned index = 0; index < users; ++index) {
      clients.emplace_back([&engine, index] { converse(engine.port(), index); });
    }
    for (std::thread& client : clients) client.join();
  }
  RunningEngine engine(folder.path());
  EngineClient away(engine.port(), user_name(users));
  ASSERT_TRUE(away.log_in()) << away.input();
  expect_all_in_order(away.messages(users * messages_each));
}

}  // namespace
}  // namespace rookery
