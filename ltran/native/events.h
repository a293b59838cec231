/*
 * What happens outside Node's sight, told to it by one thread: sockets, links, and the end of the forwarder.
 */
#ifndef GZ_EVENTS_H
#define GZ_EVENTS_H

#include <node_api.h>
#include <stdint.h>

enum gz_event {
    /* The descriptor is readable; it is not watched any more. */
    GZ_EVENT_READABLE,
    /* The links of the NICs by bits have changed. */
    GZ_EVENT_LINK,
    /* The module trapped. */
    GZ_EVENT_TRAP,
    /* The module has noted pairs of clients, or clients that broke their rings. */
    GZ_EVENT_NOTED,
};

/*
 * Begins to tell: `callback` gets an event and its number. Links are looked at every `interval` ms. 0 or
 * -errno.
 */
int gz_events_start(napi_env env, napi_value callback, int interval);
void gz_events_stop(void);
/* Tells once when the descriptor is readable. 0 or -errno. */
int gz_events_watch(int fd);
/* From any thread. */
void gz_events_tell(enum gz_event event, uint32_t number);

#endif
