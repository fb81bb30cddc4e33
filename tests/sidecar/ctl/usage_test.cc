// Help, flags and names: what is wrong with a command line, said before anything is sent.
#include "sidecar/ctl/options.h"
#include "sidecar/ctl/server_address.h"
#include "sidecar/ctl/style.h"
#include "sidecar/ctl/target.h"
#include "sidecar/ctl/verbs.h"
#include "tests/sidecar/ctl/fixture.h"

namespace tidegate::ctl {
namespace {

using testing::HasSubstr;
using testing::Not;

using UsageTest = CtlTest;

TEST_F(UsageTest, NothingGiven_PrintsHelpOnStderr) {
  EXPECT_EQ(Run({}), kUsage);
  EXPECT_THAT(err(), HasSubstr("tidegatectl VERB"));
  EXPECT_EQ(out(), "");
}

TEST_F(UsageTest, Help_ListsEveryVerb) {
  EXPECT_EQ(Run({"--help"}), kDone);
  for (const Verb& verb : Verbs()) EXPECT_THAT(out(), HasSubstr("\n  " + std::string(verb.name)));
}

TEST_F(UsageTest, HelpOfEachVerb_HasUsageExampleAndItsFlags) {
  for (const Verb& verb : Verbs()) {
    EXPECT_EQ(Run({std::string(verb.name), "--help"}), kDone);
    EXPECT_THAT(out(), HasSubstr("Usage:\n  tidegatectl " + std::string(verb.name)));
    EXPECT_THAT(out(), HasSubstr("Example:\n"));
    for (const std::string_view flag : verb.flags) {
      ASSERT_NE(FindFlag(flag), nullptr) << flag;
      EXPECT_THAT(out(), HasSubstr(std::string(flag)));
    }
    std::istringstream lines(out());
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
  }
}

TEST_F(UsageTest, EveryExample_IsACommandLineThatParses) {
  for (const Verb& verb : Verbs()) {
    std::string example(verb.example);
    if (verb.name == "completion") continue;  // a shell's line
    std::vector<std::string> words;
    std::istringstream in(example.substr(example.find(' ') + 1));
    for (std::string word; in >> word;) words.push_back(word);
    Options options;
    std::string error;
    EXPECT_TRUE(ParseArguments(words, options, error)) << example << ": " << error;
    EXPECT_EQ(options.verb, verb.name);
  }
}

TEST_F(UsageTest, UnknownVerb_SuggestsTheNearest) {
  EXPECT_EQ(Run({"aply", "-f", "x"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("unknown verb \"aply\" (did you mean apply?)"));
}

TEST_F(UsageTest, UnknownFlag_SuggestsTheNearest) {
  EXPECT_EQ(Run({"apply", "--forc"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("unknown flag --forc (did you mean --force?)"));
  EXPECT_THAT(err(), HasSubstr("usage: tidegatectl apply"));
}

TEST_F(UsageTest, FlagOfAnotherVerb_IsRefused) {
  EXPECT_EQ(Run({"deploy", "api/orders", "--prune"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("deploy does not take --prune"));
}

TEST_F(UsageTest, FlagWithoutValue_SaysWhatItTakes) {
  EXPECT_EQ(Run({"apply", "--owner"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("--owner needs a value: --owner NAME"));
}

TEST_F(UsageTest, OutputAndTimeout_AreChecked) {
  EXPECT_EQ(Run({"get", "apis", "-o", "yml"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("(did you mean yaml?)"));
  EXPECT_EQ(Run({"get", "apis", "--timeout", "30"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("--timeout takes a time with its unit"));
}

TEST_F(UsageTest, TypesThatAVerbDoesNotTake_AreNamed) {
  EXPECT_EQ(Run({"deploy", "plan/orders/gold"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("deploy takes api, not plan"));
  EXPECT_EQ(Run({"deploy"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("deploy needs a name"));
  EXPECT_EQ(Run({"delete", "key/a/b/c"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("tidegatectl revoke key/a/b/c"));
  EXPECT_EQ(Run({"edit", "api"}), kUsage);
  EXPECT_EQ(Run({"apply", "-f", "x", "--prune"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("--prune needs --owner"));
}

TEST_F(UsageTest, ServerThatIsNone_IsRefusedWithTheRule) {
  for (const char* server : {"nonsense", "host:", ":80", "host:99999", "unix:", "::1:80",
                             "http://host:80"}) {
    EXPECT_EQ(Run({"get", "apis", "--server", server}), kUsage) << server;
    EXPECT_THAT(err(), HasSubstr("from --server: "));
  }
  env_["TIDEGATE_SERVER"] = "nonsense";
  EXPECT_EQ(Run({"get", "apis"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("from TIDEGATE_SERVER: a server is unix:PATH or HOST:PORT"));
}

TEST_F(UsageTest, Credentials_AreChecked) {
  EXPECT_EQ(Run({"get", "apis", "--server", "h:1", "--token", "abc"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("a token is not sent in the open"));
  EXPECT_EQ(Run({"get", "apis", "--server", "h:1", "--ca", "/does/not/exist"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("cannot read /does/not/exist"));
  const std::string pem = Write("c.pem", "x");
  EXPECT_EQ(Run({"get", "apis", "--server", "h:1", "--cert", pem}), kUsage);
  EXPECT_THAT(err(), HasSubstr("--cert and --key go together"));
}

TEST(TargetTest, ShortAndFullNames_MeanTheSame) {
  for (const auto& [text, full] : std::vector<std::pair<std::string, std::string>>{
           {"api/orders", "apis/orders"},
           {"apis/orders", "apis/orders"},
           {"plan/orders/gold", "apis/orders/plans/gold"},
           {"apis/orders/plans/gold", "apis/orders/plans/gold"},
           {"app/shop", "applications/shop"},
           {"applications/shop", "applications/shop"},
           {"sub/orders/s", "apis/orders/subscriptions/s"},
           {"key/orders/s/main", "apis/orders/subscriptions/s/apiKeys/main"}}) {
    Target target;
    std::string error;
    ASSERT_TRUE(ParseTarget(text, target, error)) << error;
    EXPECT_TRUE(target.IsOne());
    EXPECT_EQ(target.FullName(), full);
    EXPECT_EQ(ShortName(full), target.Text());
  }
}

TEST(TargetTest, FewerNames_MeanAList) {
  Target target;
  std::string error;
  ASSERT_TRUE(ParseTarget("plans/orders", target, error));
  EXPECT_FALSE(target.IsOne());
  EXPECT_EQ(target.Parent(), "apis/orders");
  ASSERT_TRUE(ParseTarget("subscriptions", target, error));
  EXPECT_EQ(target.Parent(), "apis/-");
}

TEST(TargetTest, WrongNames_SayWhatIsExpected) {
  Target target;
  std::string error;
  EXPECT_FALSE(ParseTarget("plam/orders", target, error));
  EXPECT_EQ(error, "\"plam\" is no type (did you mean plan?)");
  EXPECT_FALSE(ParseTarget("plan/a/b/c", target, error));
  EXPECT_EQ(error, "\"plan/a/b/c\" has too many parts; write plan/API/NAME");
  EXPECT_FALSE(ParseTarget("plan/a/", target, error));
  EXPECT_EQ(error, "\"plan/a/\" has an empty part; write plan/API/NAME");
}

TEST(TimeSpanTest, UnitsAreRead_AllElseIsNot) {
  EXPECT_EQ(ParseTimeSpan("500ms")->count(), 500);
  EXPECT_EQ(ParseTimeSpan("2m")->count(), 120'000);
  EXPECT_EQ(ParseTimeSpan("7d")->count(), 604'800'000);
  for (const char* text : {"", "s", "5", "-5s", "5 s", "1.5s", "99999999999999999999s", "40000d"}) {
    EXPECT_FALSE(ParseTimeSpan(text)) << text;
  }
}

TEST(StyleTest, Age_HasOneUnit) {
  EXPECT_EQ(Age(std::chrono::seconds(45)), "45s");
  EXPECT_EQ(Age(std::chrono::minutes(12)), "12m");
  EXPECT_EQ(Age(std::chrono::hours(30)), "30h");
  EXPECT_EQ(Age(std::chrono::hours(24 * 5)), "5d");
}

TEST(StyleTest, Table_AlignsByCharactersAndCutsControls) {
  Table table({"A", "B"});
  table.Add({"ä", "x\x1b[31m"});
  table.Add({"long", ""});
  std::ostringstream out;
  table.Print(out, false);
  EXPECT_EQ(out.str(), "A     B\nä     x?[31m\nlong  -\n");
}

}  // namespace
}  // namespace tidegate::ctl
