/*
 * pthread_cancel (DESIGN D11): who is in the engine is cancelled when it leaves, so that it holds no lock and
 * stands in no list; its blocking calls end early for that. libc is told of a cancellation under the lock
 * only.
 */
#include <pthread.h>

#include "calls.h"
#include "stack.h"

int gz_cancel(pthread_t id)
{
    struct gz_thread *thread = gz_lock(-1);
    struct gz_thread *other = gz_thread_of(id);
    bool itself = pthread_equal(id, pthread_self()) != 0;
    int result = 0;

    if (other != NULL)
        atomic_store(&other->cancelled, true);
    if (other != NULL && other->inside && !itself)
        gz_thread_kick(other);
    else if (!itself)
        result = pthread_cancel(id);
    if (thread != NULL)
        gz_unlock(thread);
    return itself ? pthread_cancel(id) : result;
}

void gz_shield(struct gz_thread *thread)
{
    if (thread->shielded)
        return;
    thread->shielded = true;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &thread->cancel_state);
}

bool gz_cancelling(const struct gz_thread *thread)
{
    return thread->shielded && thread->cancel_state == PTHREAD_CANCEL_ENABLE;
}

void gz_unshield(struct gz_thread *thread)
{
    thread->shielded = false;
    pthread_cancel(pthread_self());
    pthread_setcancelstate(thread->cancel_state, NULL);
}
