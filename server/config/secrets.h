// What `{env: NAME}`, `{file: PATH}` and `location` may reach, and what stands there.
//
// Thread: any; Resolve reads the environment and files each time. Owner: the lifecycle makes one of
// the bootstrap. Fails: SECRET_UNRESOLVED with the name that was asked for, never with a value.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/status.h"
#include "server/config/violation.h"

namespace google::protobuf {
class Message;
}  // namespace google::protobuf

namespace tidegate::config {

inline constexpr std::size_t kSecretBytesMax = 1024 * 1024;

struct SecretRules {
  std::vector<std::string> files;  // directories
  std::vector<std::string> env;    // names; a trailing `*` stands for any rest
};

// What holds when the bootstrap says nothing: the well-known directories and the definition
// directories; any variable where the author is trusted with the machine, else none.
SecretRules DefaultSecretRules(const std::vector<std::string>& definition_directories,
                               bool trusted_author);

class SecretResolver {
 public:
  explicit SecretResolver(SecretRules rules);

  // FAILED_PRECONDITION with reason SECRET_UNRESOLVED. One trailing newline is cut.
  StatusOr<std::string> Env(std::string_view name) const;
  StatusOr<std::string> File(std::string_view path) const;
  // The same for a file of bytes: nothing is cut.
  StatusOr<std::string> Bytes(std::string_view path, std::size_t bytes_max) const;
  // Whether a path may be opened: absolute and, links followed, below a directory of the rules.
  Status CheckPath(std::string_view path) const;

  // Every reference in `message`, at any depth, replaced by its text; `location` fields are
  // checked. With `check_only` the message stays as it is.
  void Resolve(google::protobuf::Message* message, bool check_only, Violations& violations) const;

 private:
  SecretRules rules_;
};

// The text of a Secret or DataSource message: its own, or what its reference stands for.
StatusOr<std::string> ValueOf(const google::protobuf::Message& secret_or_source,
                              const SecretResolver& resolver);

// The files that references in `message` name, to be watched.
std::vector<std::string> ReferencedFiles(const google::protobuf::Message& message);

}  // namespace tidegate::config
