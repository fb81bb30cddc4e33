#include "sidecar/ctl/output.h"

#include <ostream>

#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/time_util.h>

#include "server/base/strings.h"
#include "server/config/values.h"
#include "server/config/yaml_printer.h"

namespace tidegate::ctl {
namespace {

// Definitions are printed as apply reads them; of all else every field counts.
config::PrintOptions OptionsFor(const google::protobuf::Message& message) {
  const std::string type = message.GetDescriptor()->name();
  config::PrintOptions options;
  options.status = type != "Api" && type != "Application" && type != "Subscription" &&
                   type != "Plan" && type != "Endpoint";
  return options;
}

std::string AsJson(const Context& context, const google::protobuf::Message& message) {
  if (context.options.output == "proto-json") return ProtoJson(message);
  config::PrintOptions options = OptionsFor(message);
  options.form = config::PrintForm::kJson;
  std::string text = config::Print(message, options);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

void PrintJson(Context& context, const std::vector<Item>& items, bool is_list) {
  if (!is_list) {
    for (const Item& item : items) context.out() << AsJson(context, *item.message) << '\n';
    return;
  }
  context.out() << '[';
  const char* separator = "\n";
  for (const Item& item : items) {
    context.out() << separator << "  " << Indented(AsJson(context, *item.message));
    separator = ",\n";
  }
  context.out() << (items.empty() ? "]\n" : "\n]\n");
}

}  // namespace

std::string ProtoJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(message, &text, options);
  if (!status.ok()) return "{}";
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

// JSON holds no line ends but those between its parts.
std::string Indented(const std::string& json) {
  std::string out;
  for (const char c : json) {
    out += c;
    if (c == '\n') out += "  ";
  }
  return out;
}

bool PrintItems(Context& context, const std::vector<Item>& items, bool is_list) {
  const std::string& output = context.options.output;
  if (output == "table") return false;
  if (output == "name") {
    for (const Item& item : items) context.out() << ShortName(item.name) << '\n';
  } else if (output == "yaml") {
    const char* separator = "";
    for (const Item& item : items) {
      context.out() << separator << config::Print(*item.message, OptionsFor(*item.message));
      separator = "---\n";
    }
  } else {
    PrintJson(context, items, is_list);
  }
  return true;
}

bool PrintItem(Context& context, const std::string& name,
               const google::protobuf::Message& message) {
  return PrintItems(context, {{name, &message}}, false);
}

void PrintTable(Context& context, const Table& table) {
  table.Print(context.out(), UsesColour(context.environment, context.environment.out_is_tty));
}

std::string AgeOf(const Context& context, const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0) return "";
  const auto now = context.environment.now().time_since_epoch();
  return Age(std::chrono::duration_cast<std::chrono::seconds>(now) -
             std::chrono::seconds(time.seconds()));
}

std::string TimeText(const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0) return "";
  google::protobuf::Timestamp whole;
  whole.set_seconds(time.seconds());
  return google::protobuf::util::TimeUtil::ToString(whole);
}

std::string WordOfEnum(const std::string& value_name, std::string_view prefix) {
  const std::string word =
      StartsWith(value_name, prefix) ? value_name.substr(prefix.size()) : value_name;
  return word == "UNSPECIFIED" ? "" : config::KebabOfUpper(word);
}

void Done(Context& context, const std::string& full_name, std::string_view what,
          const std::string& note) {
  context.out() << ShortName(full_name) << ' ' << (context.options.dry_run ? "would be " : "")
                << what << (note.empty() ? "" : " (" + note + ")") << '\n';
}

}  // namespace tidegate::ctl
