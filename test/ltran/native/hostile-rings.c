/* Attacks on the rings by what stands in them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostile.h"
#include "registration_layout.h"

#define FRAME_MOST 70000
/* What is overwritten at random in a frame. */
#define FRONT 64u

static uint8_t frame[FRAME_MOST];

static uint32_t number(const char *word)
{
    return (uint32_t)strtoul(word, NULL, 0);
}

static bool is_one(const char *word, const char *name)
{
    return strcmp(word, name) == 0;
}

/* frame:HEX:COUNT[:PIECE[:LENGTH]]: COUNT times a frame, in slots of PIECE bytes, with zeros up to LENGTH. */
static void send_frames(struct client *client, char **words)
{
    size_t size = read_hex(words[1], frame, sizeof(frame));
    uint32_t count = number(words[2]), piece = number(words[3]), length = number(words[4]);

    if (length > size && length <= sizeof(frame)) {
        memset(frame + size, 0, length - size);
        size = length;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!send_frame(client, frame, size, piece == 0 ? BUFFER_SIZE : piece))
            break;
    }
    printf("taken %d\n", await_taken(client));
}

/* each:HEX:OFFSET:COUNT: a frame COUNT times with 16 bits at OFFSET counted up. */
static void send_each(struct client *client, char **words)
{
    size_t size = read_hex(words[1], frame, sizeof(frame));
    uint32_t offset = number(words[2]), count = number(words[3]), sent = 0;

    for (; sent < count; sent++) {
        uint16_t value = (uint16_t)sent;

        memcpy(frame + offset, &value, sizeof(value));
        if (!send_frame(client, frame, size, BUFFER_SIZE))
            break;
    }
    printf("sent %u\n", sent);
}

/* spin:HEX:MS: a frame as often as it goes, without waiting for anything. */
static void spin(struct client *client, char **words)
{
    size_t size = read_hex(words[1], frame, sizeof(frame));
    uint64_t until = now_ms() + number(words[2]);
    uint32_t sent = 0;

    while (now_ms() < until && send_frame(client, frame, size, BUFFER_SIZE))
        sent++;
    printf("sent %u\n", sent);
}

/* One descriptor with a field that is wrong, a frame in its buffer. */
static void send_wrong(struct client *client, char **words)
{
    uint32_t value = number(words[1]);
    size_t size = read_hex(words[2], frame, sizeof(frame));
    struct descriptor *descriptor = descriptor_at(client, 0, client->head);
    uint32_t offset = buffer_offset(client->head % SLOTS);

    memcpy(client->region + offset, frame, size);
    *descriptor = (struct descriptor){ .length = (uint32_t)size, .offset = offset };
    if (is_one(words[0], "region"))
        descriptor->region = (uint16_t)value;
    else if (is_one(words[0], "offset"))
        descriptor->offset = value;
    else
        descriptor->length = value;
    publish(client, (uint16_t)(client->head + 1));
    printf("taken %d\n", await_taken(client));
}

/* chain:COUNT:LENGTH:LAST: COUNT slots that all go on, of LENGTH bytes; LAST 1: but for the last one. */
static void send_chain(struct client *client, char **words)
{
    uint32_t count = number(words[1]), length = number(words[2]), last = number(words[3]);

    for (uint32_t i = 0; i < count; i++)
        *descriptor_at(client, 0, client->head + i) = (struct descriptor){
            .flags = i + 1 == count && last != 0 ? 0 : NEXT,
            .length = length,
            .offset = buffer_offset(client->head % SLOTS),
        };
    publish(client, (uint16_t)(client->head + count));
    printf("taken %d\n", await_taken(client));
}

/* jump:BY: the head goes on, or back, by a number of slots with nothing in them. */
static void jump(struct client *client, char **words)
{
    publish(client, (uint16_t)(client->head + (uint16_t)strtol(words[1], NULL, 0)));
    printf("taken %d\n", await_taken(client));
}

/* post:LENGTH:OFFSET:REGION: every receive buffer lies elsewhere. */
static void post(struct client *client, char **words)
{
    for (uint32_t i = 0; i < SLOTS; i++)
        *descriptor_at(client, 1, i) = (struct descriptor){ .length = number(words[1]),
            .offset = number(words[2]), .region = (uint16_t)number(words[3]) };
}

/* receive-head:VALUE: the head of the ring to the client. */
static void set_receive_head(struct client *client, char **words)
{
    *ring_word(client, 1, GZ_REGISTRATION_RING_HEAD) = (uint16_t)number(words[1]);
}

bool ring_attack(struct client *client, char **words)
{
    static const struct {
        const char *name;
        void (*attack)(struct client *client, char **words);
    } list[] = {
        { "frame", send_frames }, { "each", send_each }, { "spin", spin }, { "region", send_wrong },
        { "offset", send_wrong }, { "length", send_wrong }, { "chain", send_chain }, { "jump", jump },
        { "post", post }, { "receive-head", set_receive_head },
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
