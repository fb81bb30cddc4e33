// What the conformance suite needs of a connector under test: a fresh destination, connectors on
// it, and faults. Add a connector: write a Harness, list it in an *_instances.cc.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <functional>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "connectors/api/connector.h"
#include "tests/support/fault_proxy/fault_proxy.h"

namespace tidegate::connectors::conformance {

// Runs `task` on `worker` and waits for its result.
template <typename T>
T Await(net::Worker& worker, Task<T> task) {
  std::promise<T> promise;
  asio::co_spawn(worker.executor(), std::move(task), [&promise](std::exception_ptr error, T value) {
    if (error) {
      promise.set_exception(error);
    } else {
      promise.set_value(std::move(value));
    }
  });
  return promise.get_future().get();
}
void Await(net::Worker& worker, Task<void> task);
// Runs `function` on the worker's thread.
void OnWorker(net::Worker& worker, const std::function<void()>& function);

enum class From : std::uint8_t { kEarliest, kLatest };

// Where a refused password would show.
inline constexpr std::string_view kSecret = "s3cr3t-never-to-be-seen";

class Harness {
 public:
  virtual ~Harness() = default;

  // Whether what is published comes back from sources; the suites for those that do not ask no more
  // of them (see suites.h).
  virtual bool loops() const { return true; }
  // A stand-in in this process: it keeps 8 MB at most, and its memory is not told from ours.
  virtual bool in_process() const { return false; }
  // Whether header values may be any bytes; else the broker's are UTF-8 without control characters.
  virtual bool carries_bytes() const { return true; }
  // Whether a name may stand twice among the headers; else the values come joined by ", ".
  virtual bool repeats_headers() const { return true; }

  // A destination of its own for this test, empty, with two partitions where there are such.
  virtual void Begin() = 0;
  // A connector to it. `count`: how many messages a made-up source offers (those that do not loop).
  virtual ConnectorPtr Make(net::WorkerPool& workers, From from, std::int64_t count) = 0;
  // The same with kSecret as the password, which the broker refuses.
  virtual ConnectorPtr MakeRefused(net::WorkerPool& workers);
  // At how many steps of each way a connection is cut: many where a protocol is small.
  virtual std::size_t steps_max() const { return 10; }
  // What stands between connector and broker; nullptr: nothing.
  virtual faults::FaultProxy* proxy() { return nullptr; }
  // The broker goes away without a word, and comes back with its data.
  virtual void Cut();
  virtual void Restore();
  // Everything that connectors have opened is closed (after they are gone).
  virtual bool Settle() { return true; }
};

// For brokers that can stand behind a proxy: those whose clients stay at the address they were
// given.
class ProxiedHarness : public Harness {
 public:
  faults::FaultProxy* proxy() override { return proxy_.get(); }

 protected:
  // `variable` holds HOST:PORT; fails the test, naming the script that starts the broker, when it
  // is not set.
  void StartProxy(const char* variable, const std::string& script);
  // What connectors dial.
  std::string host() const { return "127.0.0.1"; }
  std::uint16_t port() const { return proxy_->port(); }

 private:
  std::unique_ptr<faults::FaultProxy> proxy_;
};

using HarnessPtr = std::unique_ptr<Harness>;
struct Kind {
  std::string name;
  HarnessPtr (*make)();
};

// What of a message outlives its batch.
struct Got {
  std::string content;
  bool has_content = true;
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t offset = -1;
  bool redelivered = false;
  std::vector<std::pair<std::string, std::string>> headers;
};
using Contents = std::multiset<std::string>;
Contents ContentsOf(const std::vector<Got>& messages);
Contents Numbered(int first, int count);  // "m<first>" …

// Reads on in the background until it is closed, acknowledging what it gets.
class Pump {
 public:
  Pump(SourcePtr source, net::Worker& worker);
  ~Pump() { Close(); }
  Contents seen();
  // Whether `done` came true within the time.
  bool WaitFor(const std::function<bool(const Contents&)>& done, std::chrono::seconds limit);
  void Close();

 private:
  struct State {
    SourcePtr source;
    Contents seen;
    std::promise<void> ended;
  };
  static Task<void> Run(std::shared_ptr<State> state);
  net::Worker& worker_;
  std::shared_ptr<State> state_;
};

class ConformanceTest : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override;
  void TearDown() override;

  net::Worker& worker(std::size_t i = 0) { return workers_->at(i); }
  Share share() const {
    return connector_->capabilities().private_only ? Share::kPrivate : Share::kEach;
  }
  bool recover() const { return connector_->capabilities().recover; }
  void Connect(From from, std::int64_t count = 0);
  // Ends the connector as a stopping gateway does.
  void Disconnect();

  SourceSpec Spec() const;
  SourceSpec After(const Position& position) const;
  SourceSpec Member(Qos qos) const;
  StatusOr<SourcePtr> Open(SourceSpec spec, std::size_t worker = 0);
  // A source that is going to see m0 … m<count-1>: brokers without RECOVER keep nothing for those
  // who come later, so there it is opened first.
  StatusOr<SourcePtr> OpenFilled(SourceSpec spec, int count, std::size_t worker = 0);
  // Takes messages, at most `demand` a time, until `count` are there; acknowledges where it can.
  // Fails when they have not come after 30 s.
  StatusOr<std::vector<Got>> Take(Source& source, std::size_t count, std::uint32_t demand = 16,
                                  bool ack = true);
  void Close(SourcePtr& source, std::size_t worker = 0);
  PublishResult Publish(const OutMessage& message, std::size_t worker = 0,
                        std::chrono::milliseconds patience = std::chrono::seconds(10));
  PublishResult Publish(const std::string& content,
                        std::chrono::milliseconds patience = std::chrono::seconds(10));
  // Messages "m0" …; each must be confirmed.
  void Fill(int count, int first = 0);
  std::int64_t Total(const Position& position) const;  // messages up to it

  HarnessPtr harness_;
  std::unique_ptr<net::WorkerPool> workers_;
  ConnectorPtr connector_;
  std::string group_;
};

}  // namespace tidegate::connectors::conformance
