// How tidegatectl ends. Scripts depend on these numbers.
#pragma once

namespace tidegate::ctl {

enum ExitCode : int {
  kDone = 0,
  kDiffers = 1,
  kUsage = 2,
  kRefused = 3,      // by validation, here or at the server
  kUnreachable = 4,
  kTimedOut = 5,
  kNotFound = 6,
  kConflict = 7,     // the etag did not fit
};

}  // namespace tidegate::ctl
