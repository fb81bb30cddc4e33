// What differs between two messages of one type, field by field.
// Thread: pure. Fails: never.
#pragma once

#include <string>
#include <vector>

namespace google::protobuf {
class Message;
}  // namespace google::protobuf

namespace tidegate::config {

struct FieldDifference {
  std::string path;       // list items by their key: endpointGroups[default].endpoints[b].weight
  std::string old_value;  // as the printer writes it; empty: absent. Secrets show fingerprints.
  std::string new_value;
};

// What only the gateway sets is passed over.
std::vector<FieldDifference> Diff(const google::protobuf::Message& before,
                                  const google::protobuf::Message& after);

}  // namespace tidegate::config
