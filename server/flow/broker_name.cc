#include "server/flow/broker_name.h"

#include "server/base/codec.h"
#include "server/base/limits.h"

namespace tidegate::flow {
namespace {

constexpr std::size_t kHashBytes = 12;  // 96 bits: no two clients meet by chance
constexpr std::size_t kHashDigits = 2 * kHashBytes;

bool IsPlain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

constexpr std::string_view kEachSuffix = ".each";

std::string HashOf(std::string_view api, std::string_view endpoint, std::string_view client,
                   bool each) {
  // Lengths keep ("a.b", "c") apart from ("a", "b.c").
  std::string text = each ? "each:" : "";
  text += std::to_string(api.size()) + ":" + std::to_string(endpoint.size()) + ":";
  text += api;
  text += endpoint;
  text += client;
  const Sha256Digest digest = Sha256(text);
  return Hex(digest.data(), kHashBytes);
}

}  // namespace

std::string BrokerName(std::string_view api, std::string_view endpoint, std::string_view client,
                       connectors::Share share) {
  const bool each = share == connectors::Share::kEach;
  std::string name = "tidegate.";
  name += api;
  name += '.';
  name += endpoint;
  name += '.';
  name += client;
  // A dot inside the first two would let their border move; names of our model have none.
  bool changed = api.find('.') != api.npos || endpoint.find('.') != endpoint.npos;
  if (each) {
    name += kEachSuffix;
  } else {
    changed = changed || client.ends_with(kEachSuffix);
  }
  for (char& c : name) {
    if (IsPlain(c)) continue;
    c = '_';
    changed = true;
  }
  if (!changed && name.size() <= kBrokerNameBytesMax) return name;
  const std::size_t room = kBrokerNameBytesMax - kHashDigits - 1;
  if (name.size() > room) name.resize(room);
  return name + "-" + HashOf(api, endpoint, client, each);
}

}  // namespace tidegate::flow
