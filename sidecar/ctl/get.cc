// get: resources as a table, as definitions, as JSON, or by name.
#include "sidecar/ctl/fetch.h"
#include "sidecar/ctl/rows.h"
#include "sidecar/ctl/verbs.h"

namespace tidegate::ctl {
namespace {

std::string EmptyText(const Target& target) {
  std::string text = "no " + std::string(TypeWord(target.type)) + "s";
  if (!target.parts.empty()) text += " in api/" + target.parts[0];
  return text;
}

// Targets of several types have a table each.
void PrintTables(Context& context, const std::vector<Target>& targets,
                 const std::vector<Fetched>& fetched) {
  for (std::size_t i = 0; i < targets.size(); ++i) {
    bool printed = false;
    for (std::size_t j = 0; j < i; ++j) printed = printed || targets[j].type == targets[i].type;
    if (printed) continue;
    Table table = TableOf(targets[i].type);
    for (std::size_t j = i; j < targets.size(); ++j) {
      if (targets[j].type != targets[i].type) continue;
      for (const Item& item : fetched[j].items) {
        AddRow(context, targets[i].type, *item.message, table);
      }
    }
    if (!table.empty()) {
      PrintTable(context, table);
    } else if (!fetched[i].missing) {
      context.Say(EmptyText(targets[i]));
    }
  }
}

}  // namespace

int RunGet(Context& context) {
  std::vector<Target> targets;
  if (!context.Targets({Type::kApi, Type::kPlan, Type::kApplication, Type::kSubscription,
                        Type::kKey, Type::kEndpoint, Type::kListener},
                       targets)) {
    return kUsage;
  }
  std::vector<Fetched> fetched(targets.size());
  std::vector<Item> items;
  bool is_list = targets.size() > 1;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (const int code = Fetch(context, targets[i], fetched[i]); code != kDone) return code;
    is_list = is_list || !targets[i].IsOne();
    items.insert(items.end(), fetched[i].items.begin(), fetched[i].items.end());
  }
  if (!PrintItems(context, items, is_list)) PrintTables(context, targets, fetched);
  return kDone;
}

}  // namespace tidegate::ctl
