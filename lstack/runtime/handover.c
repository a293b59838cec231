/*
 * Frames that arrived in the queue of one stack and are for the sockets of another: the stack says which
 * (stack/link/handover.ts), they are copied into the next stack's inbox, which is one of its ports. A ring of
 * records behind the other ports' memory in that stack's window, written by the stack in front of it only.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "port/fields.h"
#include "stack.h"

#define SIZE (1u << 20)
/* A record's head: the frame's length (SKIP behind the last one), its length on the wire, its flags. */
#define HEAD 16u
#define SKIP UINT32_MAX

struct gz_inbox {
    struct gz_port port;
    /* Its address in linear memory, and in the process'. */
    uint32_t at;
    uint8_t *bytes;
    /* Bytes ever written and read, records begin at multiples of HEAD. */
    _Atomic uint32_t written, read;
    /* Where the frames that the stack looks at end. */
    uint32_t lent;
    /* Its poller sleeps, or did: it has to be woken. Stays when somebody else takes the frames. */
    _Atomic bool asleep;
};

static uint32_t record_size(uint32_t length)
{
    return (HEAD + length + HEAD - 1) & ~(HEAD - 1);
}

/* Copies a frame in; false: no room. */
static bool put(struct gz_inbox *inbox, const uint8_t *bytes, uint32_t length, const uint32_t head[3])
{
    uint32_t written = atomic_load_explicit(&inbox->written, memory_order_relaxed);
    uint32_t used = written - atomic_load_explicit(&inbox->read, memory_order_acquire);
    uint32_t place = written % SIZE, size = record_size(length), skipped = 0;

    if (place + size > SIZE)
        skipped = SIZE - place;
    if (used + skipped + size > SIZE)
        return false;
    if (skipped > 0)
        gz_field32_set(inbox->bytes, place, SKIP);
    uint8_t *record = inbox->bytes + (written + skipped) % SIZE;

    memcpy(record, head, 3 * sizeof(head[0]));
    memcpy(record + HEAD, bytes, length);
    atomic_store(&inbox->written, written + skipped + size);
    return true;
}

void gz_hand_over(const uint8_t *frames, uint32_t count)
{
    struct gz_inbox *inbox = gz_stacks[(gz_current->index + 1) % gz_process.stacks].inbox;
    uint64_t one = 1;
    bool any = false;

    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *frame = frames + (size_t)i * GZ_RX_FRAME_SIZE;
        uint32_t head[3] = { gz_field32(frame, GZ_RX_FRAME_LENGTH),
            gz_field32(frame, GZ_RX_FRAME_WIRE_LENGTH), gz_field32(frame, GZ_RX_FRAME_FLAGS) };

        if (head[2] >> GZ_RX_SEEN_SHIFT == 0)
            continue;
        if (inbox != NULL && put(inbox, gz_at(gz_field32(frame, GZ_RX_FRAME_ADDRESS)), head[0], head))
            any = true;
        else
            w2c_stack_handOverFailed(&gz_current->module);
    }
    if (any && atomic_exchange(&inbox->asleep, false) && write(inbox->port.fd, &one, sizeof(one)) < 0)
        return; /* The counter is full: it is readable anyway. */
}

static bool inbox_pending(const struct gz_port *port)
{
    const struct gz_inbox *inbox = port->state;

    return atomic_load(&inbox->written) != atomic_load_explicit(&inbox->read, memory_order_relaxed);
}

static bool inbox_arm(struct gz_port *port)
{
    struct gz_inbox *inbox = port->state;
    uint64_t junk;

    atomic_store(&inbox->asleep, true);
    if (read(port->fd, &junk, sizeof(junk)) < 0)
        atomic_thread_fence(memory_order_seq_cst); /* Nobody has woken us since the last time. */
    return inbox_pending(port);
}

static uint32_t inbox_receive(struct gz_port *port, uint8_t *frames, uint32_t most)
{
    struct gz_inbox *inbox = port->state;
    uint32_t written = atomic_load_explicit(&inbox->written, memory_order_acquire);
    uint32_t at = atomic_load_explicit(&inbox->read, memory_order_relaxed), count = 0;

    while (at != written && count < most) {
        const uint8_t *record = inbox->bytes + at % SIZE;
        uint32_t length = gz_field32(record, 0);

        if (length == SKIP) {
            at += SIZE - at % SIZE;
            continue;
        }
        uint8_t *frame = frames + (size_t)count++ * GZ_RX_FRAME_SIZE;

        gz_field32_set(frame, GZ_RX_FRAME_ADDRESS, inbox->at + at % SIZE + HEAD);
        gz_field32_set(frame, GZ_RX_FRAME_LENGTH, length);
        gz_field32_set(frame, GZ_RX_FRAME_WIRE_LENGTH, gz_field32(record, 4));
        gz_field32_set(frame, GZ_RX_FRAME_FLAGS, gz_field32(record, 8));
        at += record_size(length);
    }
    inbox->lent = at;
    return count;
}

static void inbox_release(struct gz_port *port)
{
    struct gz_inbox *inbox = port->state;

    atomic_store_explicit(&inbox->read, inbox->lent, memory_order_release);
}

static const struct gz_port_kind inbox_kind = {
    .name = "inbox",
    .pending = inbox_pending,
    .arm = inbox_arm,
    .receive = inbox_receive,
    .release = inbox_release,
};

int gz_inbox_open(void)
{
    struct gz_port *wire = &gz_current->wire;
    struct gz_inbox *inbox =
        mmap(NULL, sizeof(*inbox), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t at = (uint64_t)gz_current->region_size + wire->window_size;

    if (inbox == MAP_FAILED || at + SIZE > UINT32_MAX) {
        snprintf(wire->message, sizeof(wire->message),
            "no room for frames between stacks; make memory smaller");
        return -1;
    }
    inbox->at = (uint32_t)at;
    inbox->bytes = gz_at(inbox->at);
    inbox->port = (struct gz_port){ .kind = &inbox_kind, .id = wire->id, .state = inbox, .opened = true,
        .fd = gz_internal(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) };
    if (mprotect(inbox->bytes, SIZE, PROT_READ | PROT_WRITE) != 0 || inbox->port.fd < 0) {
        snprintf(wire->message, sizeof(wire->message), "cannot make room for frames between stacks: %s",
            strerror(errno));
        return -1;
    }
    gz_current->env.memory.size = at + SIZE;
    gz_port_add(&inbox->port);
    __atomic_store_n(&gz_current->inbox, inbox, __ATOMIC_RELEASE);
    return 0;
}
