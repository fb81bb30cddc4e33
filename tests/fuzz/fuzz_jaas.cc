// fuzz-deps: tg_kafka_config
// A JAAS text is accepted or refused with a text that holds none of its values.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "connectors/kafka/jaas.h"
#include "connectors/kafka/security.h"

namespace kafka = tidegate::kafka;

namespace {

// Stands in every value, so that a value in a text is known for one: what the fuzzer writes itself
// may be words of ours.
constexpr std::string_view kSecret = "Zq7~secret~vX";

void ApplyWithSecret(kafka::JaasLogin login, kafka::Mechanism mechanism) {
  for (auto& [name, value] : login.options) value.insert(0, kSecret);
  kafka::SecuritySettings settings;
  settings.mechanism = mechanism;
  const auto status = kafka::ApplyJaas(login, settings);
  if (!status.ok() && tidegate::MessageOf(status).find(kSecret) != std::string::npos) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto login = kafka::ParseJaas(text);
  if (!login.ok()) {
    if (login.status().code() != absl::StatusCode::kInvalidArgument) std::abort();
    return 0;
  }
  if (login->options.size() > kafka::kJaasOptionsMax) std::abort();
  // A name may be told, and the fuzzer learns what it is compared with.
  bool told = login->module.find(kSecret) != std::string::npos;
  for (const auto& option : login->options) told |= option.first.find(kSecret) != std::string::npos;
  for (const auto mechanism :
       {kafka::Mechanism::kPlain, kafka::Mechanism::kScramSha256, kafka::Mechanism::kOauthBearer,
        kafka::Mechanism::kGssapi}) {
    kafka::SecuritySettings settings;
    settings.mechanism = mechanism;
    (void)kafka::ApplyJaas(*login, settings);
    if (!told) ApplyWithSecret(*login, mechanism);
  }
  return 0;
}
