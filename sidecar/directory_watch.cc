#include "sidecar/directory_watch.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>

#include "server/base/codec.h"

namespace tidegate::sidecar {
namespace {

bool IsDefinition(const std::string& name) {
  if (name.empty() || name[0] == '.') return false;
  for (const char* extension : {".yaml", ".yml", ".json"}) {
    const std::string end(extension);
    if (name.size() > end.size() && name.compare(name.size() - end.size(), end.size(), end) == 0) {
      return true;
    }
  }
  return false;
}

void AppendStat(std::string& out, const std::string& name, const std::string& path) {
  struct stat info {};
  out += name;
  out += '\0';
  if (stat(path.c_str(), &info) != 0) {
    out += "gone";
  } else {
    out += std::to_string(info.st_ino) + ' ' + std::to_string(info.st_size) + ' ' +
           std::to_string(info.st_mtim.tv_sec) + ' ' + std::to_string(info.st_mtim.tv_nsec);
  }
  out += '\n';
}

std::string Digest(const std::string& text) {
  const Sha256Digest digest = Sha256(text);
  return Hex(digest.data(), digest.size());
}

}  // namespace

std::string DirectoryStamp(const std::string& directory) {
  std::vector<std::string> names;
  if (DIR* dir = opendir(directory.c_str())) {
    while (const dirent* entry = readdir(dir)) {
      if (IsDefinition(entry->d_name)) names.emplace_back(entry->d_name);
    }
    closedir(dir);
  }
  std::sort(names.begin(), names.end());
  std::string text;
  for (const std::string& name : names) AppendStat(text, name, directory + "/" + name);
  return Digest(text);
}

std::string FilesStamp(const std::vector<std::string>& files) {
  std::string text;
  for (const std::string& file : files) AppendStat(text, file, file);
  return Digest(text);
}

}  // namespace tidegate::sidecar
