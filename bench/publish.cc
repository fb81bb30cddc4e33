// Mode pub: messages at a rate, each with its intended time inside, so that a publisher that is
// held up is charged to whoever holds it up.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>

#include "bench/kafka_producer.h"
#include "bench/modes.h"
#include "bench/net.h"
#include "bench/options.h"
#include "bench/poster.h"
#include "bench/report.h"
#include "bench/subscribers.h"

namespace tidegate::bench {
namespace {

class Publisher {
 public:
  virtual ~Publisher() = default;
  // False when the message was refused.
  virtual bool Publish(const std::string& payload) = 0;
  virtual void Finish() {}
};

class HttpPublisher final : public Publisher {
 public:
  HttpPublisher(const std::string& url, const std::vector<std::string>& headers)
      : poster_(url, headers) {}
  bool Publish(const std::string& payload) override { return poster_.Post(payload); }

 private:
  Poster poster_;
};

class KafkaPublisher final : public Publisher {
 public:
  explicit KafkaPublisher(const ProducerSettings& settings) : producer_(settings) {
    poller_.Add(producer_.event_fd(), 0);
  }

  bool Publish(const std::string& payload) override {
    TakeReports();
    if (!producer_.Produce(payload, 0)) return false;
    ++pending_;
    return true;
  }
  void Finish() override {
    const std::int64_t give_up = NowNs() + 10 * kSecond;
    for (TakeReports(); pending_ > 0 && NowNs() < give_up; TakeReports()) poller_.Wait(give_up);
    if (failed_ + pending_ > 0) {
      Fail("kafka refused " + std::to_string(failed_) + " messages and did not confirm " +
           std::to_string(pending_));
    }
  }

 private:
  void TakeReports() {
    producer_.Poll([this](std::uint64_t, bool ok) {
      --pending_;
      failed_ += !ok;
    });
  }

  KafkaProducer producer_;
  Poller poller_;
  std::int64_t pending_ = 0;
  std::int64_t failed_ = 0;
};

std::unique_ptr<Publisher> MakePublisher(const Options& options) {
  const std::string bootstrap = options.Get("kafka", "");
  if (bootstrap.empty()) {
    return std::make_unique<HttpPublisher>(options.Need("url"), options.All("header"));
  }
  ProducerSettings settings;
  settings.bootstrap = bootstrap;
  settings.topic = options.Need("topic");
  settings.linger_ms = options.Get("linger", "0");
  settings.properties = options.All("property");
  return std::make_unique<KafkaPublisher>(settings);
}

}  // namespace

int RunPublish(int count, char** values) {
  const Options options(count, values, {"url", "header", "kafka", "topic", "linger", "property",
                                        "rate", "size", "duration", "name"});
  const auto publisher = MakePublisher(options);
  const double rate = options.Number("rate", 50);
  const auto size = static_cast<std::size_t>(options.Number("size", 256));
  if (rate <= 0) Fail("--rate needs a number above 0", 2);
  const std::string padding(size > kStampSize + 1 ? size - kStampSize - 1 : 0, 'x');
  const std::int64_t begin = NowNs();
  const auto total = static_cast<std::int64_t>(rate * options.Number("duration", 10));
  std::int64_t refused = 0, sent = 0;
  Poller clock;  // has no descriptors: a wait on time alone
  for (; sent < total && !g_stop; ++sent) {
    const auto intended = begin + static_cast<std::int64_t>(static_cast<double>(sent) * 1e9 / rate);
    while (!g_stop && NowNs() < intended) clock.Wait(intended);
    char stamp[32];
    std::snprintf(stamp, sizeof stamp, "ts=%019lld;", static_cast<long long>(intended));
    refused += !publisher->Publish(stamp + padding);
  }
  publisher->Finish();
  Report report("pub");
  report.Text("name", options.Get("name", ""))
      .Number("rate", rate)
      .Number("size", static_cast<double>(size))
      .Number("seconds", static_cast<double>(NowNs() - begin) / 1e9)
      .Number("count", static_cast<double>(sent))
      .Number("refused", static_cast<double>(refused))
      .Print();
  return refused > 0 ? 1 : 0;
}

}  // namespace tidegate::bench
