// Notices changes of definition directories and of the files that secrets come from.
//
// Polled (stat through symlinks, each second): inotify does not see what Kubernetes does when it
// swaps the symlink of a mounted ConfigMap or Secret, and a poll of a few files costs microseconds.
// Thread: the caller's (control). Fails: a directory that is gone counts as empty.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tidegate::sidecar {

// Changes with every name, size, inode and modification time of the files that are read
// (*.yaml *.yml *.json without a leading dot) in `directory`.
std::string DirectoryStamp(const std::string& directory);
// The same of single files.
std::string FilesStamp(const std::vector<std::string>& files);

}  // namespace tidegate::sidecar
