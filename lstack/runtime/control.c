/*
 * The control socket (docs/control-protocol.md): a thread of its own answers each request with one line of
 * facts and raw bytes: the counters and the pools' headers, or objects of a pool. It never takes the stack's
 * lock: every number has one writer and is a single word, objects may be seen half changed. What the bytes
 * are called is known where they are read.
 */
#include "control.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "control_path.h"
#include "files.h"
#include "stack.h"
#include "stack_counters.h"

#define PROTOCOL 1
#define CLIENTS_MOST 8
#define BACKLOG 64
/* A client that neither finishes a request nor takes its answer for so long is dropped, in microseconds. */
#define IDLE_LIMIT 5000000ull
/* No descriptor for a client: look again after this time, in microseconds. */
#define ACCEPT_RETRY 100000ull
#define FACTS_SIZE 2048u
#define COUNTERS_SIZE (GZ_COUNTERS_END - GZ_COUNTERS)
#define POOLS_SIZE (GZ_POOL_COUNT * GZ_POOL_SIZE)
/* Objects of one answer; more are asked for again. */
#define OBJECTS_SIZE 32768u
#define BODY_SIZE (COUNTERS_SIZE + POOLS_SIZE > OBJECTS_SIZE ? COUNTERS_SIZE + POOLS_SIZE : OBJECTS_SIZE)
#define STACK_SIZE (128 * 1024)

_Static_assert(COUNTERS_SIZE % 8 == 0 && POOLS_SIZE % 8 == 0, "blocks are made of words");

struct client {
    /* -1: this place is free. */
    int fd;
    uint64_t deadline;
    /* The connection ends when the answer is out. */
    bool last;
    uint32_t asked, size, sent;
    char request[64];
    _Alignas(8) char answer[FACTS_SIZE + BODY_SIZE];
};

static struct {
    int fd;
    uint64_t begun;
    uint64_t retry;
    /* The process' name, ready for a JSON string. */
    char program[6 * 16 + 1];
    struct client clients[CLIENTS_MOST];
} control = { .fd = -1 };

/* What a word holds now, never half of it. */
static void copy_words(char *to, uint32_t from, uint32_t size)
{
    for (uint32_t at = 0; at < size; at += 8) {
        uint64_t word = __atomic_load_n((const uint64_t *)gz_at(from + at), __ATOMIC_RELAXED);

        memcpy(to + at, &word, sizeof(word));
    }
}

static void quote(char *to, size_t size, const char *text)
{
    size_t used = 0;

    for (; *text != '\0' && *text != '\n' && used + 6 < size; text++) {
        unsigned char byte = (unsigned char)*text;
        bool plain = byte >= ' ' && byte < 127 && byte != '"' && byte != '\\';

        used += (size_t)snprintf(to + used, size - used, plain ? "%c" : "\\u%04x", byte);
    }
    to[used] = '\0';
}

static void learn_name(void)
{
    char name[16] = "";
    FILE *file = fopen("/proc/self/comm", "re");

    if (file != NULL && fgets(name, sizeof(name), file) == NULL)
        name[0] = '\0';
    if (file != NULL)
        fclose(file);
    quote(control.program, sizeof(control.program), name);
}

