/* Open files: what the application's descriptors mean to the engine. */
#ifndef GZ_FILES_H
#define GZ_FILES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "engine.h"
#include "stack_layout.h"
#include "thread.h"

struct gz_address;

/* Who serves a socket. */
enum gz_side {
    /* Neither bind, connect nor listen said so yet; the kernel's socket and the stack's exist both. */
    GZ_UNDECIDED,
    GZ_STACK,
    /* Bound to any address: both listen. */
    GZ_BOTH,
    GZ_KERNEL_SIDE,
};

/* A one-shot interest, which is in every stack that its socket is in: it fires in one of them. */
enum gz_shot {
    GZ_SHOT_UNKNOWN,
    GZ_SHOT_ARMED,
    GZ_SHOT_SPENT,
};

/*
 * An interest of an epoll instance in a socket: while the socket is undecided the kernel's instance has it,
 * then the stack's wait set, and after a failure of the stack the kernel's again.
 */
struct gz_watch {
    struct gz_watch *next;
    struct gz_file *epoll;
    /* The instance's serial number: it may have been closed, and its structure used again. */
    uint32_t serial;
    int fd;
    struct epoll_event event;
};

/* A socket as its stack describes it to others (stack/socket/shadow.ts). */
struct gz_model {
    uint32_t length;
    uint8_t bytes[GZ_CALL_OPTION_SIZE];
};

/* An open file description, shared by all descriptors made by dup. */
struct gz_file {
    uint8_t kind;
    uint8_t side;
    bool nonblocking;
    bool datagram;
    bool v6;
    bool v6_only;
    bool bound;
    bool listening;
    /* The stack that it belongs to, by number: its lock guards it. */
    uint8_t stack;
    /* A listener that is in other stacks too. */
    bool everywhere;
    /*
     * By stack: handles of listeners in other stacks, wait sets of epoll instances; -1: none. Made when first
     * needed, and kept with the structure.
     */
    int32_t *places;
    /* No other file that this process ever had has the same. */
    uint32_t serial;
    int32_t handle;
    uint32_t descriptors;
    /* Blocking calls inside: the file ends when the last of them has left. */
    uint32_t calls;
    /* Our own duplicate of the kernel's descriptor, for calls whose own was closed; -1: none. */
    int kept;
    /* Time limits of blocking calls in microseconds, 0: none. */
    uint64_t receive_limit;
    uint64_t send_limit;
    struct gz_watch *watches;
    /* What it was in stacks that this process has left (part.c): it is made again when it is used. */
    struct gz_model *model;
    /* Epoll instances: a descriptor; who else is in it. */
    int epoll_fd;
    _Atomic uint32_t kernel_interests;
    /* With several stacks, by descriptor: enum gz_shot. NULL: no interest was a one-shot one. */
    _Atomic uint8_t *shots;
    uint32_t turn;
    struct gz_file *next_free;
};

/* Maps the tables; 0 or -1. */
int gz_files_start(void);
const uint8_t *gz_files_kinds(void);
uint32_t gz_files_limit(void);

struct gz_thread;
/* The stack of what `fd` names, by number; that of the thread for what we do not know. No lock needed. */
uint32_t gz_file_stack(const struct gz_thread *thread, int fd);
/* Makes `places`, all -1; false: no memory. */
bool gz_file_places(struct gz_file *file);
/* Its handle in the current stack, -1: none. */
int32_t gz_handle(const struct gz_file *file);
/* epoll.c: that of an epoll instance, as others watch it. */
int32_t gz_face(const struct gz_file *epoll);
/* A new file of the current stack without descriptors, or NULL. Called with its lock held, as all below. */
struct gz_file *gz_file_new(enum gz_kind kind);
void gz_file_free(struct gz_file *file);
/* The descriptor by which a call that was made with `fd` reaches the kernel's half. */
static inline int gz_kernel_fd(const struct gz_file *file, int fd)
{
    return file->kept >= 0 ? file->kept : fd;
}
/* Lets `fd` name `file`. */
void gz_file_attach(int fd, struct gz_file *file);
/* What `fd` names, of kind `kind`, or NULL. */
struct gz_file *gz_file_at(int fd, enum gz_kind kind);
/* `fd` names nothing any more; answers the file when this was its last descriptor. */
struct gz_file *gz_file_detach(int fd);
void gz_file_internal(int fd);
/* The kernel serves this socket from now on. */
void gz_file_to_kernel(int fd, struct gz_file *file);
/* Calls `visit` for each file, whatever its stack. */
void gz_files_all(void (*visit)(struct gz_file *));
/* Calls `visit` for each file of kind `kind` in the current stack that a descriptor names or a call uses. */
void gz_files_each(enum gz_kind kind, void (*visit)(struct gz_file *));

/* listeners.c: takes the description of a socket of the current stack, and puts one into its call area. */
bool gz_model_take(const struct gz_file *file, struct gz_model *model);
void gz_model_show(const struct gz_model *model);
/* part.c: makes a socket in the current stack from its description. */
void gz_revive(struct gz_file *file);
/* listeners.c: follows listen(), a changed option, the end of the file; in the other stacks. 0 or -errno. */
long gz_shadows_listen(struct gz_thread *thread, struct gz_file *file);
void gz_shadows_follow(struct gz_thread *thread, struct gz_file *file);
void gz_shadows_end(struct gz_thread *thread, struct gz_file *file);
/* Whether no socket of another stack has the address that bind() wants: 0 or -EADDRINUSE. */
long gz_may_bind(struct gz_thread *thread, struct gz_file *file, const struct gz_address *address);

/* In a child, which has no thread in any call and none of our own descriptors. */
void gz_files_forked(void);

/* How many processes have a stack socket (before the claim; see process.c). */
void gz_reference(int32_t handle, int by);
bool gz_unreferenced(int32_t handle);

/* Ends the socket of a file in the stack, with SO_LINGER. */
void gz_socket_end(struct gz_thread *thread, struct gz_file *file);
/* watches.c: the socket's side was decided; it is closed; the stack failed. */
void gz_watches_settle(struct gz_file *file);
void gz_watches_free(struct gz_file *file);
void gz_watches_to_kernel(struct gz_file *file);
/* A listener has a handle in the current stack: who watches it does so here too. */
void gz_watches_spread(struct gz_file *file);
/* Follows a successful epoll_ctl. */
void gz_watches_follow(struct gz_file *file, struct gz_file *epoll, int operation, int fd,
    const struct epoll_event *event);
/* epoll_ctl on the stack's half. */
long gz_epoll_stack_ctl(struct gz_file *epoll, int operation, int fd, struct gz_file *file,
    struct epoll_event *event);
void gz_epoll_end(struct gz_thread *thread, struct gz_file *file);
/* True when the child of a fork after the claim asks. */
bool gz_detached(const struct gz_file *file);

#endif
