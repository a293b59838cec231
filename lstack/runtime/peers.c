#include "peers.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "files.h"
#include "stack.h"

#define PAGE 4096u
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW)
#define DESCRIPTORS 2
/* Of st_blocks. */
#define BLOCK 512

struct peer {
    struct gz_port port;
    /* Where its memory is mapped; 0: there was no room for this one. */
    uint32_t region;
    bool used;
};

/* Of each stack. */
static struct peers {
    struct peer list[GZ_PEERS_MAX];
    uint32_t size, landing;
} all[GZ_STACKS_MAX];

static struct peers *own(void)
{
    return &all[gz_current->index];
}

/* A message about a peer, with the descriptors that came or go along. */
struct letter {
    char text[GZ_REGISTRATION_MAX];
    uint32_t length;
    int fds[DESCRIPTORS];
};

uint32_t gz_peers_place(uint32_t at, uint32_t landing)
{
    own()->size = (w2c_stack_peerRegionSize(&gz_current->module) + PAGE - 1) & ~(PAGE - 1);
    own()->landing = landing;
    for (uint32_t i = 0; i < GZ_PEERS_MAX && (uint64_t)at + own()->size < UINT32_MAX; i++) {
        own()->list[i].region = at;
        at += own()->size;
    }
    return at;
}

static void close_all(struct letter *letter)
{
    for (int i = 0; i < DESCRIPTORS; i++)
        if (letter->fds[i] >= 0)
            close(letter->fds[i]);
}

static bool take_letter(int ltran, struct letter *letter)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(letter->fds))];
    } control = { .space = { 0 } };
    struct iovec body = { letter->text, sizeof(letter->text) };
    struct msghdr message = { .msg_iov = &body, .msg_iovlen = 1, .msg_control = &control,
        .msg_controllen = sizeof(control.space) };
    ssize_t size = recvmsg(ltran, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    const struct cmsghdr *part = size > 0 ? CMSG_FIRSTHDR(&message) : NULL;

    memset(letter->fds, -1, sizeof(letter->fds));
    if (part != NULL && part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS)
        memcpy(letter->fds, CMSG_DATA(part), part->cmsg_len - CMSG_LEN(0));
    letter->length = size > 0 ? (uint32_t)size : 0;
    return size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR));
}

