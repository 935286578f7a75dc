// The epoll Network seen from a client: accept, traffic, end of stream, errors, addresses.
#include "reactor/epoll_network.h"

#include "native/reactor/reactor_fixture.h"
#include "reactor/socket_address.h"

namespace rookery::test {
namespace {

constexpr std::uint64_t kListenerToken = 1;
constexpr std::uint64_t kConnectionToken = 2;

/// Runs `code` on a shard's thread, and gives it a listener on a free port.
void with_listener(const std::function<void(Network&, int, std::uint16_t)>& code) {
  const auto fabric = make_fabric(1);
  start_shard(*fabric, 0, [&](Network& network) {
    std::string error;
    const int listener = network.listen("127.0.0.1:0", kListenerToken, error);
    ASSERT_GE(listener, 0) << error;
    code(network, listener, network.local_port(listener));
  }).join();
}

TEST(EpollNetwork, AcceptsAndMovesBytesBothWays) {
  with_listener([](Network& network, int listener, std::uint16_t port) {
    EXPECT_EQ(network.accept(listener).status, AcceptStatus::none);
    const ClientSocket client(port);
    ASSERT_TRUE(client.connected());
    const Accepted accepted = accept_one(network, listener);
    EXPECT_EQ(accepted.peer.text().substr(0, 10), "127.0.0.1:");
    ASSERT_TRUE(network.watch(accepted.descriptor, kConnectionToken));

    char buffer[64];
    EXPECT_EQ(network.receive(accepted.descriptor, buffer).status, IoStatus::would_block);
    ASSERT_TRUE(client.write("to the shard"));
    bool readable = false;
    run_until(
        network,
        [&](const NetworkEvent& event) {
          EXPECT_EQ(event.token, kConnectionToken);
          readable = event.readable;
        },
        [&] { return readable; });
    const IoResult got = network.receive(accepted.descriptor, buffer);
    EXPECT_EQ(std::string_view(buffer, got.bytes), "to the shard");

    EXPECT_EQ(send_text(network, accepted.descriptor, "to the client").bytes, 13u);
    EXPECT_EQ(client.read(), "to the client");
    network.close(accepted.descriptor);
    EXPECT_TRUE(client.ends(1000));
  });
}

}  // namespace
}  // namespace rookery::test
