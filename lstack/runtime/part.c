/*
 * Processes that were forked before anybody claimed the stacks share them (process.c). A port to ltran is
 * each process' own: behind ltran each that has something to do with its sockets makes stacks of its own, as
 * the workers of a server do. The sockets have seen no traffic yet and are made again there, each when this
 * process first uses it: one that another process alone uses, as workers' listeners with SO_REUSEPORT, has no
 * part in this one's traffic.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "calls.h"
#include "files.h"
#include "stack.h"

/* Takes what is to be known of a file out of the current stack. */
static void take_along(struct gz_file *file)
{
    int32_t handle = gz_handle(file);
    bool is_own = file->stack == gz_current->index;

    if (file->kind != GZ_KIND_SOCKET || handle < 0)
        return;
    gz_reference(handle, -1);
    if (!is_own)
        return;
    if (file->model == NULL)
        file->model = malloc(sizeof(*file->model));
    if (file->model != NULL && !gz_model_take(file, file->model)) {
        free(file->model);
        file->model = NULL;
    }
    file->handle = -1;
}

static int leave(struct gz_thread *thread)
{
    (void)thread;
    if (!gz_current->shared->created)
        return 0;
    gz_files_all(take_along);
    struct gz_shared *shared = gz_shared_make();

    if (shared == NULL || gz_window_renew() != 0)
        return -ENOMEM;
    gz_lock_change(shared);
    return 0;
}

static void forget_places(struct gz_file *file)
{
    file->everywhere = false;
    if (file->places != NULL)
        gz_file_places(file);
}

void gz_revive(struct gz_file *file)
{
    struct gz_model model = *file->model;

    free(file->model);
    file->model = NULL;
    gz_model_show(&model);
    file->handle = (int32_t)w2c_stack_socketShadow(&gz_current->module);
    if (file->handle < 0)
        return;
    gz_reference(file->handle, 1);
    if (file->side != GZ_UNDECIDED)
        gz_watches_spread(file);
    if (file->listening && gz_process.stacks > 1 && gz_process.config.listen_shadow != 0)
        gz_shadows_listen(gz_thread(), file);
}

static void revive_watched(struct gz_file *file)
{
    if (file->model != NULL && file->watches != NULL)
        gz_revive(file);
}

static void revive_any(struct gz_file *file)
{
    if (file->model != NULL)
        gz_revive(file);
}

static int revive_here(struct gz_thread *thread)
{
    (void)thread;
    gz_files_each(GZ_KIND_SOCKET, revive_watched);
    return 0;
}

static int revive_all_here(struct gz_thread *thread)
{
    (void)thread;
    gz_files_each(GZ_KIND_SOCKET, revive_any);
    return 0;
}

void gz_part(bool all)
{
    pid_t owner = atomic_load(&gz_stacks[0].shared->owner);
    struct gz_thread *thread = gz_thread();

    if (!gz_process_alive(gz_process.forker) && (owner == 0 || !gz_process_alive(owner)))
        return;
    gz_process.forker = 0;
    if (gz_in_every_stack(thread, leave) != 0) {
        snprintf(gz_current->wire.message, sizeof(gz_current->wire.message),
            "no address space for stacks of its own; check `ulimit -v`");
        gz_start_failed();
        return;
    }
    gz_files_all(forget_places);
    if (gz_region_create() == 0)
        gz_in_every_stack(thread, all ? revive_all_here : revive_here);
}
