// Which metric slot the running thread writes: one per worker, and slot 0 for all other threads.
//
// A worker is the only writer of its slot, so its counters are plain relaxed load and store: no
// lock, no contended cache line. Slot 0 uses fetch_add.
#pragma once

#include <cstddef>

namespace tidegate::telemetry {

// Called once, before the first metric is made. Default: kSlotsDefault.
void SetSlotCount(std::size_t workers_plus_one);
std::size_t SlotCount();

// Called by a worker's thread at its start (index + 1). Out of range: slot 0.
void SetThreadSlot(std::size_t slot);

namespace internal {
inline thread_local std::size_t thread_slot = 0;
}
inline std::size_t ThreadSlot() { return internal::thread_slot; }

}  // namespace tidegate::telemetry
