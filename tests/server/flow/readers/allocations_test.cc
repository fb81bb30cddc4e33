// What a delivery costs in allocations, counted: one frame per message whatever the number of
// consumers, and nothing per delivery.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "server/flow/stream_session.h"
#include "tests/server/flow/readers/fakes.h"

namespace {
std::size_t allocations = 0;
}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
// g++ 12 inlines these and not the one above: it takes the two for strangers.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace tidegate::flow {
namespace {

// A stream that takes everything and keeps nothing.
class Sink final : public net::ByteStream {
 public:
  Task<net::IoResult> ReadSome(std::span<char>) override { co_return net::IoResult(); }
  Task<ErrorCode> WaitReadable() override { co_return ErrorCode(); }
  void CancelRead() override {}
  Task<ErrorCode> WriteAll(std::span<const asio::const_buffer>) override { co_return ErrorCode(); }
  std::size_t TryWrite(std::span<const asio::const_buffer> buffers, ErrorCode&) override {
    ++writes;
    std::size_t total = 0;
    for (const asio::const_buffer& buffer : buffers) total += buffer.size();
    bytes += total;
    return total;
  }
  void NotifyWritable(net::WritableListener&) override {}
  void ShutdownWrite() override {}
  void Close() override {}
  const net::Peer& peer() const override { return peer_; }
  std::size_t writes = 0;
  std::size_t bytes = 0;

 private:
  net::Peer peer_;
};

TEST(Allocations, a_delivery_allocates_nothing) {
  Bench bench;
  constexpr std::size_t kConsumers = 50;
  std::vector<std::unique_ptr<Sink>> sinks;
  std::vector<std::unique_ptr<StreamSession>> sessions;
  std::vector<AttachmentPtr> seats;
  struct Local {
    static Task<void> Run(Bench& bench, StreamSession& session, AttachmentPtr& seat) {
      auto result = co_await bench.hub->Attach(bench.connector,
                                               bench.Spec(connectors::Qos::kAtLeastOnce), session,
                                               bench.pool.at(0));
      if (result.ok()) seat = std::move(*result);
      session.SetAttachment(seat.get());
    }
  };
  seats.resize(kConsumers);
  for (std::size_t i = 0; i < kConsumers; ++i) {
    StreamOptions options;
    options.encoder = bench.encoder;
    options.coalesce = std::chrono::milliseconds(0);
    sinks.push_back(std::make_unique<Sink>());
    sessions.push_back(std::make_unique<StreamSession>(*sinks.back(), bench.pool.at(0),
                                                       std::move(options)));
    bench.pool.at(0).Spawn("attach", Local::Run(bench, *sessions.back(), seats[i]));
  }
  bench.Turn();
  const std::string text(256, 'x');
  const auto round = [&](int messages) {
    for (int i = 0; i < messages; ++i) bench.log.Append(0, text);
    const std::size_t before = allocations;
    bench.Turn();
    return allocations - before;
  };
  // Until the ring is full and everything has grown: then nothing grows any more.
  for (int i = 0; i < 1200; ++i) round(14);
  const std::size_t used = round(700);  // a hundred batches of seven
  // A frame per message; per batch what Asio and the fakes need. Nothing per consumer.
  EXPECT_LE(used, 700u + 100u * 8u);
  EXPECT_EQ(sessions.front()->frames_written(), 1200u * 14u + 700u);
  EXPECT_LE(sinks.front()->writes, 1200u * 2u + 100u);
  RecordProperty("allocations_per_700", static_cast<int>(used));
  for (AttachmentPtr& seat : seats) seat.reset();
}

}  // namespace
}  // namespace tidegate::flow