static void send_letter(int ltran, struct letter *letter, bool with_fds)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(letter->fds))];
    } control = { .header = { .cmsg_len = CMSG_LEN(sizeof(letter->fds)),
                      .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
    struct iovec body = { letter->text, GZ_INTRODUCTION_SIZE };
    struct msghdr message = { .msg_iov = &body, .msg_iovlen = 1 };

    if (with_fds) {
        memcpy(CMSG_DATA(&control.header), letter->fds, sizeof(letter->fds));
        message.msg_control = &control;
        message.msg_controllen = sizeof(control.space);
    }
    /* An ltran that is gone, or does not listen, gives the introduction up. */
    if (sendmsg(ltran, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        errno = 0;
}

/* What the stack wants done: bits of introductionInput(), or -ECONNRESET. */
static long judge(struct letter *letter)
{
    GZ_ENTER(thread, -1);
    memcpy(gz_at(GZ_CALL_OPTION), letter->text, letter->length);
    long step = (long)w2c_stack_introductionInput(&gz_current->module, letter->length, gz_now());

    memcpy(letter->text, gz_at(GZ_CALL_OPTION), GZ_INTRODUCTION_SIZE);
    gz_run();
    GZ_LEAVE(thread);
    return step;
}

/* Maps a file, or nothing (-1), at the place of a peer's memory. */
static bool map(const struct peer *peer, int fd)
{
    int flags = fd >= 0 ? MAP_SHARED | MAP_POPULATE : MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *at = gz_at(peer->region);

    if (mmap(at, own()->size, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0) == MAP_FAILED)
        return false;
    madvise(at, own()->size, MADV_DONTFORK);
    return true;
}

/* Makes memory and a pair of sockets: the peer's end for the letter, ours is the answer, -1 for none. */
static int make(const struct peer *peer, struct letter *letter)
{
    int ends[2];

    letter->fds[0] = memfd_create("gazelle-peer", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (letter->fds[0] < 0 || ftruncate(letter->fds[0], own()->size) != 0 ||
        fcntl(letter->fds[0], F_ADD_SEALS, SEALS) != 0 || !map(peer, letter->fds[0]))
        return -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        return -1;
    letter->fds[1] = ends[1];
    return ends[0];
}

/* Maps the memory that came along when it is sound; the socket that came along, or -1. */
static int accept_offer(const struct peer *peer, struct letter *letter)
{
    int domain = 0, type = 0, result = letter->fds[1], seals = fcntl(letter->fds[0], F_GET_SEALS);
    socklen_t size = sizeof(int);
    struct statfs system;
    struct stat file;

    getsockopt(result, SOL_SOCKET, SO_DOMAIN, &domain, &size);
    getsockopt(result, SOL_SOCKET, SO_TYPE, &type, &size);
    if (domain != AF_UNIX || type != SOCK_STREAM || seals < 0 || (seals & SEALS) != SEALS)
        return -1;
    /* Huge pages could be missing when they are touched; what nobody has touched would be charged to us. */
    if (fstatfs(letter->fds[0], &system) != 0 || system.f_type != TMPFS_MAGIC ||
        fstat(letter->fds[0], &file) != 0 || file.st_size != own()->size ||
        file.st_blocks * BLOCK < own()->size || !map(peer, letter->fds[0]))
        return -1;
    letter->fds[1] = -1;
    return result;
}

/* The stack opens the port, or says no: `socket` is ours then, or was closed. */
static long open_port(struct peer *peer, struct letter *letter, bool makes, int socket)
{
    GZ_ENTER(thread, -1);
    uint32_t at = socket < 0 ? 0 : peer->region;

    memcpy(gz_at(GZ_CALL_OPTION), letter->text, GZ_INTRODUCTION_SIZE);
    long id = (int32_t)(makes ? w2c_stack_peerMake(&gz_current->module, at, own()->landing, gz_now())
                              : w2c_stack_peerTake(&gz_current->module, at, own()->landing, gz_now()));

    memcpy(letter->text, gz_at(GZ_CALL_OPTION), GZ_INTRODUCTION_SIZE);
    if (id >= 0) {
        peer->port = (struct gz_port){ .kind = &gz_peer_port, .fd = gz_internal(socket), .id = (uint32_t)id };
        peer->used = true;
        gz_port_add(&peer->port);
        gz_run();
    } else if (socket >= 0) {
        close(socket);
    }
    GZ_LEAVE(thread);
    return id;
}

static void establish(int ltran, struct letter *letter, bool makes)
{
    struct peer *peer = own()->list, none = { .region = 0 };

    while (peer < own()->list + GZ_PEERS_MAX && (peer->used || peer->region == 0))
        peer++;
    if (peer == own()->list + GZ_PEERS_MAX)
        peer = &none;
    int socket = peer == &none ? -1 : makes ? make(peer, letter) : accept_offer(peer, letter);
    long id = open_port(peer, letter, makes, socket);

    if (id == -ECONNRESET)
        return;
    if (id < 0 && peer != &none)
        map(peer, -1);
    send_letter(ltran, letter, makes && id >= 0);
}

static long close_port(struct peer *peer, struct letter *letter)
{
    GZ_ENTER(thread, -1);
    gz_port_remove(&peer->port);
    letter->length = w2c_stack_peerClose(&gz_current->module, peer->port.id, gz_now());
    memcpy(letter->text, gz_at(GZ_CALL_OPTION), GZ_INTRODUCTION_SIZE);
    /* A thread that spins may still look there. */
    map(peer, -1);
    gz_file_detach(peer->port.fd);
    close(peer->port.fd);
    gz_run();
    GZ_LEAVE(thread);
    return 0;
}

/* Closes a ring, and tells ltran. */
static void end(struct peer *peer, int ltran)
{
    struct letter letter;

    peer->used = false;
    if (close_port(peer, &letter) == 0 && letter.length > 0)
        send_letter(ltran, &letter, false);
}

bool gz_peers_receive(int ltran)
{
    struct letter letter;

    if (!take_letter(ltran, &letter))
        return false;
    long step = letter.length == 0 ? 0 : judge(&letter);

    if (step == GZ_INTRODUCTION_MAKE || step == GZ_INTRODUCTION_TAKE)
        establish(ltran, &letter, step == GZ_INTRODUCTION_MAKE);
    else if (step == GZ_INTRODUCTION_ANSWER)
        send_letter(ltran, &letter, false);
    else if (step > 0)
        for (struct peer *peer = own()->list; peer < own()->list + GZ_PEERS_MAX; peer++)
            if (peer->used && peer->port.id == (uint32_t)step >> GZ_INTRODUCTION_PORT)
                end(peer, ltran);
    close_all(&letter);
    return true;
}

uint32_t gz_peers_watch(struct pollfd *list)
{
    uint32_t count = 0;

    for (struct peer *peer = own()->list; peer < own()->list + GZ_PEERS_MAX; peer++)
        if (peer->used)
            list[count++] = (struct pollfd){ .fd = peer->port.fd };
    return count;
}

void gz_peers_look(const struct pollfd *list, uint32_t count, int ltran)
{
    for (uint32_t i = 0; i < count; i++)
        for (struct peer *peer = own()->list;
             list[i].revents != 0 && peer < own()->list + GZ_PEERS_MAX; peer++)
            if (peer->used && peer->port.fd == list[i].fd)
                end(peer, ltran);
}

static long describe(const struct peer *peer, struct letter *letter)
{
    GZ_ENTER(thread, -1);
    letter->length = w2c_stack_peerAttached(&gz_current->module, peer->port.id);
    memcpy(letter->text, gz_at(GZ_CALL_OPTION), GZ_INTRODUCTION_SIZE);
    GZ_LEAVE(thread);
    return 0;
}

void gz_peers_tell(int ltran)
{
    struct letter letter;

    for (struct peer *peer = own()->list; peer < own()->list + GZ_PEERS_MAX; peer++)
        if (peer->used && describe(peer, &letter) == 0 && letter.length > 0)
            send_letter(ltran, &letter, false);
}
