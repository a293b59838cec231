/*
 * Moves threads of the application to the CPUs that the configuration chose for them
 * (config/module/lstack/placement.ts), and memory to the stack's NUMA node.
 */
#include <linux/mempolicy.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "calls.h"
#include "stack.h"

#define MOST_NODES 64

/* What the process started with. */
static cpu_set_t original;

void gz_affinity_start(void)
{
    char **lists = gz_process.config.first_cpus;

    gz_process.moves_threads = lists[0] != NULL && sched_getaffinity(0, sizeof(original), &original) == 0;
}

/* A list of numbers such as "0,1,5". */
static void parse(const char *list, cpu_set_t *set)
{
    char *end;

    CPU_ZERO(set);
    for (const char *at = list; *at != '\0'; at = *end == ',' ? end + 1 : end)
        CPU_SET(strtoul(at, &end, 10), set);
}

/* Whether the calling thread's affinity is `set`. */
static bool has(const cpu_set_t *set)
{
    cpu_set_t now;

    return sched_getaffinity(0, sizeof(now), &now) == 0 && CPU_EQUAL(&now, set);
}

/* The CPUs for a thread that is at home in `stack`: the first one's, if it has no other. */
static const char *choose(struct gz_thread *thread, struct gz_stack *stack)
{
    struct gz_thread *nobody = NULL;

    if (atomic_compare_exchange_strong(&stack->first, &nobody, thread))
        return gz_process.config.first_cpus[stack->index];
    return gz_process.config.other_cpus[stack->index];
}

void gz_affinity_move(struct gz_thread *thread)
{
    bool is_main = getpid() == gettid();
    cpu_set_t set;

    if (thread->settled)
        return;
    thread->settled = true;
    if ((is_main && !gz_process.config.main_thread_affinity) || !has(&original))
        return;
    const char *cpus = choose(thread, &gz_stacks[thread->home]);

    parse(cpus, &set);
    if (*cpus != '\0' && sched_setaffinity(0, sizeof(set), &set) == 0)
        thread->cpus = cpus;
}

void gz_affinity_ended(struct gz_thread *thread)
{
    for (uint32_t i = 0; i < gz_process.stacks; i++) {
        struct gz_thread *first = thread;

        atomic_compare_exchange_strong(&gz_stacks[i].first, &first, NULL);
    }
    thread->settled = false;
    thread->cpus = NULL;
}

/* Takes the calling thread back to where the process started, unless the application moved it since. */
static bool step_back(const struct gz_thread *thread, cpu_set_t *set)
{
    if (thread == NULL || thread->cpus == NULL)
        return false;
    parse(thread->cpus, set);
    return has(set) && sched_setaffinity(0, sizeof(original), &original) == 0;
}

int gz_create(pthread_t *id, const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
{
    cpu_set_t set;
    bool is_back = step_back(gz_thread_if_any(), &set);
    int result = pthread_create(id, attributes, run, argument);

    if (is_back)
        sched_setaffinity(0, sizeof(set), &set);
    return result;
}

void gz_affinity_forked(struct gz_thread *thread)
{
    cpu_set_t set;

    step_back(thread, &set);
    for (uint32_t i = 0; i < gz_process.stacks; i++)
        atomic_store(&gz_stacks[i].first, NULL);
    if (thread != NULL)
        gz_affinity_ended(thread);
}

/* A kernel without NUMA, or a container that forbids it, leaves the memory where it is first touched. */
void gz_memory_to_node(void)
{
    char **nodes = gz_process.config.stack_nodes;
    unsigned long mask = 0;

    if (nodes[0] == NULL || nodes[gz_current->index][0] == '\0')
        return;
    mask = 1ul << atoi(nodes[gz_current->index]) % MOST_NODES;
    syscall(SYS_mbind, gz_current->env.memory.data, (unsigned long)gz_current->region_size, MPOL_PREFERRED,
        &mask, MOST_NODES + 1ul, 0u);
}
