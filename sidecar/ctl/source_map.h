// The definitions that were read from files, and where their fields stand: what the server refuses
// by path is told by file, line and column.
//
// Thread: values. Owner: the verb that read the files. Fails: by violations.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/config/violation.h"
#include "server/config/yaml_reader.h"
#include "sidecar/ctl/client.h"

namespace tidegate::admin::v1 {
class ConfigBundle;
}

namespace tidegate::ctl {

class Context;

class SourceMap {
 public:
  // Reads files, directories and `-`. Not 0: reported, all errors of all files at once.
  int Read(Context& context, const std::vector<std::string>& paths);
  // The same without a report.
  config::Violations Read(const Environment& environment, const std::vector<std::string>& paths);

  const std::vector<config::Document>& documents() const { return documents_; }
  std::vector<config::Document>& documents() { return documents_; }

  // The definitions as a bundle, in the order of the files, without Gateways.
  void FillBundle(admin::v1::ConfigBundle& bundle) const;

  // A violation of the server with its place in the files, as far as it is known.
  config::Violation Locate(const CallViolation& violation, std::string_view resource) const;

 private:
  const config::Document* Find(std::string_view list, std::string_view key) const;

  std::vector<config::Document> documents_;
};

// Prints violations, one a line, with a closing line that counts them.
void PrintViolations(Context& context, const config::Violations& violations);

// A whole file, or standard input for `-`; at most a little more than the reader takes.
bool ReadFragment(const Environment& environment, const std::string& path, std::string& text);

// A Gateway among definitions is the process's own: said, and passed over.
void WarnOfGateways(Context& context, const SourceMap& sources);

}  // namespace tidegate::ctl
