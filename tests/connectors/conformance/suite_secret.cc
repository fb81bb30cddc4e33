// A password is nowhere but in the settings and on its way to the broker.
#include <mutex>

#include "server/base/log.h"
#include "tests/connectors/conformance/suites.h"

namespace tidegate::connectors::conformance {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SecretContract);

namespace {

std::mutex log_mutex;
std::string log_lines;
void Collect(std::string_view line) {
  const std::lock_guard lock(log_mutex);
  log_lines += std::string(line) + "\n";
}

struct LogTap {
  LogTap() : level(GetLogLevel()) {
    log_lines.clear();
    SetLogLevel(LogLevel::kDebug);
    SetLogWriter(Collect);
  }
  ~LogTap() {
    SetLogWriter(nullptr);
    SetLogLevel(level);
  }
  const LogLevel level;
};

void ExpectRefusal(const Status& status) {
  EXPECT_EQ(ClassOf(status), ErrorClass::kAuthFailed) << MessageOf(status);
  EXPECT_EQ(MessageOf(status).find(kSecret), std::string::npos) << MessageOf(status);
  EXPECT_FALSE(MessageOf(status).empty());
}

TEST_P(SecretContract, ARefusedPasswordIsSaidWithoutSayingIt) {
  const LogTap tap;
  connector_ = harness_->MakeRefused(*workers_);
  ASSERT_NE(connector_, nullptr);
  auto each = Open(Spec());
  EXPECT_FALSE(each.ok());
  ExpectRefusal(each.status());
  auto member = Open(Member(Qos::kAtLeastOnce));
  EXPECT_FALSE(member.ok());
  ExpectRefusal(member.status());
  const PublishResult result = Publish("x");
  EXPECT_EQ(result.outcome, Outcome::kNo);
  ExpectRefusal(result.status);

  const auto stages = Await(worker(), connector_->Test(worker()));
  ASSERT_FALSE(stages.empty());
  EXPECT_EQ(stages.back().stage, "auth");
  EXPECT_FALSE(stages.back().ok);
  for (const TestStage& stage : stages) {
    EXPECT_EQ(stage.detail.find(kSecret), std::string::npos) << stage.detail;
  }
  const Health health = connector_->health();
  EXPECT_EQ(health.last_error, ErrorClass::kAuthFailed);
  EXPECT_EQ(health.last_error_text.find(kSecret), std::string::npos) << health.last_error_text;
  const std::lock_guard lock(log_mutex);
  EXPECT_EQ(log_lines.find(kSecret), std::string::npos) << log_lines;
}

}  // namespace
}  // namespace tidegate::connectors::conformance
