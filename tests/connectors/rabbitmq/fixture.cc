#include "tests/connectors/rabbitmq/fixture.h"

#include <array>
#include <cstdio>
#include <cstdlib>

#include "connectors/rabbitmq/factory.h"
#include "server/base/codec.h"

namespace tidegate::rabbitmq {

using connectors::MessageBatch;
using connectors::OutMessage;
using connectors::PublishResult;
using connectors::Qos;
using connectors::SourcePtr;
using connectors::SourceSpec;

void Await(net::Worker& worker, Task<void> task) {
  std::promise<void> promise;
  asio::co_spawn(worker.executor(), std::move(task),
                 [&promise](std::exception_ptr) { promise.set_value(); });
  promise.get_future().get();
}

namespace {

Task<PublishResult> PublishOn(connectors::Connector& connector, net::Worker& worker,
                              OutMessage message, TimePoint deadline) {
  auto sink = connector.SinkFor(worker);
  if (!sink.ok()) co_return PublishResult(connectors::Outcome::kNo, sink.status());
  co_return co_await (*sink)->Publish(message, deadline);
}

Task<StatusOr<std::vector<Got>>> ReadOn(connectors::Source& source, std::size_t count, bool ack,
                                        std::uint32_t demand) {
  std::vector<Got> all;
  MessageBatch batch;
  while (all.size() < count) {
    batch.Clear();
    const auto left = static_cast<std::uint32_t>(count - all.size());
    auto taken = co_await source.Next(batch, std::min(left, demand));
    if (!taken.ok()) co_return taken.status();
    for (connectors::Message& message : batch) {
      Got& got = all.emplace_back();
      got.content = std::string(message.content);
      got.redelivered = message.redelivered;
      for (const auto& field : message.headers) {
        got.headers.emplace_back(std::string(field.name), std::string(field.value));
      }
      for (const auto& entry : message.metadata) {
        got.metadata.emplace_back(entry.name, entry.value);
      }
      if (ack) {
        message.ack.Done();
      } else {
        got.ack = std::move(message.ack);
      }
    }
  }
  co_return std::move(all);
}

int PortOf(const char* address) {
  const std::string text(address);
  return std::stoi(text.substr(text.rfind(':') + 1));
}

}  // namespace

std::string Got::Metadata(std::string_view name) const {
  for (const auto& [key, value] : metadata) {
    if (key == name) return value;
  }
  return "(absent)";
}

void BrokerTest::SetUp() {
  const char* plain = std::getenv("TIDEGATE_TEST_RABBITMQ");
  const char* tls = std::getenv("TIDEGATE_TEST_RABBITMQ_TLS");
  const char* directory = std::getenv("TIDEGATE_TEST_RABBITMQ_DIR");
  ASSERT_TRUE(plain != nullptr && tls != nullptr && directory != nullptr)
      << "TIDEGATE_TEST_RABBITMQ, …_TLS and …_DIR are not set: start a broker with "
         "tests/support/rabbitmq/start_rabbitmq.sh, or run tests/run.sh";
  host_ = "127.0.0.1";
  port_ = PortOf(plain);
  tls_port_ = PortOf(tls);
  directory_ = directory;
  name_ = "test-" + RandomToken(6);
  workers_ = std::make_unique<net::WorkerPool>(2);
  workers_->Start();
}

void BrokerTest::TearDown() {
  if (!workers_) return;
  for (const auto& weak : made_) EXPECT_TRUE(weak.expired()) << "a connector was kept";
  // Sinks that their connectors have left behind close on their workers.
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < workers_->size(); ++i) {
      Await(worker(i), worker(i).wheel().Sleep(std::chrono::milliseconds(1)));
    }
  }
  workers_->Stop();
  workers_.reset();
}

