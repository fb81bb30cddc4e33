// A Kafka stand-in: librdkafka's mock cluster in a process of its own, so that its CPU is pinned
// and counted apart. It is switched on by a setting; the brokers' address is asked for like any
// client would, which also creates the topics.
//
//   mock_kafka --ports-file PATH [--topic NAME]…     runs until SIGTERM
#include <librdkafka/rdkafka.h>
#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "bench/net.h"
#include "bench/options.h"

namespace tidegate::bench {
namespace {

// Asks for one topic (null: the brokers alone) and returns the first broker's address.
std::string AskMetadata(rd_kafka_t* client, rd_kafka_topic_t* topic) {
  const rd_kafka_metadata_t* metadata = nullptr;
  const auto error = rd_kafka_metadata(client, 0, topic, &metadata, 10'000);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) Fail(rd_kafka_err2str(error));
  if (metadata->broker_cnt < 1) Fail("the mock cluster has no broker");
  const std::string address = std::string(metadata->brokers[0].host) + ":" +
                              std::to_string(metadata->brokers[0].port);
  if (topic != nullptr) {
    std::fprintf(stderr, "mock_kafka: topic %s, partitions %d\n", rd_kafka_topic_name(topic),
                 metadata->topics[0].partition_cnt);
  }
  rd_kafka_metadata_destroy(metadata);
  return address;
}

int Run(int count, char** values) {
  const Options options(count, values, {"ports-file", "topic"});
  const std::string path = options.Need("ports-file");
  StopOnSignals();
  char error[512];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "test.mock.num.brokers", "1", error, sizeof error);
  // As brokers do: with Nagle an answer waits 40 ms for the delayed ACK of the one before it.
  rd_kafka_conf_set(conf, "socket.nagle.disable", "true", error, sizeof error);
  rd_kafka_conf_set(conf, "allow.auto.create.topics", "true", error, sizeof error);
  rd_kafka_t* client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
  if (client == nullptr) Fail(error);
  const std::string address = AskMetadata(client, nullptr);
  for (const auto& name : options.All("topic")) {
    rd_kafka_topic_t* topic = rd_kafka_topic_new(client, name.c_str(), nullptr);
    AskMetadata(client, topic);
    rd_kafka_topic_destroy(topic);
  }
  WriteFile(path, "{\"bootstrap\": \"" + address + "\", \"pid\": " + std::to_string(getpid()) +
                      "}");
  while (!g_stop) poll(nullptr, 0, 500);
  rd_kafka_destroy(client);
  return 0;
}

}  // namespace
}  // namespace tidegate::bench

int main(int argc, char** argv) { return tidegate::bench::Run(argc - 1, argv + 1); }
