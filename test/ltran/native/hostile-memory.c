/* Attacks by changing what ltran looks at, or taking it away. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "hostile.h"
#include "registration_layout.h"

#define FRAME_MOST 2048
#define RING_HEADER GZ_REGISTRATION_RING_DESCRIPTORS

static bool is_one(const char *word, const char *name)
{
    return strcmp(word, name) == 0;
}

static uint32_t number(const char *word)
{
    return (uint32_t)strtoul(word, NULL, 0);
}

struct flipping {
    struct client *client;
    uint8_t faces[2][FRAME_MOST];
    size_t size;
    _Atomic bool ends;
};

/* Writes one frame, then the other one, into all buffers, over and over. */
static void *flip_all(void *argument)
{
    struct flipping *flipping = argument;

    for (uint32_t turn = 0; !atomic_load(&flipping->ends); turn++) {
        for (uint32_t slot = 0; slot < SLOTS; slot++)
            memcpy(flipping->client->region + buffer_offset(slot), flipping->faces[turn & 1], flipping->size);
    }
    return argument;
}

/* flip:HEX:HEX:MS: frames that a thread turns into other ones while ltran looks at them. */
static void flip(struct client *client, char **words)
{
    static struct flipping flipping;
    uint64_t until = now_ms() + number(words[3]);
    uint32_t sent = 0;
    pthread_t thread;

    flipping.client = client;
    flipping.size = read_hex(words[1], flipping.faces[0], FRAME_MOST);
    read_hex(words[2], flipping.faces[1], FRAME_MOST);
    pthread_create(&thread, NULL, flip_all, &flipping);
    while (now_ms() < until && await_room(client, 1)) {
        *descriptor_at(client, 0, client->head) = (struct descriptor){ .length = (uint32_t)flipping.size,
            .offset = buffer_offset(client->head % SLOTS) };
        publish(client, (uint16_t)(client->head + 1));
        sent++;
    }
    atomic_store(&flipping.ends, true);
    pthread_join(thread, NULL);
    printf("sent %u\n", sent);
}

/* scribble:MS:SEED: cookies, flags, tails and what is reserved of both rings, at random. */
static void scribble(struct client *client, char **words)
{
    uint64_t until = now_ms() + number(words[1]);
    unsigned int seed = number(words[2]);
    uint32_t count = 0;

    while (now_ms() < until) {
        uint32_t ring = (uint32_t)rand_r(&seed) & 1, at = (uint32_t)rand_r(&seed) % (RING_HEADER / 2) * 2;

        count++;
        if (at != GZ_REGISTRATION_RING_HEAD)
            *ring_word(client, ring, at) = (uint16_t)rand_r(&seed);
        if (count % 64 == 0)
            eventfd_write(client->to_ltran, 1);
    }
    printf("scribbled %u\n", count);
}

/* shrink: takes the end of the memory away; grow: makes it longer; punch: takes all pages out of it. */
static void resize(struct client *client, char **words)
{
    int result;

    if (is_one(words[0], "punch"))
        result = fallocate(client->memory, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
            (off_t)client->size);
    else
        result = ftruncate(client->memory, is_one(words[0], "grow") ? (off_t)client->size * 2 : 0);
    printf("%s %d\n", words[0], result == 0 ? 0 : errno);
}

/* wake:MS: wakes ltran as often as it goes. */
static void wake(struct client *client, char **words)
{
    uint64_t until = now_ms() + number(words[1]);
    uint32_t count = 0;

    for (; now_ms() < until; count++)
        eventfd_write(client->to_ltran, 1);
    printf("woke %u\n", count);
}

/* overflow: fills the counter of the eventfd and makes writers wait. */
static void overflow(struct client *client, char **words)
{
    (void)words;
    printf("overflow %d\n", eventfd_write(client->to_ltran, UINT64_MAX - 1));
    fcntl(client->to_ltran, F_SETFL, 0);
    fcntl(client->to_client, F_SETFL, 0);
    fcntl(client->kicked, F_SETFL, 0);
}

/* sleepy: asks for a kick for every frame, and never reads one. */
static void sleepy(struct client *client, char **words)
{
    (void)words;
    *ring_word(client, 1, GZ_REGISTRATION_RING_FLAGS) = 0;
}

/* wait:MS */
static void wait_for(struct client *client, char **words)
{
    (void)client;
    pause_ms(number(words[1]));
}

bool memory_attack(struct client *client, char **words)
{
    static const struct {
        const char *name;
        void (*attack)(struct client *client, char **words);
    } list[] = {
        { "flip", flip }, { "scribble", scribble }, { "shrink", resize }, { "grow", resize },
        { "punch", resize }, { "wake", wake }, { "overflow", overflow }, { "sleepy", sleepy },
        { "wait", wait_for },
    };

    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        if (!is_one(words[0], list[i].name))
            continue;
        list[i].attack(client, words);
        fflush(stdout);
        return true;
    }
    return false;
}
