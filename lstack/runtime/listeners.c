/*
 * Listeners of a process with several stacks (listen_shadow = 1): one in each stack, with the address and
 * options of the application's. And what bind() asks of the stacks that the socket is not in.
 */
#include <errno.h>

#include "address.h"
#include "calls.h"
#include "stack.h"

bool gz_model_take(const struct gz_file *file, struct gz_model *model)
{
    int32_t length = (int32_t)w2c_stack_socketCopy(&gz_current->module, (u32)file->handle);

    if (length < 0 || (uint32_t)length > sizeof(model->bytes))
        return false;
    model->length = (uint32_t)length;
    memcpy(model->bytes, gz_at(GZ_CALL_OPTION), model->length);
    return true;
}

void gz_model_show(const struct gz_model *model)
{
    memcpy(gz_at(GZ_CALL_OPTION), model->bytes, model->length);
}

/* A listener in the current stack. */
static long listen_here(struct gz_file *file, const struct gz_model *model)
{
    if (!gz_current->shared->created || atomic_load(&gz_current->shared->poisoned))
        return 0;
    gz_model_show(model);
    int32_t handle = (int32_t)w2c_stack_socketShadow(&gz_current->module);

    if (handle < 0)
        return handle;
    file->places[gz_current->index] = handle;
    gz_reference(handle, 1);
    gz_watches_spread(file);
    return 0;
}

long gz_shadows_listen(struct gz_thread *thread, struct gz_file *file)
{
    struct gz_model model;
    long result = 0;

    if (file->everywhere) {
        gz_shadows_follow(thread, file);
        return 0;
    }
    if (!gz_file_places(file) || !gz_model_take(file, &model))
        return -ENOBUFS;
    file->everywhere = true;
    gz_file_enter(thread, file);
    GZ_VISIT(thread, GZ_ALL_STACKS & ~GZ_HERE)
        if (result == 0)
            result = listen_here(file, &model);
    if (result != 0)
        gz_shadows_end(thread, file);
    gz_file_leave(thread);
    return result;
}

void gz_shadows_follow(struct gz_thread *thread, struct gz_file *file)
{
    struct gz_model model;

    if (!gz_model_take(file, &model))
        return;
    gz_file_enter(thread, file);
    GZ_VISIT(thread, GZ_ALL_STACKS & ~GZ_HERE) {
        if (gz_handle(file) < 0)
            continue;
        gz_model_show(&model);
        w2c_stack_socketFollow(&gz_current->module, (u32)gz_handle(file));
    }
    gz_file_leave(thread);
}

/* Ends the listener's shadow in the current stack, as gz_socket_end() ends the listener. */
static void end_here(int32_t handle)
{
    if (gz_process.detached || atomic_load(&gz_current->shared->poisoned))
        return;
    gz_reference(handle, -1);
    if (gz_current->running || (atomic_load(&gz_current->shared->owner) == 0 && gz_unreferenced(handle)))
        w2c_stack_socketClose(&gz_current->module, (u32)handle, gz_now());
}

void gz_shadows_end(struct gz_thread *thread, struct gz_file *file)
{
    GZ_VISIT(thread, GZ_ALL_STACKS & ~GZ_HERE) {
        int32_t handle = gz_handle(file);

        file->places[gz_current->index] = -1;
        if (handle >= 0)
            end_here(handle);
    }
    file->everywhere = false;
}

long gz_may_bind(struct gz_thread *thread, struct gz_file *file, const struct gz_address *address)
{
    struct gz_model model;
    long result = 0;

    if (gz_process.stacks == 1 || address->port == 0 || !gz_model_take(file, &model))
        return 0;
    GZ_VISIT(thread, GZ_ALL_STACKS & ~GZ_HERE) {
        if (result != 0 || !gz_current->shared->created || atomic_load(&gz_current->shared->poisoned))
            continue;
        gz_model_show(&model);
        gz_endpoint_put(address);
        result = (int32_t)w2c_stack_socketMayBind(&gz_current->module);
    }
    return result;
}
