// Resources on stdout, in the form that -o asks for.
//
// Thread: main. Fails: never.
#pragma once

#include <string>
#include <vector>

#include "sidecar/ctl/context.h"
#include "sidecar/ctl/style.h"

namespace google::protobuf {
class Message;
class Timestamp;
}  // namespace google::protobuf

namespace tidegate::ctl {

// A resource with the name that `-o name` prints.
struct Item {
  std::string name;  // full
  const google::protobuf::Message* message = nullptr;
};

// Prints by -o, except for `table`: then false, and the caller prints its table. One thing is
// printed alone, a list as YAML documents or as a JSON array.
bool PrintItems(Context& context, const std::vector<Item>& items, bool is_list);
bool PrintItem(Context& context, const std::string& name,
               const google::protobuf::Message& message);

void PrintTable(Context& context, const Table& table);

// The proto's own JSON mapping, indented.
std::string ProtoJson(const google::protobuf::Message& message);
// A value within another: every line but the first two spaces further in.
std::string Indented(const std::string& json);

// "3h", or empty for no time.
std::string AgeOf(const Context& context, const google::protobuf::Timestamp& time);
// 2030-01-01T00:00:00Z, or empty for no time.
std::string TimeText(const google::protobuf::Timestamp& time);

// An enum value as people read it: API_STATE_LIVE of `API_STATE_` -> live.
std::string WordOfEnum(const std::string& value_name, std::string_view prefix);

// "api/orders deployed", on stdout; with --dry-run "api/orders would be deployed".
void Done(Context& context, const std::string& full_name, std::string_view what,
          const std::string& note = "");

}  // namespace tidegate::ctl
