/*
 * fork (DESIGN D8): before the claim a child shares everything; after it, its stack descriptors are only
 * numbers.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "calls.h"
#include "stack.h"
#include "wait.h"

static struct gz_thread *forking;

static void add_reference(struct gz_file *file)
{
    if (file->handle >= 0)
        gz_reference(file->handle, 1);
}

static void drop_reference(struct gz_file *file)
{
    if (file->handle >= 0)
        gz_reference(file->handle, -1);
}

void gz_fork_prepare(void)
{
    forking = gz_lock();
    if (forking != NULL && !gz_stack.running && !gz_stack.detached)
        gz_files_each(GZ_KIND_SOCKET, add_reference);
}

void gz_fork_parent(pid_t child)
{
    struct gz_thread *thread = forking;

    if (thread == NULL)
        return;
    if (child < 0 && !gz_stack.running && !gz_stack.detached)
        gz_files_each(GZ_KIND_SOCKET, drop_reference);
    forking = NULL;
    gz_unlock(thread);
}

/*
 * The engine's own descriptors are the parent's; a child that shares the region keeps its mapping without
 * one. `kept` is the port's while nobody has claimed it: the child may, when it has lost the right to make
 * another.
 */
static void close_internal(int kept)
{
    const uint8_t *kinds = gz_files_kinds();

    for (uint32_t fd = 0; fd < gz_files_limit(); fd++) {
        if (kinds[fd] == GZ_KIND_INTERNAL && (int)fd != kept) {
            gz_file_detach((int)fd);
            close((int)fd);
        }
    }
}

void gz_fork_child(void)
{
    struct gz_thread *thread = forking;

    forking = NULL;
    gz_threads_forked();
    gz_waits_forked();
    gz_files_forked();
    if (gz_stack.running || gz_stack.detached)
        gz_stack.wire.fd = -1;
    close_internal(gz_stack.wire.fd);
    gz_stack.wire.opened = false;
    gz_stack.port_count = 0;
    gz_stack.region_fd = -1;
    gz_stack.deferred = false;
    atomic_store(&gz_stack.waiting, 0);
    if (gz_stack.running) {
        gz_stack.detached = true;
        /* The parent must not care where its child is stopped, or dies: they have no lock in common. */
        if (gz_shared_renew() == 0)
            atomic_store(&gz_stack.shared->poisoned, 1);
    } else if (!gz_stack.shared->created) {
        gz_shared_renew();
    }
    gz_stack.running = false;
    if (thread != NULL)
        thread->inside = 0;
}
