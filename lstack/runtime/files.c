#include "files.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "stack.h"

/* When neither a limit nor the kernel says how many descriptors there can be. */
#define LIMIT_MOST (1u << 24)

static uint8_t *kinds, *stacks;
/* Guards the pool of files; the innermost lock. */
static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static struct gz_file **named;
static struct gz_file *pool;
static uint32_t limit, used, last_serial;
static struct gz_file *free_list;

static uint32_t find_limit(void)
{
    struct rlimit hard;
    unsigned long most = LIMIT_MOST;
    FILE *file = fopen("/proc/sys/fs/nr_open", "re");

    if (file != NULL) {
        if (fscanf(file, "%lu", &most) != 1 || most > LIMIT_MOST)
            most = LIMIT_MOST;
        fclose(file);
    }
    if (getrlimit(RLIMIT_NOFILE, &hard) == 0 && hard.rlim_max < most)
        most = hard.rlim_max;
    return (uint32_t)most;
}

static void *reserve(size_t size)
{
    void *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

int gz_files_start(void)
{
    limit = find_limit();
    kinds = reserve(limit);
    stacks = reserve(limit);
    named = reserve((size_t)limit * sizeof(struct gz_file *));
    pool = reserve((size_t)limit * sizeof(struct gz_file));
    return kinds != NULL && stacks != NULL && named != NULL && pool != NULL ? 0 : -1;
}

const uint8_t *gz_files_kinds(void)
{
    return kinds;
}

uint32_t gz_files_limit(void)
{
    return limit;
}

static struct gz_file *obtain(uint32_t *serial)
{
    bool several = gz_process.stacks > 1;

    if (several)
        pthread_mutex_lock(&pool_lock);
    struct gz_file *file = free_list;

    if (file != NULL)
        free_list = file->next_free;
    else if (used < limit)
        file = &pool[used++];
    *serial = ++last_serial;
    if (several)
        pthread_mutex_unlock(&pool_lock);
    return file;
}

struct gz_file *gz_file_new(enum gz_kind kind)
{
    uint32_t serial = 0;
    struct gz_file *file = obtain(&serial);

    if (file == NULL)
        return NULL;
    *file = (struct gz_file){
        .kind = (uint8_t)kind, .handle = -1, .kept = -1, .serial = serial,
        .stack = (uint8_t)gz_current->index, .places = file->places,
    };
    if (kind == GZ_KIND_EPOLL && !gz_file_places(file)) {
        gz_file_free(file);
        return NULL;
    }
    return file;
}

bool gz_file_places(struct gz_file *file)
{
    if (file->places == NULL)
        file->places = malloc(gz_process.stacks * sizeof(*file->places));
    for (uint32_t i = 0; file->places != NULL && i < gz_process.stacks; i++)
        file->places[i] = -1;
    return file->places != NULL;
}

uint32_t gz_file_stack(const struct gz_thread *thread, int fd)
{
    if (fd < 0 || (uint32_t)fd >= limit || __atomic_load_n(&kinds[fd], __ATOMIC_ACQUIRE) == GZ_KIND_NONE)
        return thread->home;
    return stacks[fd];
}

int32_t gz_handle(const struct gz_file *file)
{
    if (file->kind == GZ_KIND_EPOLL)
        return gz_face(file);
    if (file->stack == gz_current->index)
        return file->handle;
    return file->everywhere ? file->places[gz_current->index] : -1;
}

void gz_file_free(struct gz_file *file)
{
    free(file->model);
    file->model = NULL;
    file->kind = GZ_KIND_NONE;
    file->kept = -1;
    if (gz_process.stacks > 1)
        pthread_mutex_lock(&pool_lock);
    file->next_free = free_list;
    free_list = file;
    if (gz_process.stacks > 1)
        pthread_mutex_unlock(&pool_lock);
}

void gz_file_attach(int fd, struct gz_file *file)
{
    named[fd] = file;
    stacks[fd] = file->stack;
    file->descriptors++;
    __atomic_store_n(&kinds[fd], file->kind, __ATOMIC_RELEASE);
}

struct gz_file *gz_file_at(int fd, enum gz_kind kind)
{
    if (fd < 0 || (uint32_t)fd >= limit || kinds[fd] != kind)
        return NULL;
    return named[fd];
}

struct gz_file *gz_file_detach(int fd)
{
    struct gz_file *file = named[fd];

    __atomic_store_n(&kinds[fd], GZ_KIND_NONE, __ATOMIC_RELEASE);
    named[fd] = NULL;
    if (file == NULL || --file->descriptors > 0)
        return NULL;
    return file;
}

void gz_file_internal(int fd)
{
    if ((uint32_t)fd < limit)
        __atomic_store_n(&kinds[fd], GZ_KIND_INTERNAL, __ATOMIC_RELEASE);
}

void gz_file_to_kernel(int fd, struct gz_file *file)
{
    file->side = GZ_KERNEL_SIDE;
    file->handle = -1;
    if (gz_file_detach(fd) != NULL && file->calls == 0)
        gz_file_free(file);
}

void gz_files_all(void (*visit)(struct gz_file *))
{
    for (uint32_t i = 0; i < used; i++)
        if (pool[i].kind != GZ_KIND_NONE && (pool[i].descriptors > 0 || pool[i].calls > 0))
            visit(&pool[i]);
}

void gz_files_each(enum gz_kind kind, void (*visit)(struct gz_file *))
{
    for (uint32_t i = 0; i < used; i++)
        if (pool[i].kind == kind && pool[i].stack == gz_current->index &&
            (pool[i].descriptors > 0 || pool[i].calls > 0))
            visit(&pool[i]);
}

/* An epoll instance that was reached by our own duplicate: the child has none. */
static void reach_by_name(struct gz_file *file)
{
    file->kept = -1;
    for (uint32_t fd = 0; fd < limit; fd++)
        if (named[fd] == file)
            file->epoll_fd = (int)fd;
}

void gz_files_forked(void)
{
    pthread_mutex_init(&pool_lock, NULL);
    for (uint32_t i = 0; i < used; i++) {
        struct gz_file *file = &pool[i];

        if (file->calls == 0 && file->kept < 0)
            continue;
        file->calls = 0;
        if (file->descriptors > 0)
            reach_by_name(file);
        else if (file->kind != GZ_KIND_NONE)
            gz_file_free(file);
    }
}

bool gz_detached(const struct gz_file *file)
{
    (void)file;
    if (gz_current->running)
        return false;
    return gz_process.detached || (atomic_load(&gz_current->shared->owner) != 0 && gz_claim() != 0);
}

void gz_reference(int32_t handle, int by)
{
    uint16_t *count = &gz_current->shared->references[(uint32_t)handle & 0xfffff];

    *count = (uint16_t)(*count + by);
}

bool gz_unreferenced(int32_t handle)
{
    return gz_current->shared->references[(uint32_t)handle & 0xfffff] == 0;
}
