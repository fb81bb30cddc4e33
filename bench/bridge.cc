// Mode bridge: from a Kafka topic to an HTTP publisher. It puts nchan behind the same broker as the
// gateway, so that times from produce to delivery can be compared; until SIGTERM.
#include <librdkafka/rdkafka.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "bench/modes.h"
#include "bench/net.h"
#include "bench/options.h"
#include "bench/poster.h"

namespace tidegate::bench {
namespace {

constexpr int kPollMs = 100;  // how soon a signal is seen

rd_kafka_t* MakeConsumer(const Options& options) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char error[512];
  const auto set = [&](const char* name, const std::string& value) {
    if (rd_kafka_conf_set(conf, name, value.c_str(), error, sizeof error) != RD_KAFKA_CONF_OK) {
      Fail(std::string("kafka setting: ") + error, 2);
    }
  };
  set("bootstrap.servers", options.Need("kafka"));
  set("group.id", "bench-bridge");
  set("enable.auto.commit", "false");
  set("fetch.wait.max.ms", options.Get("fetch-wait", "500"));
  rd_kafka_t* client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
  if (client == nullptr) Fail(std::string("kafka consumer: ") + error);
  rd_kafka_poll_set_consumer(client);
  rd_kafka_topic_partition_list_t* all = rd_kafka_topic_partition_list_new(4);
  const int partitions = static_cast<int>(options.Number("partitions", 4));
  for (int i = 0; i < partitions; ++i) {
    rd_kafka_topic_partition_list_add(all, options.Need("topic").c_str(), i)->offset =
        RD_KAFKA_OFFSET_END;
  }
  if (rd_kafka_assign(client, all) != RD_KAFKA_RESP_ERR_NO_ERROR) Fail("kafka assignment");
  rd_kafka_topic_partition_list_destroy(all);
  return client;
}

}  // namespace

int RunBridge(int count, char** values) {
  const Options options(count, values, {"kafka", "topic", "partitions", "fetch-wait", "url"});
  Poster poster(options.Need("url"), {});
  rd_kafka_t* client = MakeConsumer(options);
  std::int64_t refused = 0;
  while (!g_stop) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(client, kPollMs);
    if (message == nullptr) continue;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      refused += !poster.Post({static_cast<const char*>(message->payload), message->len});
    } else {
      std::fprintf(stderr, "bench: kafka: %s\n", rd_kafka_message_errstr(message));
    }
    rd_kafka_message_destroy(message);
  }
  rd_kafka_consumer_close(client);
  rd_kafka_destroy(client);
  return refused > 0 ? 1 : 0;
}

}  // namespace tidegate::bench
