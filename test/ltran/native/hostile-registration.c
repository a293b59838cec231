/* Attacks on the registration: what never should become a client. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "hostile.h"
#include "registration_layout.h"

#define ANSWER_MS 5000
#define FLOOD_MOST 4096

static int memory_file(off_t size, int seals)
{
    int fd = must("memfd_create", memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING));

    must("ftruncate", ftruncate(fd, size));
    must("posix_fallocate", -posix_fallocate(fd, 0, size));
    must("seal", fcntl(fd, F_ADD_SEALS, seals));
    return fd;
}

/* What is sent in place of the memory: of a kind by name. */
static int make_memory(const char *kind, off_t size)
{
    const int seals = F_SEAL_SHRINK | F_SEAL_GROW;
    int ends[2];
    struct client client;

    if (strcmp(kind, "good") == 0) {
        make_region(&client, (size_t)size);
        return client.memory;
    }
    if (strcmp(kind, "small") == 0)
        return memory_file(size / 2, seals);
    if (strcmp(kind, "large") == 0)
        return memory_file(size * 2, seals);
    if (strcmp(kind, "unsealed") == 0)
        return memory_file(size, 0);
    if (strcmp(kind, "growing") == 0)
        return memory_file(size, F_SEAL_SHRINK);
    if (strcmp(kind, "shrinking") == 0)
        return memory_file(size, F_SEAL_GROW);
    if (strcmp(kind, "read-only") == 0)
        return memory_file(size, seals | F_SEAL_WRITE);
    if (strcmp(kind, "no-ring") == 0)
        return memory_file(size, seals);
    if (strcmp(kind, "folder") == 0)
        return must("open", open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (strcmp(kind, "zero") == 0)
        return must("open", open("/dev/zero", O_RDWR | O_CLOEXEC));
    must("pipe", pipe2(ends, O_CLOEXEC));
    return ends[0];
}

static bool is_one(const char *word, const char *name)
{
    return strcmp(word, name) == 0;
}

/* A connection to another process: what ltran sent to be kicked by would reach that one in ltran's name. */
static int borrowed_socket(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int listener = must("socket", socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)), ends[2];
    int fd = must("socket", socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    socklen_t size = sizeof(address);
    char byte;

    must("pipe", pipe2(ends, O_CLOEXEC));
    must("bind", bind(listener, (const struct sockaddr *)&address, sizeof(address.sun_family)));
    must("name", getsockname(listener, (struct sockaddr *)&address, &size));
    if (must("fork", fork()) == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        must("listen", listen(listener, 1));
        must("write", (int)write(ends[1], "", 1));
        pause();
        _exit(0);
    }
    must("read", (int)read(ends[0], &byte, 1));
    must("connect", connect(fd, (const struct sockaddr *)&address, size));
    return fd;
}

/* What is sent in place of one of the other two descriptors. */
static int make_wake(const char *kind)
{
    int ends[2];

    if (is_one(kind, "eventfd"))
        return must("eventfd", eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (is_one(kind, "semaphore"))
        return must("eventfd", eventfd(1, EFD_CLOEXEC | EFD_SEMAPHORE));
    if (is_one(kind, "folder"))
        return must("open", open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (is_one(kind, "stream")) {
        must("socketpair", socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
        return ends[1];
    }
    if (is_one(kind, "borrowed"))
        return borrowed_socket();
    if (is_one(kind, "datagram"))
        return must("socket", socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (is_one(kind, "tcp"))
        return must("socket", socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    must("pipe", pipe2(ends, O_CLOEXEC));
    return ends[1];
}

/* The answer, as hexadecimal text; empty when the connection ends without one. */
static void print_answer(int socket)
{
    uint8_t answer[MESSAGE_MOST];
    struct pollfd event = { .fd = socket, .events = POLLIN };
    ssize_t got = 0;

    /* Hung up on with something unsaid: the answer comes behind the error. */
    if (poll(&event, 1, ANSWER_MS) == 1)
        got = recv(socket, answer, sizeof(answer), MSG_DONTWAIT);
    if (got < 0 && errno == ECONNRESET)
        got = recv(socket, answer, sizeof(answer), MSG_DONTWAIT);

    printf("answer ");
    print_hex(answer, got > 0 ? (size_t)got : 0);
    printf("\n");
    fflush(stdout);
}

/*
 * register MESSAGE MEMORY TO_CLIENT TO_LTRAN COUNT: one registration with COUNT descriptors of these kinds.
 */
static void register_once(const char *path, char **words)
{
    uint8_t bytes[MESSAGE_MOST];
    size_t size = read_hex(words[0], bytes, sizeof(bytes));
    uint32_t count = (uint32_t)atoi(words[4]);
    uint64_t region_size = 1 << 21;
    int descriptors[DESCRIPTORS_MOST];
    int socket = must("connect", connect_to(path));

    if (size >= GZ_REGISTRATION_REGISTER_SIZE)
        memcpy(&region_size, bytes + GZ_REGISTRATION_REGISTER_REGION_SIZE, sizeof(region_size));
    if (region_size > 1 << 26 || region_size < 1 << 16)
        region_size = 1 << 21;
    descriptors[0] = make_memory(words[1], (off_t)region_size);
    descriptors[1] = make_wake(words[2]);
    descriptors[2] = make_wake(words[3]);
    for (uint32_t i = 3; i < DESCRIPTORS_MOST; i++)
        descriptors[i] = make_wake("eventfd");
    if (count > DESCRIPTORS_MOST)
        count = DESCRIPTORS_MOST;
    /* Who is refused for who he is may be hung up on already. */
    if (send_message(socket, bytes, size, descriptors, count) == 0 || errno == EPIPE)
        print_answer(socket);
}

/* How long until ltran hangs up, at most `limit` ms. */
static uint32_t time_to_end(int socket, uint32_t limit)
{
    uint64_t start = now_ms();
    uint8_t answer[MESSAGE_MOST];

    for (;;) {
        struct pollfd event = { .fd = socket, .events = POLLIN };
        uint32_t spent = (uint32_t)(now_ms() - start);

        if (spent >= limit || poll(&event, 1, (int)(limit - spent)) != 1)
            return limit;
        if (recv(socket, answer, sizeof(answer), MSG_DONTWAIT) <= 0)
            return (uint32_t)(now_ms() - start);
    }
}

/* silent LIMIT: connects, says nothing; how long it may stay. */
static void stay_silent(const char *path, char **words)
{
    int socket = must("connect", connect_to(path));

    printf("ended %u\n", time_to_end(socket, (uint32_t)atoi(words[0])));
}

/* twice MESSAGE LIMIT: registers, then says something more; how long until that is the end. */
static void register_twice(const char *path, char **words)
{
    struct client client = { 0 };
    uint8_t bytes[MESSAGE_MOST];
    size_t size = read_hex(words[0], bytes, sizeof(bytes));

    register_client(&client, path, words[0]);
    must("send", send_message(client.socket, bytes, size, NULL, 0));
    printf("ended %u\n", time_to_end(client.socket, (uint32_t)atoi(words[1])));
}

/* flood COUNT: connects so often, keeps what stays open; how many were open at a time at most. */
static void flood(const char *path, char **words)
{
    static struct pollfd open_ones[FLOOD_MOST];
    struct rlimit limit = { FLOOD_MOST, FLOOD_MOST };
    uint32_t count = (uint32_t)atoi(words[0]), open_count = 0, most = 0, made = 0;

    setrlimit(RLIMIT_NOFILE, &limit);
    for (uint32_t i = 0; i < count && open_count < FLOOD_MOST - 64; i++) {
        int socket = connect_to(path);

        if (socket >= 0) {
            open_ones[open_count++] = (struct pollfd){ .fd = socket, .events = POLLIN };
            made++;
        }
        if (i % 16 != 0)
            continue;
        poll(open_ones, open_count, 1);
        for (uint32_t at = 0; at < open_count;) {
            if (open_ones[at].revents == 0) {
                at++;
                continue;
            }
            close(open_ones[at].fd);
            open_ones[at] = open_ones[--open_count];
        }
        most = open_count > most ? open_count : most;
    }
    printf("flooded %u %u\n", made, most);
}

bool registration_attack(const char *path, char **words)
{
    if (is_one(words[0], "register"))
        register_once(path, words + 1);
    else if (is_one(words[0], "silent"))
        stay_silent(path, words + 1);
    else if (is_one(words[0], "twice"))
        register_twice(path, words + 1);
    else if (is_one(words[0], "flood"))
        flood(path, words + 1);
    else
        return false;
    return true;
}
