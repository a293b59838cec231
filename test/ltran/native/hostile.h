/* A client of ltran that means no good: what its parts share. */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SLOTS 512u
#define BUFFER_SIZE 2048u
#define MESSAGE_MOST 1024
#define DESCRIPTORS_MOST 16

/* A descriptor of a ring (memif version 2). */
struct descriptor {
    uint16_t flags, region;
    uint32_t length, offset, metadata;
};

#define NEXT 1u

struct client {
    int socket, memory, kicked, to_client, to_ltran;
    uint8_t *region;
    size_t size;
    /* What the client-to-server ring's head was set to. */
    uint16_t head;
};

/* hostile-client.c */

/* Ends the program with a message when `result` is negative. */
int must(const char *what, int result);
uint64_t now_ms(void);
void pause_ms(uint32_t time);
/* Bytes of hexadecimal text; answers how many. */
size_t read_hex(const char *text, uint8_t *to, size_t room);
void print_hex(const uint8_t *bytes, size_t size);
int connect_to(const char *path);
/* Sends a message with descriptors: 0 or -1. */
int send_message(int socket, const uint8_t *bytes, size_t size, const int *descriptors, uint32_t count);
/* A sealed memory file with both rings laid out, mapped. */
void make_region(struct client *client, size_t size);
/* Registers properly; ends the program unless it is welcome. */
void register_client(struct client *client, const char *path, const char *message);

volatile uint16_t *ring_word(struct client *client, uint32_t ring, uint32_t offset);
struct descriptor *descriptor_at(struct client *client, uint32_t ring, uint32_t position);
uint32_t buffer_offset(uint32_t position);
/* Shows ltran what was written up to `head`, and wakes it. */
void publish(struct client *client, uint16_t head);
/* Waits until `slots` slots are free: false when they are not within a second. */
bool await_room(struct client *client, uint32_t slots);
/* Sends a frame in pieces of `piece` bytes; false when there is no room. */
bool send_frame(struct client *client, const uint8_t *bytes, size_t size, uint32_t piece);
/* Waits until ltran has taken everything: false when it does not within a second. */
bool await_taken(struct client *client);

/* hostile-registration.c: false for an unknown command. */
bool registration_attack(const char *path, char **words);

/* hostile-rings.c, hostile-random.c: one order, its arguments separated by colons; false: unknown. */
bool ring_attack(struct client *client, char **words);
bool memory_attack(struct client *client, char **words);
bool random_attack(struct client *client, char **words);

#endif
