// fuzz-deps: tg_model
// A text is read, checked and compiled without a fault; what keeps the rules is printed and read
// back as the same message.
#include <google/protobuf/message.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "server/config/redact.h"
#include "server/config/yaml_printer.h"
#include "server/config/yaml_reader.h"
#include "server/model/compile.h"
#include "server/model/validate.h"
#include "tidegate/config/v1/api.pb.h"
#include "tidegate/config/v1/gateway.pb.h"
#include "tidegate/config/v1/subscription.pb.h"

namespace {

namespace config = tidegate::config;
namespace v1 = tidegate::config::v1;

// True when the document keeps all rules.
bool Compile(const config::Document& document) {
  config::Violations violations;
  if (document.kind == config::DocumentKind::kApi) {
    const auto& api = static_cast<const v1::Api&>(*document.message);
    tidegate::model::Validate(api, violations);
    tidegate::model::CompileApi(api, {});
  } else if (document.kind == config::DocumentKind::kSubscription) {
    const auto& subscription = static_cast<const v1::Subscription&>(*document.message);
    tidegate::model::Validate(subscription, violations);
    tidegate::model::CompileSubscription(subscription);
  } else if (document.kind == config::DocumentKind::kGateway) {
    const auto& gateway = static_cast<const v1::Gateway&>(*document.message);
    tidegate::model::Validate(gateway, violations);
    tidegate::model::CompileGateway(gateway, {});
  }
  return violations.empty();
}

void ReadBack(const config::Document& document) {
  const std::string printed =
      config::Print(*document.message, {config::PrintForm::kYaml, true, true});
  config::Violations violations;
  const auto again = config::ReadText("t.yaml", printed, "", violations);
  if (!violations.empty() || again.size() != 1) std::abort();
  const std::unique_ptr<google::protobuf::Message> expected(document.message->New());
  expected->CopyFrom(*document.message);
  config::Redact(expected.get());
  if (expected->ShortDebugString() != again[0].message->ShortDebugString()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 64 * 1024) return 0;
  const std::string text(reinterpret_cast<const char*>(data), size);
  config::Violations violations;
  const char* file = data[0] == '{' ? "t.json" : "t.yaml";
  for (const config::Document& document : config::ReadText(file, text, "", violations)) {
    if (Compile(document)) ReadBack(document);
  }
  return 0;
}