static uint32_t put_facts(char *to)
{
    const struct gz_port *port = &gz_current->wire;
    const struct gz_config *config = &gz_process.config;
    const uint8_t *host = config->host_addr + 12, *gateway = config->gateway_addr + 12;
    const uint8_t *mac = (const uint8_t *)&port->mac;
    char device[6 * sizeof(port->device) + 1];
    /* ltran says what its port can do when it has registered the stack. */
    uint32_t at = GZ_PORTS + port->id * GZ_PORT_STRIDE;

    quote(device, sizeof(device), port->device);
    int size = snprintf(to, FACTS_SIZE,
        "{\"version\":%d,\"layout\":\"%s\",\"countersBytes\":%u,\"poolsBytes\":%u,\"pid\":%d,"
        "\"program\":\"%s\","
        "\"regionBytes\":%u,\"uptimeMicroseconds\":%llu,\"poisoned\":%s,\"port\":\"%s\",\"device\":\"%s\","
        "\"mac\":\"%02x:%02x:%02x:%02x:%02x:%02x\",\"mtu\":%u,\"address\":\"%u.%u.%u.%u/%lld\","
        "\"gateway\":\"%u.%u.%u.%u\",\"skippedFrames\":%llu,\"refusedFrames\":%llu,"
        "\"stack\":%u,\"stacks\":%u,\"nowMicroseconds\":%llu,\"portFlags\":%u,\"segmentationMax\":%u,"
        "\"lowPower\":%s,\"injecting\":%llu,\"logLevel\":%llu}\n",
        PROTOCOL, GZ_COUNTERS_LAYOUT, COUNTERS_SIZE, POOLS_SIZE, (int)getpid(), control.program,
        gz_current->region_size, (unsigned long long)(gz_now() - control.begun),
        atomic_load(&gz_current->shared->poisoned) ? "true" : "false", port->kind->name, device, mac[0],
        mac[1],
        mac[2], mac[3], mac[4], mac[5], port->mtu, host[0], host[1], host[2], host[3],
        (long long)config->prefix_length, gateway[0], gateway[1], gateway[2], gateway[3],
        (unsigned long long)port->skipped, (unsigned long long)port->refused, gz_current->index,
        gz_process.stacks, (unsigned long long)gz_now(), gz_get32(at + GZ_PORT_FLAGS),
        gz_get32(at + GZ_PORT_SEGMENTATION_MAX),
        gz_process.config.low_power_mode ? "true" : "false",
        (unsigned long long)gz_get64(GZ_SETTINGS + GZ_SETTING_INJECTING * 8),
        (unsigned long long)gz_get64(GZ_SETTINGS + GZ_SETTING_LOG_LEVEL * 8));

    return (uint32_t)size;
}

static void refuse(struct client *client, const char *why)
{
    client->last = true;
    client->size = (uint32_t)snprintf(client->answer, FACTS_SIZE, "{\"version\":%d,\"error\":\"%s\"}\n",
        PROTOCOL, why);
}

static bool choose_stack(unsigned index)
{
    if (index >= gz_process.stacks || !gz_stacks[index].running)
        return false;
    gz_current = &gz_stacks[index];
    return true;
}

/* "counters [STACK]": the first stack unless another one is named. */
static bool answer_counters(struct client *client, const char *command)
{
    unsigned index = 0;
    char rest;

    if (strcmp(command, "counters") != 0 && sscanf(command, "counters %3u%c", &index, &rest) != 1)
        return false;
    if (!choose_stack(index))
        return false;
    client->size = put_facts(client->answer);
    copy_words(client->answer + client->size, GZ_COUNTERS, COUNTERS_SIZE);
    copy_words(client->answer + client->size + COUNTERS_SIZE, GZ_POOLS, POOLS_SIZE);
    client->size += COUNTERS_SIZE + POOLS_SIZE;
    return true;
}

