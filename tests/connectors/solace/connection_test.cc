#include <cstdlib>
#include <fstream>
#include <sstream>

#include "server/config/secrets.h"
#include "tests/connectors/solace/fixture.h"
#include "tests/support/is_ok.h"
#include "tests/support/patience.h"

namespace tidegate::solace {
namespace {

using connectors::Outcome;
using connectors::TestStage;
using std::chrono::seconds;

class ConnectionTest : public PeerTest {
 protected:
  // A certificate for `name`, signed by itself; its PEM is believed by tls_.
  void StartTls(const std::string& name, const std::vector<std::string>& more = {}) {
    directory_ = ::testing::TempDir() + "solace-tls-" + group_;
    const std::string command =
        "mkdir -p '" + directory_ +
        "' && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=" + name +
        "' -addext 'subjectAltName=" + name + "' -keyout '" + directory_ + "/key.pem' -out '" +
        directory_ + "/cert.pem' >/dev/null 2>&1";
    ASSERT_EQ(std::system(command.c_str()), 0) << "openssl is needed";  // NOLINT: our own words
    std::vector<std::string> options = {"--certificate", directory_ + "/cert.pem", "--key",
                                        directory_ + "/key.pem"};
    options.insert(options.end(), more.begin(), more.end());
    StartPeer(options);
    config_.tls_on = true;
  }
  void Believe(bool it) {
    net::TlsClientOptions options;
    std::ifstream file(directory_ + "/cert.pem");
    std::stringstream text;
    text << file.rdbuf();
    if (it) options.trust_pem = text.str();
    auto made = net::TlsClient::Create(std::move(options));
    ASSERT_TRUE(made.ok()) << MessageOf(made.status());
    tls_ = *made;
  }
  std::vector<TestStage> Test() { return Await(worker(), connector_->Test(worker())); }
  static std::string Names(const std::vector<TestStage>& stages) {
    std::string names;
    for (const TestStage& stage : stages) names += stage.stage + (stage.ok ? "+ " : "- ");
    return names;
  }
  std::string directory_;
};

TEST_F(ConnectionTest, CredentialsAreCheckedAndNeverShown) {
  StartPeer({"--user", "gateway:right"});
  config_.username = "gateway";
  config_.password = "right";
  Connect();
  EXPECT_EQ(PublishTo(topic_, "a").outcome, Outcome::kOk);
  EXPECT_EQ(Names(Test()), "dns+ tcp+ auth+ metadata+ ");
  Disconnect();

  config_.password = "wrong-hunter2";
  Connect();
  const auto result = PublishTo(topic_, "a");
  EXPECT_EQ(result.outcome, Outcome::kNo);
  EXPECT_EQ(ClassOf(result.status), ErrorClass::kAuthFailed) << MessageOf(result.status);
  auto source = Open(Each());
  EXPECT_EQ(ClassOf(source.status()), ErrorClass::kAuthFailed);
  const auto stages = Test();
  EXPECT_EQ(Names(stages), "dns+ tcp+ auth- ");
  for (const std::string& text : {MessageOf(result.status), MessageOf(source.status()),
                                  stages.back().detail, connector_->health().last_error_text}) {
    EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
    EXPECT_NE(text.find("refused the credentials"), std::string::npos) << text;
  }
  Disconnect();

  config_.username.clear();  // authentication off
  Connect();
  source = Open(Each());
  EXPECT_EQ(ClassOf(source.status()), ErrorClass::kAuthFailed);
  EXPECT_NE(MessageOf(source.status()).find("asks for credentials"), std::string::npos);
}

TEST_F(ConnectionTest, WithoutAuthTheBrokerIsSpokenToAnonymously) {
  StartPeer();
  Connect();
  const auto stages = Test();
  EXPECT_EQ(Names(stages), "dns+ tcp+ auth+ metadata+ ");
  EXPECT_EQ(stages[2].detail, "SASL ANONYMOUS");
  EXPECT_EQ(peer_->Count(R"({"do":"endpoints"})", "endpoints"), 0u);  // the test leaves nothing
}

TEST_F(ConnectionTest, TlsIsBelievedOrToldApart) {
  StartTls("IP:127.0.0.1");
  Believe(true);
  Connect();
  EXPECT_EQ(Names(Test()), "dns+ tcp+ tls+ auth+ metadata+ ");
  EXPECT_EQ(PublishTo(topic_, std::string(300'000, 'x')).outcome, Outcome::kOk);
  Disconnect();
  Believe(false);
  Connect();
  EXPECT_EQ(Names(Test()), "dns+ tcp+ tls- ");
  auto source = Open(Each());
  EXPECT_EQ(ClassOf(source.status()), ErrorClass::kTlsFailed) << MessageOf(source.status());
}

TEST_F(ConnectionTest, TheVpnCanBeChosenByServerName) {
  StartTls("DNS:orders.vpn.example", {"--vpn", "orders.vpn.example"});
  Believe(true);
  config_.tls_host = "orders.vpn.example";
  Connect();
  EXPECT_EQ(PublishTo(topic_, "a").outcome, Outcome::kOk);
  Disconnect();
  config_.tls_host = "other.vpn.example";
  Connect();
  const auto result = PublishTo(topic_, "a");
  EXPECT_EQ(result.outcome, Outcome::kNo);
  EXPECT_NE(MessageOf(result.status).find("TLS to other.vpn.example"), std::string::npos);
  const boost::json::value answer = peer_->Ask(R"({"do":"server-names"})");
  const boost::json::array& names = answer.at("names").as_array();
  EXPECT_EQ(names.at(0), "orders.vpn.example");
  EXPECT_EQ(names.at(1), "other.vpn.example");
}

TEST_F(ConnectionTest, ABrokerThatSaysNothingEndsAtTheDeadline) {
  StartPeer();
  peer_->Ask(R"({"do":"stuck","on":true})");
  Connect();
  const TimePoint begun = Clock::now();
  auto source = Open(Each());
  EXPECT_EQ(ClassOf(source.status()), ErrorClass::kConnectFailed) << MessageOf(source.status());
  EXPECT_LT(Clock::now() - begun, kConnectTimeout + kPatience);
  EXPECT_EQ(connector_->health().state, connectors::HealthState::kFailed);
  const auto result = PublishTo(topic_, "a", seconds(1));
  EXPECT_EQ(result.outcome, Outcome::kNo);
}

TEST_F(ConnectionTest, SomethingElseThanAmqpIsSaidToBeThat) {
  StartTls("IP:127.0.0.1");
  config_.tls_on = false;
  Connect();
  Disconnect();
  config_.port = peer_->tls_port();  // TLS there, AMQP in the clear here
  connectors::ConnectorContext context;
  context.workers = workers_.get();
  connector_ = SolaceConnector::Make(config_, nullptr, context);
  EXPECT_EQ(Names(Test()), "dns+ tcp+ auth- ");
  Disconnect();
  peer_->Ask(R"({"do":"cut"})");
  Connect();
  EXPECT_EQ(Names(Test()), "dns+ tcp- ");
}

TEST_F(ConnectionTest, DestinationsHandedInAreCheckedByGrammar) {
  StartPeer();
  Connect();
  using connectors::Direction;
  EXPECT_TRUE(IsOk(connector_->CheckDestination("a/b", Direction::kPublish)));
  EXPECT_TRUE(IsOk(connector_->CheckDestination("a/>", Direction::kSubscribe)));
  const Status wild = connector_->CheckDestination("a/>", Direction::kPublish);
  EXPECT_EQ(ReasonOf(wild), "INVALID_DESTINATION");
  EXPECT_EQ(MessageOf(wild).find("a/>"), std::string::npos);
  EXPECT_FALSE(connector_->CheckDestination("#SYS/x", Direction::kSubscribe).ok());
}

TEST_F(ConnectionTest, MetadataTellsWhatCannotBeUsed) {
  config_.producer.topics = {topic_, "forbidden/y"};
  StartPeer();
  Connect();
  const auto stages = Test();
  EXPECT_EQ(Names(stages), "dns+ tcp+ auth+ metadata- ");
  EXPECT_NE(stages.back().detail.find("forbidden/y"), std::string::npos);
  EXPECT_NE(stages.back().detail.find("ACL profile denies"), std::string::npos);
}

TEST_F(ConnectionTest, ADrainWaitsForWhatIsUnderWay) {
  StartPeer();
  Connect();
  auto silent = std::async(std::launch::async, [&] {
    return PublishTo("silent/x", "a", seconds(3));
  });
  ASSERT_TRUE(Until([&] { return peer_->Count(R"({"do":"received"})", "messages") == 1; }));
  const TimePoint deadline = Clock::now() + 2 * kPatience;
  Await(worker(), connector_->Drain(deadline, worker()));
  // It has ended; its thread may still be about to say so.
  EXPECT_EQ(silent.wait_for(kPatience), std::future_status::ready);
  EXPECT_LT(Clock::now(), deadline);  // what was under way ended it
  EXPECT_TRUE(Until([&] { return peer_->Ask(R"({"do":"connections"})").at("count") == 0; }));
}

}  // namespace
}  // namespace tidegate::solace
