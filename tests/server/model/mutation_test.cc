// Whatever is done to a definition, reading, checking, printing and compiling end without a fault:
// a small deterministic cousin of the fuzz target.
#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <sstream>

#include "server/config/yaml_printer.h"
#include "server/config/yaml_reader.h"
#include "server/model/compile.h"
#include "server/model/validate.h"
#include "tidegate/config/v1/api.pb.h"
#include "tidegate/config/v1/application.pb.h"
#include "tidegate/config/v1/gateway.pb.h"
#include "tidegate/config/v1/subscription.pb.h"

namespace tidegate::model {
namespace {

namespace v1 = config::v1;

std::string ReadExample(const std::string& name) {
  std::ifstream file("sidecar/examples/" + name + ".yaml");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void Mutate(std::string& text, std::mt19937& random) {
  static const char* const kPieces[] = {"{", "}", "[", "]", ":", "- ", "\n", "  ", "\"", "'", "~",
                                        "&a ", "*a", "!x ", "|\n", "---\n", "#", "null", "{}",
                                        "9999999999999999999", "-1", "\t", "\xC3", "? ", "<<: "};
  for (unsigned n = 1 + random() % 3; n > 0 && !text.empty(); --n) {
    const std::size_t at = random() % text.size();
    switch (random() % 4) {
      case 0:
        text.erase(at, random() % 20);
        break;
      case 1:
        text.insert(at, kPieces[random() % (sizeof kPieces / sizeof kPieces[0])]);
        break;
      case 2:
        text[at] = static_cast<char>(random() % 128);
        break;
      default:
        text.insert(at, text.substr(random() % text.size(), random() % 60));
        break;
    }
  }
}

// True when the document was right.
bool Use(const config::Document& document) {
  config::Violations violations;
  config::Print(*document.message, {config::PrintForm::kYaml, true, true});
  switch (document.kind) {
    case config::DocumentKind::kApi: {
      const auto& api = static_cast<const v1::Api&>(*document.message);
      Validate(api, violations);
      CompileApi(api, {});
      break;
    }
    case config::DocumentKind::kApplication:
      Validate(static_cast<const v1::Application&>(*document.message), violations);
      break;
    case config::DocumentKind::kSubscription: {
      const auto& subscription = static_cast<const v1::Subscription&>(*document.message);
      Validate(subscription, violations);
      CompileSubscription(subscription);
      break;
    }
    case config::DocumentKind::kGateway: {
      const auto& gateway = static_cast<const v1::Gateway&>(*document.message);
      Validate(gateway, violations);
      CompileGateway(gateway, {});
      break;
    }
  }
  config::Locate(document, violations);
  return violations.empty();
}

TEST(Mutation, NothingFaults) {
  int right = 0;
  int refused = 0;
  for (const char* name : {"orders", "full", "tidegate", "kafka-security"}) {
    const std::string base = ReadExample(name);
    ASSERT_FALSE(base.empty());
    for (unsigned seed = 0; seed < 100; ++seed) {
      std::mt19937 random(seed);
      std::string text = base;
      Mutate(text, random);
      config::Violations violations;
      for (const config::Document& document : config::ReadText("t", text, "", violations)) {
        right += Use(document) ? 1 : 0;
      }
      refused += violations.empty() ? 0 : 1;
    }
  }
  EXPECT_GT(right, 20);
  EXPECT_GT(refused, 100);
}

TEST(Mutation, AFloodOfErrorsIsBounded) {
  std::string text = "kind: Api\nname: a\n";
  for (int i = 0; i < 20'000; ++i) text += "x" + std::to_string(i) + ": 1\n";
  config::Violations violations;
  config::ReadText("t", text, "", violations);
  EXPECT_LE(violations.size(), 1000U);
  EXPECT_GE(violations.size(), 900U);
}

}  // namespace
}  // namespace tidegate::model
