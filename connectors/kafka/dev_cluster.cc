#include "connectors/kafka/dev_cluster.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <array>

namespace tidegate::kafka {
namespace {

constexpr int kProduceTimeoutMs = 10'000;

void Quiet(const rd_kafka_t*, int, const char*, const char*) {}

rd_kafka_t* NewProducer(const std::string& bootstrap) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  std::array<char, 256> text{};
  if (!bootstrap.empty()) {
    rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap.c_str(), text.data(), text.size());
  }
  rd_kafka_conf_set(conf, "linger.ms", "0", text.data(), text.size());
  // The embedded brokers take it over: with Nagle an answer waits for a delayed ACK, 40 ms.
  rd_kafka_conf_set(conf, "socket.nagle.disable", "true", text.data(), text.size());
  rd_kafka_conf_set_log_cb(conf, Quiet);
  rd_kafka_t* rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text.data(), text.size());
  if (rk == nullptr) rd_kafka_conf_destroy(conf);
  return rk;
}

}  // namespace

struct DevCluster::Impl {
  rd_kafka_t* host = nullptr;      // the mock lives on a client of its own
  rd_kafka_mock_cluster_t* cluster = nullptr;
  rd_kafka_t* producer = nullptr;  // of Produce, made at first use

  ~Impl() {
    if (producer != nullptr) {
      rd_kafka_purge(producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
      rd_kafka_destroy(producer);
    }
    if (cluster != nullptr) rd_kafka_mock_cluster_destroy(cluster);
    if (host != nullptr) rd_kafka_destroy(host);
  }
};

DevCluster::DevCluster(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DevCluster::~DevCluster() = default;

StatusOr<std::unique_ptr<DevCluster>> DevCluster::Start(int brokers,
                                                        const std::vector<Topic>& topics) {
  auto impl = std::make_unique<Impl>();
  impl->host = NewProducer("");
  if (impl->host != nullptr) impl->cluster = rd_kafka_mock_cluster_new(impl->host, brokers);
  if (impl->cluster == nullptr) return Unavailable("start embedded kafka: the library cannot");
  std::unique_ptr<DevCluster> made(new DevCluster(std::move(impl)));
  for (const Topic& topic : topics) {
    TG_RETURN_IF_ERROR(made->CreateTopic(topic.name, topic.partitions));
  }
  return made;
}

std::string DevCluster::bootstrap() const {
  return rd_kafka_mock_cluster_bootstraps(impl_->cluster);
}

Status DevCluster::CreateTopic(const std::string& name, int partitions) {
  if (rd_kafka_mock_topic_create(impl_->cluster, name.c_str(), partitions, 1) !=
      RD_KAFKA_RESP_ERR_NO_ERROR) {
    return AlreadyExists("create topic " + name + " in the embedded kafka: it exists");
  }
  return OkStatus();
}

Status DevCluster::Produce(const std::string& topic, std::string_view key, std::string_view value,
                           int partition) {
  if (impl_->producer == nullptr) impl_->producer = NewProducer(bootstrap());
  const rd_kafka_resp_err_t code = rd_kafka_producev(
      impl_->producer, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(partition),
      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
      RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),  // NOLINT: copied
      RD_KAFKA_V_KEY(key.data(), key.size()), RD_KAFKA_V_END);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR ||
      rd_kafka_flush(impl_->producer, kProduceTimeoutMs) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Unavailable("produce to the embedded kafka: refused");
  }
  return OkStatus();
}

void DevCluster::SetDown(int broker) { rd_kafka_mock_broker_set_down(impl_->cluster, broker); }
void DevCluster::SetUp(int broker) { rd_kafka_mock_broker_set_up(impl_->cluster, broker); }

void DevCluster::SetRoundTrip(int broker, std::chrono::milliseconds delay) {
  rd_kafka_mock_broker_set_rtt(impl_->cluster, broker, static_cast<int>(delay.count()));
}

void DevCluster::FailNext(int api_key, int code, int times) {
  std::vector<rd_kafka_resp_err_t> codes(static_cast<std::size_t>(times),
                                         static_cast<rd_kafka_resp_err_t>(code));
  rd_kafka_mock_push_request_errors_array(impl_->cluster, static_cast<std::int16_t>(api_key),
                                          codes.size(), codes.data());
}

}  // namespace tidegate::kafka
