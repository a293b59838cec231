/*
 * The region: one sealed memory file inside a reserved window, and the page that processes share beside it.
 */
#include "stack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "files.h"

/* A 32-bit address plus a 32-bit offset cannot leave it. */
#define WINDOW (8ull << 30)
#define WASM_PAGE 65536u
#define HUGE_PAGE (2u << 20)
/* The engine's descriptors stand behind those that applications get first. */
#define INTERNAL_LEAST 896
#define INTERNAL_COUNT 128

struct gz_stack gz_stacks[GZ_STACKS_MAX];
struct gz_process gz_process;
__thread struct gz_stack *gz_current __attribute__((tls_model("initial-exec"))) = &gz_stacks[0];

uint64_t gz_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int gz_internal(int fd)
{
    struct rlimit limit;
    int least = 0, moved;

    if (fd < 0)
        return -1;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        if (limit.rlim_cur >= INTERNAL_LEAST + INTERNAL_COUNT)
            least = INTERNAL_LEAST;
        else if (limit.rlim_cur > INTERNAL_COUNT)
            least = (int)limit.rlim_cur - INTERNAL_COUNT;
    }
    moved = fcntl(fd, F_DUPFD_CLOEXEC, least);
    if (moved < 0)
        moved = fd;
    else
        close(fd);
    gz_file_internal(moved);
    return moved;
}

static int make_lock(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attributes;

    if (pthread_mutexattr_init(&attributes) != 0)
        return -1;
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    int failed = pthread_mutex_init(lock, &attributes);

    pthread_mutexattr_destroy(&attributes);
    return failed ? -1 : 0;
}

struct gz_shared *gz_shared_make(void)
{
    struct gz_shared *shared = mmap(NULL, sizeof(struct gz_shared), PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return shared == MAP_FAILED || make_lock(&shared->lock) != 0 ? NULL : shared;
}

int gz_shared_renew(void)
{
    struct gz_shared *shared = gz_shared_make();

    if (shared != NULL)
        gz_current->shared = shared;
    return shared == NULL ? -1 : 0;
}

static void number_stacks(void)
{
    const struct gz_config *config = &gz_process.config;

    gz_process.stacks = config->stacks > 1 ? (uint32_t)config->stacks : 1;
    for (uint32_t i = 0; i < gz_process.stacks; i++) {
        struct gz_stack *stack = &gz_stacks[i];
        bool has_cpu = config->cpus != NULL && config->cpus[0] != NULL;

        stack->index = i;
        stack->cpu = has_cpu ? atoi(config->cpus[i]) : -1;
        stack->region_fd = -1;
        stack->wire.fd = -1;
        atomic_init(&stack->next_deadline, GZ_NEVER);
        stack->keeper.alarm_clock = -1;
    }
}

int gz_window_renew(void)
{
    void *window = mmap(NULL, WINDOW, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (window == MAP_FAILED)
        return -1;
    if (gz_current->env.memory.data != NULL)
        munmap(gz_current->env.memory.data, WINDOW);
    gz_current->env.memory.data = window;
    return 0;
}

static int reserve_one(void)
{
    if (gz_window_renew() != 0)
        return -1;
    gz_current->region_size = (uint32_t)gz_process.config.memory_size << 20;
    return gz_shared_renew();
}

int gz_region_reserve(void)
{
    int result = 0;

    number_stacks();
    for (uint32_t i = 0; result == 0 && i < gz_process.stacks; i++) {
        gz_current = &gz_stacks[i];
        result = reserve_one();
    }
    gz_current = &gz_stacks[0];
    return result;
}

/* A memory file of the region's size, mapped at the window's start. */
static int map_file(unsigned flags)
{
    int fd = memfd_create("gazelle", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);
    uint8_t *data = gz_current->env.memory.data;

    if (fd < 0)
        return -1;
    if (ftruncate(fd, gz_current->region_size) != 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0 ||
        mmap(data, gz_current->region_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
            MAP_FAILED) {
        int reason = errno;

        /* A failed MAP_FIXED may have taken the reservation away. */
        mmap(data, gz_current->region_size, PROT_NONE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
        close(fd);
        errno = reason;
        return -1;
    }
    return fd;
}

/* Maps the memory and lays the region out in it; 0 or -errno. */
static int lay_out(void)
{
    wasm_rt_memory_t *memory = &gz_current->env.memory;
    int fd = -1;

    if (gz_current->region_size % HUGE_PAGE == 0)
        fd = map_file(MFD_HUGETLB);
    if (fd < 0)
        fd = map_file(0);
    if (fd < 0)
        return -errno;
    gz_current->region_fd = gz_internal(fd);
    gz_memory_to_node();
    memory->size = gz_current->region_size;
    memory->pages = memory->size / WASM_PAGE;
    memory->max_pages = memory->pages;
    wasm2c_stack_instantiate(&gz_current->module, &gz_current->env);
    if (getrandom(gz_at(GZ_CALL + GZ_CALL_SEED), 32, 0) != 32)
        return -EIO;
    if (w2c_stack_create(&gz_current->module, gz_current->region_size, gz_now()) != 0)
        return -ENOMEM;
    w2c_stack_stackPlace(&gz_current->module, gz_current->index, gz_process.stacks);
    return 0;
}

static int create_one(struct gz_thread *thread)
{
    char *message = gz_current->wire.message;
    int result;

    (void)thread;
    if (gz_current->shared->created)
        return 0;
    if (gz_process.failed)
        return -ENETDOWN;
    result = lay_out();
    if (result != 0)
        snprintf(message, sizeof(gz_current->wire.message), "cannot make the stack's memory of %lld MiB: %s",
            (long long)gz_process.config.memory_size, strerror(-result));
    if (result != 0 || gz_introduce() != 0)
        return (int)gz_start_failed();
    gz_current->shared->created = true;
    return 0;
}

int gz_region_create(void)
{
    if (gz_current->shared->created)
        return 0;
    return gz_in_every_stack(gz_thread(), create_one);
}

void gz_count_fallback(uint32_t reason)
{
    if (gz_current->shared->created)
        w2c_stack_fallback(&gz_current->module, reason);
}
