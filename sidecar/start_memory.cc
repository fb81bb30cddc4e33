#include "sidecar/start_memory.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef TIDEGATE_MIMALLOC
#include <mimalloc.h>
#endif

#include <cstddef>
#include <cstdint>

namespace tidegate::sidecar {
namespace {

// Drops page-table entries only: a segment that nobody can write has no pages of its own.
int DropReadOnly(dl_phdr_info* object, std::size_t, void*) {
  static const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    const std::uintptr_t begin = (object->dlpi_addr + segment.p_vaddr + page - 1) & ~(page - 1);
    const std::uintptr_t last = object->dlpi_addr + segment.p_vaddr + segment.p_memsz;
    const std::uintptr_t end = last & ~(page - 1);
    if (begin >= end) continue;
    // Refused for what is not a plain file mapping (vdso); then it stays.
    static_cast<void>(madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED));
  }
  return 0;
}

}  // namespace

void GiveBackStartMemory() {
#ifdef TIDEGATE_MIMALLOC
  mi_collect(true);
#else
  malloc_trim(0);
#endif
  dl_iterate_phdr(DropReadOnly, nullptr);
}

}  // namespace tidegate::sidecar
