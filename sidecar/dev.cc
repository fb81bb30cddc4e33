#include "sidecar/dev.h"

#include <unistd.h>

#include <chrono>
#include <cstdlib>

#include "server/base/log.h"
#include "sidecar/bootstrap.h"

namespace tidegate::sidecar {
namespace {

constexpr char kTopic[] = "demo";
constexpr char kDemoKey[] = "demo-key-of-the-playground";
constexpr auto kInterval = std::chrono::seconds(1);

constexpr char kApis[] = R"(kind: Api
name: clock
displayName: Clock
type: message
listeners: [{path: /clock}]
entrypoints: [sse, websocket, httpGet: {messagesLimitDuration: 2s}, httpPost]
endpointGroups:
  - name: default
    endpoints: [{name: mock, mock: {messageContent: tick}}]
plans: [{name: open, keyless: {}}]
---
kind: Api
name: demo
displayName: Demo
type: message
listeners: [{path: /demo}]
entrypoints:
  - sse: {metadataAsComment: true}
    qos: at-least-once
  - websocket
  - httpGet: {messagesLimitCount: 5, messagesLimitDuration: 3s}
    qos: at-least-once
  - httpPost
endpointGroups:
  - name: default
    endpoints:
      - name: kafka
        kafka:
          bootstrapServers: [@BOOTSTRAP@]
          producer: {topics: [demo]}
          consumer: {topics: [demo], autoOffsetReset: latest}
plans:
  - {name: partners, apiKey: {}}
---
kind: Application
name: playground
---
kind: Subscription
name: playground-demo
api: demo
plan: partners
application: playground
apiKeys: [{name: main, key: @KEY@}]
)";

constexpr char kWelcome[] = R"(
Tidegate is ready. Try, in another terminal:

  curl -N -H 'Accept: text/event-stream' http://@HTTP@/clock
  curl -H 'Accept: application/json' 'http://@HTTP@/clock?limit=2'

The demo API reads and writes topic "demo" of the embedded Kafka, behind an API key:

  curl -N -H 'Accept: text/event-stream' -H 'X-Gravitee-Api-Key: @KEY@' http://@HTTP@/demo
  curl -d hello -H 'X-Gravitee-Api-Key: @KEY@' http://@HTTP@/demo
  curl -H 'Accept: application/json' 'http://@HTTP@/demo?api-key=@KEY@'
  /usr/bin/python3 -m websockets 'ws://@HTTP@/demo?api-key=@KEY@'
  kcat -b @BOOTSTRAP@ -C -t demo

Manage and watch it:

  @BIN@/ctl/tidegatectl --server @ADMIN@ get api
  curl http://@OPERATIONS@/metrics

Ctrl-C ends it; nothing is kept.
)";

std::string Replace(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
    text.replace(at, from.size(), to);
    at += to.size();
  }
  return text;
}

std::string OwnFolder() {
  char path[4096];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof path);
  const std::string full(path, size > 0 ? static_cast<std::size_t>(size) : 0);
  const std::size_t slash = full.rfind('/');
  return slash == std::string::npos ? "." : full.substr(0, slash);
}

}  // namespace

StatusOr<std::unique_ptr<DevPlayground>> DevPlayground::Start() {
  kafka::DevCluster::Topic topic;
  topic.name = kTopic;
  topic.partitions = 3;
  TG_ASSIGN_OR_RETURN(auto cluster, kafka::DevCluster::Start(1, {topic}));
  return std::unique_ptr<DevPlayground>(new DevPlayground(std::move(cluster)));
}

DevPlayground::DevPlayground(std::unique_ptr<kafka::DevCluster> cluster)
    : cluster_(std::move(cluster)), producer_([this] { ProduceLoop(); }) {}

DevPlayground::~DevPlayground() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  producer_.join();
}

void DevPlayground::ProduceLoop() {
  std::unique_lock lock(mutex_);
  for (std::uint64_t n = 1; !stopping_; ++n) {
    lock.unlock();
    const std::string value = "{\"order\":" + std::to_string(n) + ",\"item\":\"tide table\"}";
    const Status status = cluster_->Produce(kTopic, "order-" + std::to_string(n), value);
    if (!status.ok()) Log(LogLevel::kWarn, "dev.produce_failed", {{"cause", MessageOf(status)}});
    lock.lock();
    wake_.wait_for(lock, kInterval, [this] { return stopping_; });
  }
}

std::string DevPlayground::Definitions() const {
  return Replace(Replace(kApis, "@BOOTSTRAP@", "\"" + cluster_->bootstrap() + "\""), "@KEY@",
                 kDemoKey);
}

std::string DevPlayground::Welcome(const BoundAddresses& addresses) const {
  std::string text = Replace(kWelcome, "@HTTP@", addresses.http.front());
  text = Replace(text, "@KEY@", kDemoKey);
  text = Replace(text, "@BOOTSTRAP@", cluster_->bootstrap());
  text = Replace(text, "@ADMIN@", addresses.admin.front());
  text = Replace(text, "@BIN@", OwnFolder());
  return Replace(text, "@OPERATIONS@", addresses.operations);
}

Options DevDefaults(Options options) {
  if (!options.config.empty()) return options;
  if (options.http.empty()) {
    HttpFlag http;
    http.address = "127.0.0.1:19080";
    options.http.push_back(http);
  }
  if (!options.operations) options.operations = "127.0.0.1:19091";
  if (!options.state) options.state = "none";
  if (options.admin.empty()) {
    // Without root, /run is not writable: a folder of the user's own then.
    const char* runtime = std::getenv("XDG_RUNTIME_DIR");
    const bool usable = geteuid() == 0 || (runtime != nullptr && access(runtime, W_OK) == 0);
    options.admin.push_back(
        "unix:" + (usable ? DefaultAdminSocket()
                          : "/tmp/tidegate-" + std::to_string(getuid()) + "/admin.sock"));
  }
  return options;
}

}  // namespace tidegate::sidecar