/* "pool ID FIRST COUNT [STACK]": as many of these objects as there are and as fit. */
static bool answer_pool(struct client *client, const char *command)
{
    unsigned id, first, count, index = 0;
    char rest;
    int fields = sscanf(command, "pool %3u %9u %5u %3u%c", &id, &first, &count, &index, &rest);

    if ((fields != 3 && fields != 4) || id >= GZ_POOL_COUNT || (GZ_POOLS_SHOWN >> id & 1) == 0 ||
        !choose_stack(index))
        return false;
    uint32_t header = GZ_POOLS + id * GZ_POOL_SIZE, base = gz_get32(header + GZ_POOL_BASE);
    uint32_t stride = gz_get32(header + GZ_POOL_STRIDE), total = gz_get32(header + GZ_POOL_TOUCHED);

    /* The stack may have damaged its memory. */
    if (stride == 0 || stride > OBJECTS_SIZE || base + (uint64_t)stride * total > gz_current->region_size)
        stride = 1, total = 0;
    if (first > total)
        first = total;
    if (count > total - first)
        count = total - first;
    if (count > OBJECTS_SIZE / stride)
        count = OBJECTS_SIZE / stride;
    client->size = (uint32_t)snprintf(client->answer, FACTS_SIZE,
        "{\"version\":%d,\"layout\":\"%s\",\"nowMicroseconds\":%llu,\"base\":%u,\"stride\":%u,\"first\":%u,"
        "\"count\":%u,\"total\":%u,\"objectsBytes\":%u}\n",
        PROTOCOL, GZ_COUNTERS_LAYOUT, (unsigned long long)gz_now(), base, stride, first, count,
        total, count * stride);
    memcpy(client->answer + client->size, gz_at(base + first * stride), (size_t)count * stride);
    client->size += count * stride;
    return true;
}

/* "statistics [STACK]": what the port's device counts. */
static bool answer_statistics(struct client *client, const char *command)
{
    unsigned index = 0;
    char rest, *to = client->answer;

    if (strcmp(command, "statistics") != 0 && sscanf(command, "statistics %3u%c", &index, &rest) != 1)
        return false;
    if (!choose_stack(index))
        return false;
    const struct gz_port *port = &gz_current->wire;
    uint32_t size = (uint32_t)snprintf(to, FACTS_SIZE, "{\"version\":%d,\"statistics\":{", PROTOCOL);

    if (port->kind->statistics != NULL)
        size += port->kind->statistics(port, to + size, BODY_SIZE);
    memcpy(to + size, "}}\n", 3);
    client->size = size + 3;
    return true;
}

/* "set SETTING VALUE": in every stack. */
static bool answer_set(struct client *client, const char *command)
{
    unsigned setting;
    unsigned long long value;
    char rest;

    if (sscanf(command, "set %2u %19llu%c", &setting, &value, &rest) != 2 || setting >= GZ_SETTING_COUNT)
        return false;
    if (setting == GZ_SETTING_LOW_POWER)
        gz_process.config.low_power_mode = value != 0;
    for (unsigned i = 0; i < gz_process.stacks; i++) {
        /* Without low power it has to tick again. */
        if (gz_stacks[i].keeper.thread != NULL)
            gz_thread_kick(gz_stacks[i].keeper.thread);
        uint64_t *cell = (uint64_t *)(gz_stacks[i].env.memory.data + GZ_SETTINGS + setting * 8);

        __atomic_store_n(cell, value, __ATOMIC_RELAXED);
    }
    client->size = (uint32_t)snprintf(client->answer, FACTS_SIZE, "{\"version\":%d}\n", PROTOCOL);
    return true;
}

/* Makes the answer to the request in front of the buffer, `length` bytes without the end of the line. */
static void answer(struct client *client, uint32_t length)
{
    char *request = client->request;

    request[length] = '\0';
    client->sent = 0;
    if (strncmp(request, "gazelle ", 8) != 0) {
        refuse(client, "not a request");
    } else if (strncmp(request + 8, "1 ", 2) != 0) {
        refuse(client, "version");
    } else if (!answer_counters(client, request + 10) && !answer_pool(client, request + 10) &&
        !answer_statistics(client, request + 10) && !answer_set(client, request + 10)) {
        refuse(client, "unknown command");
    }
    gz_current = &gz_stacks[0];
    client->asked -= length + 1;
    memmove(request, request + length + 1, client->asked);
}

static void drop(struct client *client)
{
    gz_file_detach(client->fd);
    close(client->fd);
    client->fd = -1;
}

/* Sends what the socket takes of the answer; false: the connection is over. */
static bool push(struct client *client)
{
    size_t left = client->size - client->sent;
    ssize_t done = send(client->fd, client->answer + client->sent, left, MSG_NOSIGNAL);

    if (done < 0)
        return errno == EAGAIN || errno == EINTR;
    client->sent += (uint32_t)done;
    if (client->sent < client->size)
        return true;
    client->size = 0;
    client->deadline = gz_now() + IDLE_LIMIT;
    return !client->last;
}

