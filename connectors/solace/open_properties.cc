#include "connectors/solace/open_properties.h"

#include <proton/codec.h>
#include <proton/connection.h>

#include <string_view>

namespace tidegate::solace {
namespace {

constexpr std::size_t kPrefixMax = 64;  // longer ones are no prefixes

// A symbol or text; empty for anything else.
std::string_view TextAt(pn_data_t* data) {
  pn_bytes_t bytes = pn_bytes_null;
  switch (pn_data_type(data)) {
    case PN_STRING: bytes = pn_data_get_string(data); break;
    case PN_SYMBOL: bytes = pn_data_get_symbol(data); break;
    default: return {};
  }
  return std::string_view(bytes.start, bytes.size);
}

}  // namespace

Prefixes ReadPrefixes(pn_connection_t* connection) {
  Prefixes prefixes;
  pn_data_t* data = pn_connection_remote_properties(connection);
  if (data == nullptr) return prefixes;
  pn_data_rewind(data);
  if (!pn_data_next(data) || pn_data_type(data) != PN_MAP) return prefixes;
  pn_data_enter(data);
  while (pn_data_next(data)) {
    const std::string_view key = TextAt(data);
    if (!pn_data_next(data)) break;
    const std::string_view value = TextAt(data);
    if (value.empty() || value.size() > kPrefixMax) continue;
    if (key == "topic-prefix") prefixes.topic = std::string(value);
    if (key == "queue-prefix") prefixes.queue = std::string(value);
  }
  pn_data_rewind(data);
  return prefixes;
}

}  // namespace tidegate::solace
