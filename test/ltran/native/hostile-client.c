/* What a client does that keeps to the rules, as far as an attack needs it. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "hostile.h"
#include "registration_layout.h"

#define RING_SIZE (GZ_REGISTRATION_RING_DESCRIPTORS + SLOTS * GZ_REGISTRATION_DESCRIPTOR_SIZE)
#define BUFFERS_AT ((2 * RING_SIZE + 4095) & ~4095u)
#define PATIENCE_MS 1000

int must(const char *what, int result)
{
    if (result >= 0)
        return result;
    fprintf(stderr, "hostile: %s: %s\n", what, strerror(errno));
    exit(2);
}

uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void pause_ms(uint32_t time)
{
    struct timespec wait = { time / 1000, (long)(time % 1000) * 1000000 };

    nanosleep(&wait, NULL);
}

size_t read_hex(const char *text, uint8_t *to, size_t room)
{
    size_t size = 0;

    for (; text[0] != '\0' && text[1] != '\0' && size < room; text += 2) {
        char pair[] = { text[0], text[1], '\0' };

        to[size++] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return size;
}

void print_hex(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        printf("%02x", bytes[i]);
}

int connect_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = must("socket", socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

int send_message(int socket, const uint8_t *bytes, size_t size, const int *descriptors, uint32_t count)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(DESCRIPTORS_MOST * sizeof(int))];
    } control = { .header = { .cmsg_len = CMSG_LEN(count * sizeof(int)),
                      .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
    struct iovec body = { .iov_base = (void *)bytes, .iov_len = size };
    struct msghdr message = { .msg_iov = &body, .msg_iovlen = 1 };

    if (count > 0) {
        memcpy(CMSG_DATA(&control.header), descriptors, count * sizeof(int));
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

volatile uint16_t *ring_word(struct client *client, uint32_t ring, uint32_t offset)
{
    return (volatile uint16_t *)(client->region + ring * RING_SIZE + offset);
}

struct descriptor *descriptor_at(struct client *client, uint32_t ring, uint32_t position)
{
    size_t offset = GZ_REGISTRATION_RING_DESCRIPTORS + (position % SLOTS) * GZ_REGISTRATION_DESCRIPTOR_SIZE;

    return (struct descriptor *)(client->region + ring * RING_SIZE + offset);
}

/* Positions of the second ring come behind those of the first. */
uint32_t buffer_offset(uint32_t position)
{
    return BUFFERS_AT + (position % (2 * SLOTS)) * BUFFER_SIZE;
}

static void lay_out(struct client *client)
{
    for (uint32_t ring = 0; ring < 2; ring++) {
        memcpy((void *)ring_word(client, ring, 0), &(uint32_t){ GZ_REGISTRATION_RING_COOKIE }, 4);
        for (uint32_t i = 0; i < SLOTS; i++)
            *descriptor_at(client, ring, i) = (struct descriptor){ .length = BUFFER_SIZE,
                .offset = buffer_offset(ring * SLOTS + i) };
    }
    *ring_word(client, 1, GZ_REGISTRATION_RING_HEAD) = SLOTS;
}

void make_region(struct client *client, size_t size)
{
    client->size = size;
    client->memory = must("memfd_create", memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    must("ftruncate", ftruncate(client->memory, (off_t)size));
    must("posix_fallocate", -posix_fallocate(client->memory, 0, (off_t)size));
    must("seal", fcntl(client->memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
    client->region = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, client->memory, 0);
    if (client->region == MAP_FAILED)
        must("mmap", -1);
    lay_out(client);
}

void register_client(struct client *client, const char *path, const char *message)
{
    uint8_t bytes[MESSAGE_MOST], answer[MESSAGE_MOST];
    size_t size = read_hex(message, bytes, sizeof(bytes));
    uint64_t region_size;
    int ends[2];

    memcpy(&region_size, bytes + GZ_REGISTRATION_REGISTER_REGION_SIZE, sizeof(region_size));
    make_region(client, region_size);
    must("socketpair", socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends));
    client->kicked = ends[0];
    client->to_client = ends[1];
    client->to_ltran = must("eventfd", eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    client->socket = must("connect", connect_to(path));
    int descriptors[] = { client->memory, client->to_client, client->to_ltran };

    must("send", send_message(client->socket, bytes, size, descriptors, 3));
    ssize_t got = recv(client->socket, answer, sizeof(answer), 0);

    if (got == GZ_REGISTRATION_WELCOME_SIZE)
        return;
    fprintf(stderr, "hostile: not welcome: %s\n", got > (ssize_t)GZ_REGISTRATION_REFUSAL_TEXT_AT
        ? (const char *)answer + GZ_REGISTRATION_REFUSAL_TEXT_AT : "no answer");
    exit(2);
}

void publish(struct client *client, uint16_t head)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    *ring_word(client, 0, GZ_REGISTRATION_RING_HEAD) = head;
    client->head = head;
    eventfd_write(client->to_ltran, 1);
}

static uint32_t used(struct client *client)
{
    return (uint16_t)(client->head - *ring_word(client, 0, GZ_REGISTRATION_RING_TAIL));
}

bool await_room(struct client *client, uint32_t slots)
{
    uint64_t until = now_ms() + PATIENCE_MS;

    while (used(client) + slots > SLOTS) {
        if (now_ms() >= until)
            return false;
        sched_yield();
    }
    return true;
}

bool await_taken(struct client *client)
{
    return await_room(client, SLOTS);
}

bool send_frame(struct client *client, const uint8_t *bytes, size_t size, uint32_t piece)
{
    uint32_t slots = size == 0 ? 1 : (uint32_t)((size + piece - 1) / piece);

    if (!await_room(client, slots))
        return false;
    for (uint32_t i = 0; i < slots; i++) {
        uint32_t position = (uint16_t)(client->head + i), at = i * piece;
        uint32_t part = size - at < piece ? (uint32_t)(size - at) : piece;
        uint32_t offset = buffer_offset(position % SLOTS);

        memcpy(client->region + offset, bytes + at, part);
        *descriptor_at(client, 0, position) = (struct descriptor){ .flags = i + 1 < slots ? NEXT : 0,
            .length = part, .offset = offset };
    }
    publish(client, (uint16_t)(client->head + slots));
    return true;
}