/* Answers the next whole request; false: the connection is over. */
static bool proceed(struct client *client)
{
    while (client->size == 0) {
        char *end = memchr(client->request, '\n', client->asked);

        if (end == NULL && client->asked == sizeof(client->request))
            return false;
        if (end == NULL)
            return true;
        answer(client, (uint32_t)(end - client->request));
        if (!push(client))
            return false;
    }
    return true;
}

static bool serve(struct client *client)
{
    if (client->size > 0)
        return push(client) && proceed(client);
    size_t room = sizeof(client->request) - client->asked;
    ssize_t got = recv(client->fd, client->request + client->asked, room, 0);

    if (got <= 0)
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    client->asked += (uint32_t)got;
    return proceed(client);
}

static bool permitted(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
        (peer.uid == 0 || peer.uid == geteuid());
}

static void admit(struct client *client, uint64_t now)
{
    int fd = accept4(control.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
            control.retry = now + ACCEPT_RETRY;
        return;
    }
    if (!permitted(fd)) {
        close(fd);
        return;
    }
    client->fd = gz_internal(fd);
    client->deadline = now + IDLE_LIMIT;
    client->last = false;
    client->asked = client->size = client->sent = 0;
}

/* Milliseconds until `until`, for poll(); -1: for ever. */
static int remaining(uint64_t until, uint64_t now)
{
    if (until == GZ_NEVER)
        return -1;
    return until <= now ? 0 : (int)((until - now) / 1000 + 1);
}

/* Waits once and serves everyone who is ready. The last place of the list is the listener's. */
static void round_of_clients(void)
{
    struct pollfd list[CLIENTS_MOST + 1];
    struct client *vacant = NULL;
    uint64_t now = gz_now(), until = GZ_NEVER;

    for (int i = 0; i < CLIENTS_MOST; i++) {
        struct client *client = &control.clients[i];

        list[i] = (struct pollfd){ .fd = client->fd, .events = client->size > 0 ? POLLOUT : POLLIN };
        if (client->fd < 0)
            vacant = client;
        else if (client->deadline < until)
            until = client->deadline;
    }
    /* While every place is taken, or there are no descriptors, others wait in the backlog. */
    bool open = vacant != NULL && control.retry <= now;

    if (vacant != NULL && !open && control.retry < until)
        until = control.retry;
    list[CLIENTS_MOST] = (struct pollfd){ .fd = open ? control.fd : -1, .events = POLLIN };
    if (poll(list, CLIENTS_MOST + 1, remaining(until, now)) < 0)
        return;
    now = gz_now();
    for (int i = 0; i < CLIENTS_MOST; i++) {
        struct client *client = &control.clients[i];

        if (client->fd >= 0 && ((list[i].revents != 0 && !serve(client)) || client->deadline <= now))
            drop(client);
    }
    if (list[CLIENTS_MOST].revents != 0 && vacant->fd < 0)
        admit(vacant, now);
}

static void *control_main(void *argument)
{
    pthread_setname_np(pthread_self(), "gz-control");
    gz_control_sweep();
    for (;;)
        round_of_clients();
    return argument;
}

static bool listen_at_path(void)
{
    control.fd = gz_internal(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    return control.fd >= 0 && gz_control_bind(control.fd, BACKLOG) == 0;
}

void gz_control_start(void)
{
    for (int i = 0; i < CLIENTS_MOST; i++)
        control.clients[i].fd = -1;
    control.begun = gz_now();
    control.retry = 0;
    learn_name();
    if ((listen_at_path() && gz_thread_start(control_main, STACK_SIZE) == 0) || control.fd < 0)
        return;
    gz_file_detach(control.fd);
    close(control.fd);
    control.fd = -1;
}
