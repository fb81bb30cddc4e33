// Which build this is: version of the project, and revision of the source.
//
// The revision is asked of git when CMake configures, and only version.cc is compiled again when it
// changes; a build from an archive says `unknown`, packagers pass -DTIDEGATE_REVISION=…
// Thread: any. Fails: never.
#pragma once

#include <string>

namespace tidegate::sidecar {

std::string Version();
std::string Revision();

}  // namespace tidegate::sidecar
