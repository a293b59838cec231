/*
 * The kernel's end of a scenario: a process in the other namespace that does what it is told over a unix
 * socket.
 */
#ifndef PEER_H
#define PEER_H

/* Serves commands until the subject goes away; `path` is a unix socket to be made. */
int peer_main(const char *path, const char *subject_address, const char *own_address);

/* Connects the subject to its peer. */
void peer_open(const char *path);
/* Sends one command, answers its result: a number, or -errno. */
long peer(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
