// explain: what a field of the definitions means; no server is needed.
#include "server/config/explain.h"

#include <ostream>

#include "sidecar/ctl/verbs.h"

namespace tidegate::ctl {

int RunExplain(Context& context) {
  if (context.options.arguments.size() != 1) {
    return context.Usage("explain needs a kind and fields, as api.entrypoints.sse");
  }
  const auto text = config::Explain(context.options.arguments[0]);
  if (!text.ok()) {
    context.Refused(MessageOf(text.status()));
    return kNotFound;
  }
  context.out() << *text;
  if (!text->empty() && text->back() != '\n') context.out() << '\n';
  return kDone;
}

}  // namespace tidegate::ctl
