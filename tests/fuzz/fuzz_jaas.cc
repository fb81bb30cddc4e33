// fuzz-deps: tg_kafka_config
// A JAAS text is accepted or refused with a text that holds none of its values.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "connectors/kafka/jaas.h"
#include "connectors/kafka/security.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace kafka = tidegate::kafka;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto login = kafka::ParseJaas(text);
  if (!login.ok()) {
    if (login.status().code() != absl::StatusCode::kInvalidArgument) std::abort();
    return 0;
  }
  if (login->options.size() > kafka::kJaasOptionsMax) std::abort();
  for (const auto mechanism :
       {kafka::Mechanism::kPlain, kafka::Mechanism::kScramSha256, kafka::Mechanism::kOauthBearer,
        kafka::Mechanism::kGssapi}) {
    kafka::SecuritySettings settings;
    settings.mechanism = mechanism;
    const auto status = kafka::ApplyJaas(*login, settings);
    if (status.ok()) continue;
    for (const auto& [name, value] : login->options) {
      // Long enough not to be one of our own words.
      if (value.size() > 40 && tidegate::MessageOf(status).find(value) != std::string::npos) {
        std::abort();
      }
    }
  }
  return 0;
}
