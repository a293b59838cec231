/*
 * DPDK's environment (EAL) starts on a thread of the engine's own, which then only waits: the EAL names and
 * pins the thread that calls it, and drivers direct signals to it. What it logs is kept for an error message;
 * nothing goes to the application's output or to syslog.
 */
#include "dpdk.h"

#include <bpf/libbpf.h>
#include <pthread.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#define ARGUMENTS_MOST 64

static struct {
    pthread_t thread;
    sem_t started;
    char *const *arguments;
    int result;
    bool runs;
    /* The process that it runs in, and its thread there. */
    pid_t pid;
    pid_t tid;
    char log[2048];
    size_t logged;
} environment;

/* Keeps the end of what DPDK says. */
static ssize_t keep(void *cookie, const char *text, size_t length)
{
    size_t room = sizeof(environment.log) - 1;
    size_t part = length < room ? length : room;

    (void)cookie;
    if (environment.logged + part > room) {
        size_t cut = environment.logged + part - room;

        memmove(environment.log, environment.log + cut, environment.logged - cut);
        environment.logged -= cut;
    }
    memcpy(environment.log + environment.logged, text + length - part, part);
    environment.logged += part;
    environment.log[environment.logged] = '\0';
    return (ssize_t)length;
}

pid_t gz_dpdk_thread(void)
{
    return environment.tid;
}

void gz_dpdk_log_clear(void)
{
    environment.logged = 0;
}

static int keep_libbpf(enum libbpf_print_level level, const char *format, va_list values)
{
    char line[256];
    int length = vsnprintf(line, sizeof(line), format, values);

    if (level == LIBBPF_WARN && length > 0)
        keep(NULL, line, (size_t)length < sizeof(line) ? (size_t)length : sizeof(line) - 1);
    return 0;
}

static int keep_libxdp(enum libxdp_print_level level, const char *format, va_list values)
{
    return keep_libbpf(level == LIBXDP_WARN ? LIBBPF_WARN : LIBBPF_DEBUG, format, values);
}

static void *run(void *unused)
{
    static const cookie_io_functions_t functions = { .write = keep };
    char *arguments[ARGUMENTS_MOST];
    int count = 0;
    FILE *log = fopencookie(NULL, "w", functions);
    sigset_t none;

    environment.tid = gettid();
    if (log != NULL) {
        setvbuf(log, NULL, _IOLBF, 256);
        rte_openlog_stream(log);
    }
    libbpf_set_print(keep_libbpf);
    libxdp_set_print(keep_libxdp);
    while (count < ARGUMENTS_MOST - 1 && environment.arguments[count] != NULL) {
        arguments[count] = environment.arguments[count];
        count++;
    }
    arguments[count] = NULL;
    environment.result = rte_eal_init(count, arguments);
    pthread_setname_np(pthread_self(), "gazelle-eal");
    sem_post(&environment.started);
    /* SIGIO of the tap driver arrives here (wrap.c); nothing else is let through. */
    sigfillset(&none);
    sigdelset(&none, SIGIO);
    for (;;)
        sigsuspend(&none);
    return unused;
}

int gz_dpdk_environment(struct gz_port *port, char *const *arguments)
{
    sigset_t all, before;

    if (environment.runs && environment.pid == getpid())
        return 0;
    /* Its threads, and memory that devices write to, stayed behind. */
    if (environment.runs) {
        gz_dpdk_log_clear();
        gz_dpdk_fail(port, "the device stays with the parent, which made it; let one process do both "
                           "(nginx: master_process off)");
        return -1;
    }
    environment.pid = getpid();
    environment.arguments = arguments;
    sem_init(&environment.started, 0, 0);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&environment.thread, NULL, run, NULL);

    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        gz_dpdk_fail(port, "no thread for DPDK");
        return -1;
    }
    while (sem_wait(&environment.started) != 0)
        continue;
    if (environment.result < 0) {
        gz_dpdk_fail(port, "DPDK does not start; check dpdk_args");
        return -1;
    }
    environment.runs = true;
    return 0;
}

void gz_dpdk_fail(struct gz_port *port, const char *text)
{
    const char *last = environment.log;
    size_t length = environment.logged;

    /* The last lines say most; the message has room for two or three. */
    if (length > 250) {
        const char *line = strchr(last + length - 250, '\n');

        last = line != NULL && line[1] != '\0' ? line + 1 : last + length - 250;
    }
    snprintf(port->message, sizeof(port->message), "port dpdk: %.100s%s%.250s", text,
        length > 0 ? ". DPDK says:\n" : "", last);
}
