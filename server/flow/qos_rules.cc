#include "server/flow/qos_rules.h"

namespace tidegate::flow {
namespace {

using connectors::Capabilities;
using connectors::Qos;
using connectors::Share;

constexpr std::string_view kLevelText = "Incompatible Qos between entrypoint and endpoint";
constexpr std::string_view kCapabilityText =
    "Incompatible Qos capabilities between entrypoint requirements and endpoint supports";

std::string Levels(const connectors::QosSet& levels) {
  std::string out;
  for (Qos qos : {Qos::kNone, Qos::kAuto, Qos::kAtMostOnce, Qos::kAtLeastOnce}) {
    if (!levels.Has(qos)) continue;
    if (!out.empty()) out += ", ";
    out += connectors::NameOf(qos);
  }
  return out.empty() ? "nothing" : out;
}

std::string Offered(const Capabilities& offer) {
  std::string out;
  auto add = [&out](bool has, std::string_view name) {
    if (!has) return;
    if (!out.empty()) out += ", ";
    out += name;
  };
  add(offer.auto_ack, "AUTO_ACK");
  add(offer.manual_ack, "MANUAL_ACK");
  add(offer.recover, "RECOVER");
  return out.empty() ? "none" : out;
}

QosProblem Level(const std::string& detail) {
  QosProblem problem;
  problem.reason = "INCOMPATIBLE_QOS";
  problem.text = std::string(kLevelText) + ": " + detail;
  return problem;
}

QosProblem Capability(const QosParties& parties, Qos qos, std::string_view needed,
                      const Capabilities& offer) {
  QosProblem problem;
  problem.reason = "INCOMPATIBLE_QOS_CAPABILITIES";
  problem.text = std::string(kCapabilityText) + ": " + std::string(parties.entrypoint) + " with " +
                 std::string(connectors::NameOf(qos)) + " needs " + std::string(needed) + ", " +
                 std::string(parties.endpoint) + " has " + Offered(offer);
  return problem;
}

}  // namespace

std::optional<QosProblem> CheckQos(const Needs& needs, Qos qos, const Capabilities& offer,
                                   const QosParties& parties) {
  const std::string name(connectors::NameOf(qos));
  if (!needs.accepts.Has(qos)) {
    return Level(std::string(parties.entrypoint) + " takes " + Levels(needs.accepts) + ", not " +
                 name);
  }
  if (!offer.levels.Has(qos)) {
    return Level(std::string(parties.entrypoint) + " asks for " + name + ", " +
                 std::string(parties.endpoint) + " offers " + Levels(offer.levels));
  }
  if (!needs.subscribe) return std::nullopt;
  if (qos == Qos::kAuto && needs.auto_needs_auto_ack && !offer.auto_ack) {
    return Capability(parties, qos, "AUTO_ACK", offer);
  }
  if (qos == Qos::kAtMostOnce || qos == Qos::kAtLeastOnce) {
    // Without RECOVER its consumers share what the broker keeps for them, if it waits for acks.
    if (needs.at_needs_recover && !offer.recover && !offer.manual_ack) {
      return Capability(parties, qos, "RECOVER or MANUAL_ACK", offer);
    }
    if (needs.at_needs_manual_ack && !offer.manual_ack) {
      return Capability(parties, qos, "MANUAL_ACK", offer);
    }
  }
  return std::nullopt;
}

Share DefaultShare(const Needs& needs, Qos qos, const Capabilities& offer) {
  if (offer.private_only) return Share::kPrivate;
  switch (qos) {
    case Qos::kNone: return Share::kEach;
    case Qos::kAuto: return Share::kGroup;
    case Qos::kAtMostOnce:
    case Qos::kAtLeastOnce: break;
  }
  // A consumer that is asked to settle each message itself (webhook) shares; one that names its
  // position gets everything after it.
  return needs.at_needs_manual_ack || !offer.recover ? Share::kGroup : Share::kEach;
}

std::optional<QosProblem> CheckShare(model::Share share, Qos qos, const Capabilities& offer,
                                     const QosParties& parties) {
  const bool at = qos == Qos::kAtMostOnce || qos == Qos::kAtLeastOnce;
  if (share == model::Share::kEach && at && !offer.recover) {
    return Capability(parties, qos, "RECOVER for share: each", offer);
  }
  if (share == model::Share::kDefault || !offer.private_only) return std::nullopt;
  QosProblem problem;
  problem.reason = "INCOMPATIBLE_SHARE";
  problem.text = std::string(parties.entrypoint) + " asks for share: " +
                 (share == model::Share::kEach ? "each" : "group") + ", " +
                 std::string(parties.endpoint) + " makes messages for every consumer by itself";
  return problem;
}

Qos ToConnectorQos(model::Qos qos) {
  switch (qos) {
    case model::Qos::kNone: return Qos::kNone;
    case model::Qos::kAuto: return Qos::kAuto;
    case model::Qos::kAtMostOnce: return Qos::kAtMostOnce;
    case model::Qos::kAtLeastOnce: return Qos::kAtLeastOnce;
  }
  return Qos::kAuto;
}

}  // namespace tidegate::flow
