// diff: what apply would change, or how two states of an API differ. Exit code 1 when they do.
#include <ostream>

#include "sidecar/ctl/output.h"
#include "sidecar/ctl/source_map.h"
#include "sidecar/ctl/verbs.h"
#include "tidegate/admin/v1/api_service.pb.h"
#include "tidegate/admin/v1/config_service.pb.h"

namespace tidegate::ctl {
namespace {

namespace admin = tidegate::admin::v1;

// A value of several lines goes on below, indented.
std::string Indented(const std::string& value) {
  std::string text = Printable(value);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (text.find('\n') == std::string::npos) return " " + text;
  std::string result = "\n      ";
  for (const char c : text) {
    result += c;
    if (c == '\n') result += "      ";
  }
  return result;
}

void PrintField(Context& context, const admin::FieldDiff& field) {
  const bool colour = UsesColour(context.environment, context.environment.out_is_tty);
  const std::string path = Printable(field.path());
  std::string line = "  ";
  Colour sign = Colour::kYellow;
  if (field.old_value().empty()) {
    line += "+ " + path + ":" + Indented(field.new_value());
    sign = Colour::kGreen;
  } else if (field.new_value().empty()) {
    line += "- " + path + ":" + Indented(field.old_value());
    sign = Colour::kRed;
  } else {
    line += "~ " + path + ":" + Indented(field.old_value()) + " ->" +
            Indented(field.new_value());
  }
  context.out() << Paint(colour, sign, line) << '\n';
}

int DiffApi(Context& context) {
  Target target;
  if (!context.OneTarget({Type::kApi}, target)) return kUsage;
  if (!target.IsOne()) return context.Usage("diff needs api/NAME");
  admin::DiffApiRequest request;
  request.set_name(target.FullName());
  request.set_base(context.options.base);
  request.set_target(context.options.target);
  admin::DiffApiResponse response;
  const int code = context.Call("ApiService/DiffApi", "diff " + target.Text(), request, response);
  if (code != kDone) return code;
  if (!PrintItem(context, target.FullName(), response)) {
    const auto word = [](const std::string& given, const char* otherwise) {
      return given.empty() ? std::string(otherwise) : given;
    };
    if (response.diffs_size() > 0) {
      context.out() << target.Text() << ": " << word(request.base(), "deployed") << " -> "
                    << word(request.target(), "stored") << '\n';
    }
    for (const admin::FieldDiff& field : response.diffs()) PrintField(context, field);
  }
  return response.diffs_size() == 0 ? kDone : kDiffers;
}

}  // namespace

int RunDiff(Context& context) {
  const Options& options = context.options;
  if (!options.arguments.empty()) {
    if (!options.files.empty()) return context.Usage("diff takes -f or api/NAME, not both");
    return DiffApi(context);
  }
  if (!options.base.empty() || !options.target.empty()) {
    return context.Usage("--base and --target go with api/NAME");
  }
  if (options.prune && options.owner.empty()) return context.Usage("--prune needs --owner");
  SourceMap sources;
  if (const int code = sources.Read(context, options.files); code != kDone) return code;
  WarnOfGateways(context, sources);
  admin::DiffConfigRequest request;
  sources.FillBundle(*request.mutable_bundle());
  request.set_owner(options.owner);
  request.set_prune(options.prune);
  context.sources = &sources;
  admin::DiffConfigResponse response;
  const int code = context.Call("ConfigService/DiffConfig", "diff", request, response);
  context.sources = nullptr;
  if (code != kDone) return code;
  std::vector<Item> items;
  for (const admin::ResourceDiff& diff : response.diffs()) items.push_back({diff.name(), &diff});
  const int result = items.empty() ? kDone : kDiffers;
  if (PrintItems(context, items, true)) return result;
  bool taken_over = false;
  for (const admin::ResourceDiff& diff : response.diffs()) {
    context.out() << ShortName(diff.name()) << " would be "
                  << WordOfEnum(admin::ApplyAction_Name(diff.action()), "APPLY_ACTION_") << '\n';
    for (const admin::FieldDiff& field : diff.fields()) {
      PrintField(context, field);
      taken_over = taken_over || field.path() == "owner";
    }
  }
  if (taken_over) {
    context.Say("tidegatectl apply --force makes it so: it takes over what others keep");
  } else if (!items.empty()) {
    context.Say("tidegatectl apply makes it so");
  }
  return result;
}

}  // namespace tidegate::ctl
