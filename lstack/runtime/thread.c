#include "thread.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stack.h"

static __thread struct gz_thread *self __attribute__((tls_model("initial-exec")));
static pthread_key_t key;
static pthread_mutex_t free_lock = PTHREAD_MUTEX_INITIALIZER;
static struct gz_thread *free_list;
/* Every structure there is. */
static struct gz_thread *all;

static void thread_ended(void *value)
{
    struct gz_thread *thread = value;

    self = NULL;
    gz_affinity_ended(thread);
    pthread_mutex_lock(&free_lock);
    thread->ended = true;
    thread->next_free = free_list;
    free_list = thread;
    pthread_mutex_unlock(&free_lock);
}

/* What a thread of the engine's own begins with. */
struct beginning {
    void *(*run)(void *);
    struct gz_stack *stack;
};

/* The engine's own thread. */
static __thread bool is_ours __attribute__((tls_model("initial-exec")));

static void *begin(void *argument)
{
    struct beginning beginning = *(struct beginning *)argument;

    free(argument);
    is_ours = true;
    gz_current = beginning.stack;
    return beginning.run(NULL);
}

int gz_thread_start(void *(*run)(void *), size_t stack_size)
{
    struct beginning *beginning = malloc(sizeof(*beginning));
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, stack_size);
    if (beginning != NULL)
        *beginning = (struct beginning){ run, gz_current };
    int failed = beginning == NULL || gz_create(&thread, &attributes, begin, beginning) != 0;

    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        free(beginning);
    return failed ? -1 : 0;
}

void gz_threads_start(void)
{
    pthread_key_create(&key, thread_ended);
}

void gz_threads_forked(void)
{
    pthread_mutex_init(&free_lock, NULL);
    gz_affinity_forked(self);
    if (self != NULL) {
        self->event = -1;
        memset(self->places, 0, sizeof(self->places));
        self->waits_in = 0;
        self->asleep = false;
        self->locked = 0;
        atomic_store(&self->pending, 0);
    }
    free_list = NULL;
}

/* A used structure keeps its eventfd. */
static struct gz_thread *obtain(void)
{
    struct gz_thread *thread;

    pthread_mutex_lock(&free_lock);
    thread = free_list;
    if (thread != NULL)
        free_list = thread->next_free;
    pthread_mutex_unlock(&free_lock);
    if (thread != NULL)
        return thread;
    thread = mmap(NULL, sizeof(*thread), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (thread == MAP_FAILED)
        return NULL;
    thread->event = -1;
    pthread_mutex_lock(&free_lock);
    thread->next = all;
    all = thread;
    pthread_mutex_unlock(&free_lock);
    return thread;
}

struct gz_thread *gz_thread_of(pthread_t id)
{
    struct gz_thread *thread;

    pthread_mutex_lock(&free_lock);
    thread = all;
    while (thread != NULL && (thread->ended || !pthread_equal(thread->id, id)))
        thread = thread->next;
    pthread_mutex_unlock(&free_lock);
    return thread;
}

/* Application threads are spread over the stacks, the main thread's is the first. */
static uint32_t choose_home(void)
{
    static _Atomic uint32_t threads;

    if (gz_process.stacks == 1 || getpid() == gettid())
        return 0;
    if (is_ours)
        return gz_current->index;
    return (atomic_fetch_add(&threads, 1) + 1) % gz_process.stacks;
}

struct gz_thread *gz_thread(void)
{
    if (self != NULL)
        return self;
    struct gz_thread *thread = obtain();

    if (thread == NULL)
        return NULL;
    thread->inside = 0;
    thread->locked = 0;
    atomic_store(&thread->pending, 0);
    memset(thread->places, 0, sizeof(thread->places));
    thread->waits_in = 0;
    thread->rouse = 0;
    thread->home = choose_home();
    thread->asleep = false;
    thread->spin_score = 2;
    thread->batch = 0;
    thread->left_at = 0;
    thread->long_absences = 0;
    thread->selected = -1;
    thread->id = pthread_self();
    thread->cancelled = false;
    thread->shielded = false;
    thread->ended = false;
    self = thread;
    pthread_setspecific(key, thread);
    return thread;
}

struct gz_thread *gz_thread_if_any(void)
{
    return self;
}

int gz_thread_event(struct gz_thread *thread)
{
    if (thread->event < 0)
        thread->event = gz_internal(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    return thread->event;
}

void gz_thread_kick(struct gz_thread *thread)
{
    uint64_t one = 1;

    /* Not by write(), where the caller could be cancelled. */
    if (thread->event >= 0 && syscall(SYS_write, thread->event, &one, sizeof(one)) < 0)
        return; /* The counter is full: it is readable anyway. */
}
