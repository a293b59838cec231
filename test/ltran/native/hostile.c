/*
 * A client of ltran that means no good.
 *
 *   hostile SOCKET register|silent|twice|flood ...    see hostile-registration.c
 *   hostile SOCKET attack MESSAGE ORDER...            registers, then does as it was told: hostile-rings.c
 *
 * It prints "done" and stays, registered, until it is killed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostile.h"

#define WORDS_MOST 8

/* Splits an order at its colons. */
static void split(char *order, char **words)
{
    static char none[] = "";

    for (uint32_t i = 0; i < WORDS_MOST; i++)
        words[i] = none;
    for (uint32_t i = 0; i < WORDS_MOST && order != NULL; i++)
        words[i] = strsep(&order, ":");
}

static void obey(struct client *client, char *order)
{
    char *words[WORDS_MOST];

    split(order, words);
    if (ring_attack(client, words) || memory_attack(client, words) || random_attack(client, words))
        return;
    fprintf(stderr, "hostile: unknown order %s\n", words[0]);
    exit(2);
}

int main(int count, char **arguments)
{
    struct client client = { 0 };

    if (count < 4) {
        fprintf(stderr, "usage: hostile SOCKET COMMAND ARGUMENT...\n");
        return 2;
    }
    if (!registration_attack(arguments[1], arguments + 2)) {
        register_client(&client, arguments[1], arguments[3]);
        printf("registered\n");
        fflush(stdout);
        for (int i = 4; i < count; i++)
            obey(&client, arguments[i]);
    }
    printf("done\n");
    fflush(stdout);
    for (;;)
        pause();
}
