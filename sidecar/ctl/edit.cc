// edit: a resource in the person's editor, guarded by its etag.
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <ostream>

#include <sys/wait.h>
#include <unistd.h>

#include "server/config/yaml_printer.h"
#include "sidecar/ctl/fetch.h"
#include "sidecar/ctl/source_map.h"
#include "sidecar/ctl/store.h"
#include "sidecar/ctl/verbs.h"

namespace tidegate::ctl {
namespace {

// Mode 0600, ending in .yaml so that editors know what it is. Empty when it cannot be made.
std::string WriteTemporary(const Environment& environment, const std::string& text) {
  std::string path = environment.getenv("TMPDIR").value_or("");
  if (path.empty()) path = "/tmp";
  path += "/tidegatectl-XXXXXX.yaml";
  const int fd = ::mkstemps(path.data(), 5);
  if (fd < 0) return "";
  ::close(fd);
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (file) return path;
  ::unlink(path.c_str());
  return "";
}

std::string ReadBack(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string Quoted(const std::string& path) {
  std::string result = "'";
  for (const char c : path) result += c == '\'' ? "'\\''" : std::string(1, c);
  return result + "'";
}

// Empty when the editor ended well.
std::string RunEditor(const Environment& environment, const std::string& path) {
  std::string editor = environment.getenv("VISUAL").value_or("");
  if (editor.empty()) editor = environment.getenv("EDITOR").value_or("");
  if (editor.empty()) editor = "vi";
  // As with git, EDITOR may hold arguments, so that it is the shell's to read.
  const int status = std::system((editor + " " + Quoted(path)).c_str());
  if (status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) return "";
  return "the editor failed (" + editor + "); name another in EDITOR";
}

int Keep(Context& context, const std::string& path, int code) {
  context.Say("your edit is kept in " + path + "\n  next: mend it, then tidegatectl apply -f " +
              path);
  return code;
}

std::string WithNote(const Target& target, const std::string& definition) {
  return "# " + target.Text() + ". Save and leave to change it; leave it as it is to change "
         "nothing.\n# A secret that shows {set: true} stays as it is.\n" + definition;
}

}  // namespace

int RunEdit(Context& context) {
  Target target;
  if (!context.OneTarget({Type::kApi, Type::kApplication, Type::kSubscription, Type::kPlan},
                         target)) {
    return kUsage;
  }
  if (!target.IsOne()) return context.Usage("edit needs a whole name");
  if (target.type == Type::kPlan) {
    return context.Usage("a plan is edited in its API: tidegatectl edit api/" + target.parts[0]);
  }
  Fetched fetched;
  if (const int code = Fetch(context, target, fetched); code != kDone) return code;
  const google::protobuf::Message& before = *fetched.items[0].message;
  const std::string text = WithNote(target, config::Print(before));
  const std::string path = WriteTemporary(context.environment, text);
  if (path.empty()) return context.Refused("cannot write a file for the editor; is TMPDIR right?");
  const std::string failure = RunEditor(context.environment, path);
  const bool changed = ReadBack(path) != text;
  if (!failure.empty()) {
    context.Refused(failure);
    if (changed) return Keep(context, path, kRefused);
  }
  if (!changed) {
    ::unlink(path.c_str());
    if (failure.empty()) context.Say(target.Text() + " unchanged");
    return failure.empty() ? kDone : kRefused;
  }
  SourceMap sources;
  if (const int code = sources.Read(context, {path}); code != kDone) {
    return Keep(context, path, code);
  }
  if (sources.documents().size() != 1 || sources.documents()[0].name != target.FullName()) {
    context.Refused("the file must hold " + target.Text() + " and nothing else");
    return Keep(context, path, kRefused);
  }
  context.sources = &sources;
  const int code = Store(context, target, before, *sources.documents()[0].message);
  context.sources = nullptr;
  if (code != kDone) return Keep(context, path, code);
  ::unlink(path.c_str());
  return kDone;
}

}  // namespace tidegate::ctl
