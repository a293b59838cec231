#include "wasm_rt_memory.h"

#include <sys/mman.h>

#define WINDOW (8ull << 30)
#define WASM_PAGE 65536u

int gz_wasm_memory_map(wasm_rt_memory_t *memory, uint64_t size)
{
    void *window = mmap(NULL, WINDOW, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (window == MAP_FAILED)
        return -1;
    if (mprotect(window, size, PROT_READ | PROT_WRITE) != 0) {
        munmap(window, WINDOW);
        return -1;
    }
    memory->data = window;
    memory->pages = size / WASM_PAGE;
    memory->max_pages = memory->pages;
    memory->size = size;
    memory->is64 = false;
    return 0;
}

void gz_wasm_memory_unmap(wasm_rt_memory_t *memory)
{
    munmap(memory->data, WINDOW);
    memory->data = NULL;
    memory->size = 0;
}

/* Memories have the size they were mapped with; a module that asks for more is told that there is none. */
uint64_t wasm_rt_grow_memory(wasm_rt_memory_t *memory, uint64_t pages)
{
    return pages == 0 ? memory->pages : (uint32_t)-1;
}
