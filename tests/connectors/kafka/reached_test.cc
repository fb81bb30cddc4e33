// A log that ends in what is no message: a reader knows that it has reached the end.
#include <gmock/gmock.h>
#include <librdkafka/rdkafka.h>

#include <array>
#include <boost/asio/use_future.hpp>

#include "tests/connectors/kafka/broker_fixture.h"

namespace tidegate::kafka {
namespace {

// Writes `content` in a transaction, which leaves a control record behind it.
void WriteInTransaction(const std::string& topic, const std::string& content) {
  std::array<char, 256> text{};
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  const std::string bootstrap = BrokerTest::Address("");
  for (const auto& [name, value] : {std::pair("bootstrap.servers", bootstrap.c_str()),
                                    std::pair("transactional.id", topic.c_str())}) {
    ASSERT_EQ(rd_kafka_conf_set(conf, name, value, text.data(), text.size()), RD_KAFKA_CONF_OK);
  }
  rd_kafka_t* rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text.data(), text.size());
  ASSERT_NE(rk, nullptr) << text.data();
  const auto check = [](rd_kafka_error_t* error) {
    if (error == nullptr) return;
    ADD_FAILURE() << rd_kafka_error_string(error);
    rd_kafka_error_destroy(error);
  };
  check(rd_kafka_init_transactions(rk, 30'000));
  check(rd_kafka_begin_transaction(rk));
  EXPECT_EQ(rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic.c_str()),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                              RD_KAFKA_V_VALUE(const_cast<char*>(content.data()),  // NOLINT
                                               content.size()),
                              RD_KAFKA_V_END),
            RD_KAFKA_RESP_ERR_NO_ERROR);
  check(rd_kafka_commit_transaction(rk, 30'000));
  rd_kafka_destroy(rk);
}

Task<void> ReadNothing(connectors::Source& source) {
  connectors::MessageBatch batch;
  batch.Reserve(16);
  const auto taken = co_await source.Next(batch, 16);
  EXPECT_FALSE(taken.ok());  // ends when the source is closed
}

Task<connectors::Position> LookAt(connectors::Source& source) {
  const auto reached = source.Reached();
  co_return reached ? *reached : connectors::Position();
}

class Reached : public BrokerTest {};

TEST_F(Reached, TheEndOfALogThatEndsInAControlRecord) {
  const std::string topic = NewTopic("reached");
  WriteInTransaction(topic, "one");
  auto connector = MakeOn("", Both("protocol: plaintext", topic));
  ASSERT_NE(connector, nullptr);
  auto source = Open(*connector, connectors::SourceSpec());
  ASSERT_TRUE(source.ok()) << MessageOf(source.status());
  const auto got = Read(**source, 1);
  ASSERT_TRUE(got.ok()) << MessageOf(got.status());
  EXPECT_EQ((*got)[0].content, "one");
  const auto high = (*source)->HighWatermark();
  ASSERT_TRUE(high.has_value());
  EXPECT_EQ(high->Format(), topic + "@0#1");  // the control record
  net::Worker& on = worker();
  auto waits = asio::co_spawn(on.executor(), ReadNothing(**source), asio::use_future);
  const TimePoint end = Clock::now() + std::chrono::seconds(30);
  bool reached = false;
  while (!reached && Clock::now() < end) {
    Await(on, on.wheel().Sleep(std::chrono::milliseconds(100)));
    reached = Await(on, LookAt(**source)).Covers(*high);
  }
  EXPECT_TRUE(reached);
  Close(std::move(*source));
  waits.get();
}

}  // namespace
}  // namespace tidegate::kafka
