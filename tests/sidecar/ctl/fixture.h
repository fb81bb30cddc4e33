// Runs tidegatectl in process against a made-up gateway, with a clock that stands still.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <google/protobuf/text_format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sidecar/ctl/context.h"
#include "tests/sidecar/ctl/fake_server.h"

namespace tidegate::ctl {

// 2026-11-21T12:00:00Z
inline constexpr std::int64_t kNow = 1795262400;

template <typename Message>
Message Text(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

class CtlTest : public testing::Test {
 protected:
  int Run(std::vector<std::string> words) {
    out_.str("");
    err_.str("");
    std::istringstream in(in_);
    Environment environment{in, out_, err_};
    environment.out_is_tty = environment.err_is_tty = tty_;
    environment.getenv = [this](const char* name) -> std::optional<std::string> {
      const auto found = env_.find(name);
      if (found == env_.end()) return std::nullopt;
      return found->second;
    };
    environment.now = [this] {  // time passes by sleeping alone
      return std::chrono::system_clock::time_point(std::chrono::seconds(kNow) + slept_);
    };
    environment.sleep = [this](std::chrono::milliseconds time) { slept_ += time; };
    return ctl::Run(words, environment);
  }
  // The same, at the fake server.
  int RunAt(std::vector<std::string> words) {
    words.push_back("--server");
    words.push_back(server_.address());
    return Run(std::move(words));
  }
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = server_.directory() + "/" + name;
    std::ofstream(path) << text;
    return path;
  }
  std::string out() const { return out_.str(); }
  std::string err() const { return err_.str(); }

  FakeServer server_;
  std::map<std::string, std::string> env_;
  std::string in_;
  bool tty_ = false;
  std::chrono::milliseconds slept_{0};

 private:
  std::ostringstream out_;
  std::ostringstream err_;
};

inline constexpr const char* kClock = R"(kind: Api
name: clock
type: message
listeners:
  - path: /clock
entrypoints:
  - sse: {heartbeatInterval: 5s}
endpointGroups:
  - name: default
    endpoints:
      - name: mock
        mock: {messageInterval: 100ms}
plans:
  - name: open
    keyless: {}
)";

}  // namespace tidegate::ctl
