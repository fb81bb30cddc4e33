// What only the start needed goes back to the kernel.
//
// Reading and checking definitions touches code and heap that serving never looks at again:
// parsers, descriptors, validation. Thread: any, once after the start. Fails: never; what cannot
// be given back stays.
#pragma once

namespace tidegate::sidecar {

// Free heap pages, and the mappings of read-only file pages (code, constants): what is needed again
// is mapped again from the page cache, a minor fault per 64 KiB.
void GiveBackStartMemory();

}  // namespace tidegate::sidecar
