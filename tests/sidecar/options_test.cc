#include "sidecar/options.h"

#include <gtest/gtest.h>

#include <map>

#include "sidecar/ports_file.h"

namespace tidegate::sidecar {
namespace {

std::map<std::string, std::string> g_environment;

ParseResult Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "tidegate");
  return ParseOptions(static_cast<int>(arguments.size()), arguments.data(),
                      [](const char* name) -> const char* {
                        auto it = g_environment.find(name);
                        return it == g_environment.end() ? nullptr : it->second.c_str();
                      });
}

class OptionsTest : public ::testing::Test {
 protected:
  void TearDown() override { g_environment.clear(); }
};

TEST_F(OptionsTest, WhatIsNoCommandIsSaid) {
  const ParseResult near = Parse({"serv"});
  EXPECT_EQ(near.code, 2);
  EXPECT_NE(near.text.find("tidegate: there is no command serv; did you mean serve?"),
            std::string::npos)
      << near.text;
  EXPECT_NE(Parse({"frob"}).text.find("there is no command frob"), std::string::npos);
  EXPECT_NE(Parse({}).text.find("A subcommand is required"), std::string::npos);
  EXPECT_EQ(Parse({"--help"}).code, 0);
}

TEST_F(OptionsTest, ServeTakesEveryFlagOfTheSettledList) {
  const ParseResult result =
      Parse({"serve", "--config", "f.yaml", "--http", "127.0.0.1:0", "--http", "secure=[::1]:1",
             "--admin", "unix:/a", "--admin", "127.0.0.1:2", "--operations", "127.0.0.1:3",
             "--state", "none", "--definitions", "/d", "--definitions", "/e", "--workers", "3",
             "--ports-file", "/p"});
  ASSERT_TRUE(result.options.has_value()) << result.text;
  const Options& options = *result.options;
  EXPECT_EQ(options.command, Command::kServe);
  EXPECT_EQ(options.config, "f.yaml");
  ASSERT_EQ(options.http.size(), 2u);
  EXPECT_EQ(options.http[0].name, "");
  EXPECT_EQ(options.http[1].name, "secure");
  EXPECT_EQ(options.http[1].address, "[::1]:1");
  EXPECT_EQ(options.admin, (std::vector<std::string>{"unix:/a", "127.0.0.1:2"}));
  EXPECT_EQ(options.operations, "127.0.0.1:3");
  EXPECT_EQ(options.state, "none");
  EXPECT_EQ(options.definitions, (std::vector<std::string>{"/d", "/e"}));
  EXPECT_EQ(options.workers, 3u);
  EXPECT_EQ(options.ports_file, "/p");
}

TEST_F(OptionsTest, FlagsOverrideVariables) {
  g_environment = {{"TIDEGATE_STATE", "/var"}, {"TIDEGATE_WORKERS", "2"},
                   {"TIDEGATE_DEFINITIONS", "/a, /b"}};
  const ParseResult result = Parse({"check", "--workers", "4"});
  ASSERT_TRUE(result.options.has_value()) << result.text;
  EXPECT_EQ(result.options->command, Command::kCheck);
  EXPECT_EQ(result.options->workers, 4u);
  EXPECT_EQ(result.options->state, "/var");
  EXPECT_EQ(result.options->definitions, (std::vector<std::string>{"/a", "/b"}));
}

TEST_F(OptionsTest, UsageErrorsAreExitCode2AndNameTheFlag) {
  for (std::vector<const char*> bad :
       {std::vector<const char*>{}, {"serv"}, {"serve", "--nope"}, {"serve", "--workers", "0"},
        {"serve", "--workers", "x"}, {"serve", "--http", "=1.2.3.4:5"}, {"serve", "stray"}}) {
    const ParseResult result = Parse(bad);
    EXPECT_FALSE(result.options.has_value());
    EXPECT_EQ(result.code, 2);
    EXPECT_NE(result.text, "");
  }
  g_environment = {{"TIDEGATE_WORKERS", "1.5"}};
  EXPECT_NE(Parse({"serve"}).text.find("--workers"), std::string::npos);
}

TEST_F(OptionsTest, HelpIsNoError) {
  const ParseResult result = Parse({"--help"});
  EXPECT_EQ(result.code, 0);
  EXPECT_NE(result.text.find("serve"), std::string::npos);
}

TEST_F(OptionsTest, DrainWaitsUnlessToldNotTo) {
  EXPECT_TRUE(Parse({"drain"}).options->wait);
  EXPECT_FALSE(Parse({"drain", "--no-wait"}).options->wait);
}

TEST(PortsFile, OneIsATextSeveralAreAnArray) {
  BoundAddresses addresses;
  addresses.http = {"127.0.0.1:1"};
  addresses.admin = {"unix:/s", "127.0.0.1:2"};
  addresses.operations = "127.0.0.1:3";
  EXPECT_EQ(PortsJson(addresses, 7),
            "{\"http\": \"127.0.0.1:1\", \"admin\": [\"unix:/s\", \"127.0.0.1:2\"], "
            "\"operations\": \"127.0.0.1:3\", \"pid\": 7}\n");
}

}  // namespace
}  // namespace tidegate::sidecar
