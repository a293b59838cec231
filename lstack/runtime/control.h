/* The control socket of the process that has the port: tells its counters to whoever may know. */
#ifndef GZ_CONTROL_H
#define GZ_CONTROL_H

/* Makes the socket; its descriptor, or -1 when there is no place for it (the stack works without). */
int gz_control_open(void);
/* Answers everyone who waits at the socket. Needs no lock and never blocks. */
void gz_control_serve(int fd);

#endif