BrokerTest::Settings BrokerTest::Base() const {
  Settings settings;
  settings.set_server_host(host_);
  settings.set_server_port(port_);
  settings.mutable_security()->mutable_auth()->set_username("guest");
  settings.mutable_security()->mutable_auth()->mutable_password()->set_text("guest");
  config::v1::Exchange* exchange = settings.mutable_producer()->mutable_exchange();
  exchange->set_name(name_);
  exchange->set_type(config::v1::EXCHANGE_TYPE_TOPIC);
  exchange->set_durable(false);
  *settings.mutable_consumer()->mutable_exchange() = *exchange;
  settings.mutable_producer()->set_routing_key("k");
  settings.mutable_consumer()->set_routing_key("#");
  settings.mutable_consumer()->mutable_queue()->mutable_expires()->set_seconds(60);
  return settings;
}

std::shared_ptr<connectors::Connector> BrokerTest::Make(const Settings& settings) {
  connectors::ConnectorContext context;
  context.api = "test";
  context.endpoint = "rabbit";
  context.workers = workers_.get();
  auto made = MakeRabbitmqFactory()(settings, context);
  EXPECT_TRUE(made.ok()) << MessageOf(made.status());
  if (!made.ok()) return nullptr;
  made_.push_back(*made);
  return *made;
}

PublishResult BrokerTest::Publish(connectors::Connector& connector, const OutMessage& message,
                                  std::chrono::milliseconds patience, std::size_t on) {
  return Await(worker(on), PublishOn(connector, worker(on), message, Clock::now() + patience));
}

PublishResult BrokerTest::Publish(connectors::Connector& connector, std::string_view content) {
  OutMessage message;
  message.content = content;
  return Publish(connector, message);
}

StatusOr<SourcePtr> BrokerTest::Open(connectors::Connector& connector, SourceSpec spec) {
  return Await(worker(), connector.OpenSource(std::move(spec), worker()));
}

SourceSpec BrokerTest::Member(Qos qos) const {
  SourceSpec spec;
  spec.share = connectors::Share::kGroup;
  spec.qos = qos;
  spec.group = "tidegate.test.rabbit." + name_;
  return spec;
}

SourceSpec BrokerTest::Each() const { return SourceSpec(); }

StatusOr<std::vector<Got>> BrokerTest::Read(connectors::Source& source, std::size_t count, bool ack,
                                            std::uint32_t demand) {
  std::promise<StatusOr<std::vector<Got>>> promise;
  auto future = promise.get_future();
  asio::co_spawn(worker().executor(), ReadOn(source, count, ack, demand),
                 [&promise](std::exception_ptr error, StatusOr<std::vector<Got>> value) {
                   if (error) {
                     promise.set_exception(error);
                   } else {
                     promise.set_value(std::move(value));
                   }
                 });
  // What never comes is an error of the test that waits for it, not of ctest's limit.
  if (future.wait_for(std::chrono::seconds(60)) == std::future_status::timeout) {
    Await(worker(), source.Close());
  }
  return future.get();
}

void BrokerTest::Close(SourcePtr& source) {
  Await(worker(), source->Close());
  std::promise<void> turn;
  worker().Post([&] {
    source.reset();
    turn.set_value();
  });
  turn.get_future().get();
}

std::string BrokerTest::Ctl(const std::string& arguments) {
  const std::string line =
      "tests/support/rabbitmq/ctl.sh '" + directory_ + "' " + arguments + " 2>&1";
  FILE* pipe = popen(line.c_str(), "r");
  if (pipe == nullptr) {
    ADD_FAILURE() << "no shell";
    return {};
  }
  std::string output;
  std::array<char, 4096> buffer{};
  std::size_t size = 0;
  while ((size = fread(buffer.data(), 1, buffer.size(), pipe)) > 0) {
    output.append(buffer.data(), size);
  }
  EXPECT_EQ(pclose(pipe), 0) << line << "\n" << output;
  return output;
}

void BrokerTest::Script(const std::string& line) {
  const std::string command = "tests/support/rabbitmq/" + line + " >/dev/null 2>&1";
  ASSERT_EQ(std::system(command.c_str()), 0) << line;  // NOLINT: our own scripts and words
}

}  // namespace tidegate::rabbitmq
