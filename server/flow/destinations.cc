#include "server/flow/destinations.h"

#include <re2/re2.h>

#include "server/base/strings.h"

namespace tidegate::flow {
namespace {

Status Refuse(const std::string& rule) {
  return WithReason(InvalidArgument("destination: " + rule), "INVALID_DESTINATION");
}

re2::RE2::Options Quiet() {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  return options;
}

}  // namespace

struct DestinationRule::Pattern {
  explicit Pattern(const std::string& text) : regex(text, Quiet()) {}
  const re2::RE2 regex;
};

DestinationRule::DestinationRule(const std::string& pattern)
    : pattern_(pattern.empty() ? nullptr : std::make_unique<const Pattern>(pattern)) {}
DestinationRule::DestinationRule(DestinationRule&&) noexcept = default;
DestinationRule::~DestinationRule() = default;

StatusOr<std::vector<std::string>> DestinationRule::Read(std::string_view list,
                                                         const connectors::Connector& connector,
                                                         connectors::Direction direction) const {
  if (pattern_ == nullptr) return Refuse("the endpoint has no destinationPattern");
  std::vector<std::string> out;
  for (std::string_view part : Split(list, ',')) {
    part = Trim(part);
    if (out.size() == kDestinationsMax) return Refuse("at most 10 may be given");
    const re2::StringPiece piece(part.data(), part.size());
    if (!pattern_->regex.ok() || !re2::RE2::FullMatch(piece, pattern_->regex)) {
      return Refuse("it does not match the endpoint's destinationPattern");
    }
    TG_RETURN_IF_ERROR(connector.CheckDestination(part, direction));
    out.emplace_back(part);
  }
  return out;
}

}  // namespace tidegate::flow
