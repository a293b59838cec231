/*
 * fork (DESIGN D8): before the claim a child shares everything; after it, its stack descriptors are only
 * numbers.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "calls.h"
#include "stack.h"
#include "wait.h"

static struct gz_thread *forking;

/* Every stack's lock is held. */
static void count(struct gz_file *file, int by)
{
    struct gz_stack *here = gz_current;

    for (uint32_t i = 0; i < gz_process.stacks; i++) {
        gz_current = &gz_stacks[i];
        if (gz_handle(file) >= 0)
            gz_reference(gz_handle(file), by);
    }
    gz_current = here;
}

static void add_reference(struct gz_file *file)
{
    count(file, 1);
}

static void drop_reference(struct gz_file *file)
{
    count(file, -1);
}

/* All locks, in order; the first stack's as every call has it. */
void gz_fork_prepare(void)
{
    forking = gz_lock_stack(&gz_stacks[0]);
    for (uint32_t i = 0; forking != NULL && i < gz_process.stacks; i++) {
        gz_current = &gz_stacks[i];
        if (i > 0 && pthread_mutex_lock(&gz_current->shared->lock) == EOWNERDEAD)
            gz_lock_inherit();
        if (!gz_current->running && !gz_process.detached)
            gz_files_each(GZ_KIND_SOCKET, add_reference);
    }
    gz_current = &gz_stacks[0];
}

void gz_fork_parent(pid_t child)
{
    struct gz_thread *thread = forking;

    if (thread == NULL)
        return;
    for (uint32_t i = 0; i < gz_process.stacks; i++) {
        gz_current = &gz_stacks[i];
        if (child < 0 && !gz_current->running && !gz_process.detached)
            gz_files_each(GZ_KIND_SOCKET, drop_reference);
        if (i > 0)
            pthread_mutex_unlock(&gz_current->shared->lock);
    }
    gz_current = &gz_stacks[0];
    forking = NULL;
    gz_unlock(thread);
}

static bool is_kept(int fd)
{
    for (uint32_t i = 0; i < gz_process.stacks; i++)
        if (gz_stacks[i].wire.fd == fd)
            return true;
    return false;
}

/*
 * The engine's own descriptors are the parent's; a child that shares the region keeps its mapping without
 * one. A port's is kept while nobody has claimed it: the child may, when it has lost the right to make
 * another.
 */
static void close_internal(void)
{
    const uint8_t *kinds = gz_files_kinds();

    for (uint32_t fd = 0; fd < gz_files_limit(); fd++) {
        if (kinds[fd] == GZ_KIND_INTERNAL && !is_kept((int)fd)) {
            gz_file_detach((int)fd);
            close((int)fd);
        }
    }
}

/* What is left of the current stack in a child. */
static void leave_stack(void)
{
    gz_waits_forked();
    gz_current->wire.opened = false;
    gz_current->port_count = 0;
    gz_current->region_fd = -1;
    gz_current->deferred = false;
    atomic_store(&gz_current->waiting, 0);
    if (gz_current->running) {
        gz_process.detached = true;
        /* The parent must not care where its child is stopped, or dies: they have no lock in common. */
        if (gz_shared_renew() == 0)
            atomic_store(&gz_current->shared->poisoned, 1);
    } else if (!gz_current->shared->created) {
        gz_shared_renew();
    }
    gz_current->running = false;
}

void gz_fork_child(void)
{
    struct gz_thread *thread = forking;

    forking = NULL;
    gz_threads_forked();
    gz_binds_forked();
    gz_files_forked();
    bool detached = gz_process.detached;
    bool shares = gz_current->shared->created && !gz_current->running && !detached;

    gz_process.forker = shares && gz_process.config.port_kind == GZ_PORT_KIND_LTRAN ? getppid() : 0;

    for (uint32_t i = 0; i < gz_process.stacks; i++)
        if (gz_stacks[i].running || detached)
            gz_stacks[i].wire.fd = -1;
    close_internal();
    atomic_store(&gz_process.claimed, false);
    for (uint32_t i = 0; i < gz_process.stacks; i++) {
        gz_current = &gz_stacks[i];
        leave_stack();
    }
    gz_current = &gz_stacks[0];
    if (thread != NULL)
        thread->inside = 0;
}
