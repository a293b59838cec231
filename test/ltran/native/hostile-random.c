/* An attacker without a plan: all that the others do, a little, at random. */
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "hostile.h"
#include "registration_layout.h"

#define FRAME_MOST 2048
#define FRAMES_MOST 7
#define STUCK_MS 20

struct dice {
    uint64_t state;
};

/* xorshift64* */
static uint32_t roll(struct dice *dice, uint32_t sides)
{
    dice->state ^= dice->state >> 12;
    dice->state ^= dice->state << 25;
    dice->state ^= dice->state >> 27;
    return (uint32_t)((dice->state * 0x2545f4914f6cdd1dull) >> 33) % sides;
}

static struct {
    uint8_t bytes[FRAME_MOST];
    size_t size;
} frames[FRAMES_MOST];

/* One of the given frames with some bytes of its front changed; answers its slot's descriptor. */
static struct descriptor make(struct client *client, struct dice *dice, uint32_t position)
{
    uint32_t which = roll(dice, FRAMES_MOST), changes = roll(dice, 4);
    uint32_t offset = buffer_offset(position % SLOTS);
    struct descriptor result = { .length = (uint32_t)frames[which].size, .offset = offset };

    memcpy(client->region + offset, frames[which].bytes, frames[which].size);
    for (uint32_t i = 0; i < changes && frames[which].size > 0; i++)
        client->region[offset + roll(dice, (uint32_t)frames[which].size)] = (uint8_t)roll(dice, 256);
    switch (roll(dice, 16)) {
    case 0:
        result.flags = NEXT;
        break;
    case 1:
        result.flags = (uint16_t)roll(dice, 65536);
        break;
    case 2:
        result.region = (uint16_t)roll(dice, 65536);
        break;
    case 3:
        result.offset = roll(dice, UINT32_MAX);
        break;
    case 4:
        result.length = roll(dice, 2) == 0 ? roll(dice, UINT32_MAX) : roll(dice, 100);
        break;
    case 5:
        result.offset = (uint32_t)client->size - roll(dice, 64);
        break;
    default:
        break;
    }
    return result;
}

static void send_some(struct client *client, struct dice *dice)
{
    uint32_t count = 1 + roll(dice, 40);

    for (uint32_t i = 0; i < count; i++)
        *descriptor_at(client, 0, client->head + i) = make(client, dice, client->head + i);
    publish(client, (uint16_t)(client->head + count));
}

static void disturb(struct client *client, struct dice *dice)
{
    uint32_t ring = roll(dice, 2);

    switch (roll(dice, 8)) {
    case 0:
        client->region[roll(dice, (uint32_t)client->size)] = (uint8_t)roll(dice, 256);
        break;
    case 1:
        *ring_word(client, ring, roll(dice, GZ_REGISTRATION_RING_DESCRIPTORS / 2) * 2) ^= 1;
        break;
    case 2:
        *descriptor_at(client, 1, roll(dice, SLOTS)) = (struct descriptor){ .length = roll(dice, 4096),
            .offset = roll(dice, (uint32_t)client->size), .region = (uint16_t)(roll(dice, 16) == 0) };
        break;
    case 3:
        *ring_word(client, 1, GZ_REGISTRATION_RING_HEAD) += (uint16_t)roll(dice, 64);
        break;
    case 4:
        fallocate(client->memory, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
            roll(dice, (uint32_t)client->size), 1 + roll(dice, 65536));
        break;
    case 5:
        eventfd_write(client->to_ltran, roll(dice, UINT32_MAX));
        break;
    case 6:
        *ring_word(client, 1, GZ_REGISTRATION_RING_FLAGS) = (uint16_t)roll(dice, 2);
        break;
    default:
        if (roll(dice, 50) == 0)
            publish(client, (uint16_t)roll(dice, 65536));
        break;
    }
}

/* random:SEED:MS:HEX...: until the time is over, or the ring is dead. */
bool random_attack(struct client *client, char **words)
{
    struct dice dice;
    uint32_t rounds = 0;

    if (strcmp(words[0], "random") != 0)
        return false;
    dice.state = strtoull(words[1], NULL, 0) * 2 + 1;
    uint64_t until = now_ms() + strtoul(words[2], NULL, 0), taken = now_ms();
    uint16_t tail = *ring_word(client, 0, GZ_REGISTRATION_RING_TAIL);

    for (uint32_t i = 0; i < FRAMES_MOST; i++)
        frames[i].size = read_hex(words[3 + i % 5], frames[i].bytes, FRAME_MOST);
    for (; now_ms() < until && now_ms() - taken < STUCK_MS; rounds++) {
        uint16_t now = *ring_word(client, 0, GZ_REGISTRATION_RING_TAIL);

        if (now != tail)
            taken = now_ms();
        tail = now;
        if ((uint16_t)(client->head - now) < SLOTS / 2)
            send_some(client, &dice);
        disturb(client, &dice);
    }
    printf("rounds %u\n", rounds);
    fflush(stdout);
    return true;
}
