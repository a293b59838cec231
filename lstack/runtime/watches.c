/* What epoll instances watch sockets for, by socket. */
#include <stdlib.h>
#include <sys/epoll.h>

#include "files.h"

/* The instance is still the one that was meant. */
static bool valid(const struct gz_watch *watch)
{
    return watch->epoll->kind == GZ_KIND_EPOLL && watch->epoll->serial == watch->serial;
}

static struct gz_watch *find(struct gz_file *file, const struct gz_file *epoll, int fd)
{
    for (struct gz_watch *watch = file->watches; watch != NULL; watch = watch->next)
        if (watch->epoll == epoll && watch->serial == epoll->serial && watch->fd == fd)
            return watch;
    return NULL;
}

static void forget(struct gz_file *file, struct gz_watch *watch)
{
    struct gz_watch **at = &file->watches;

    while (*at != watch)
        at = &(*at)->next;
    *at = watch->next;
    free(watch);
}

void gz_watches_follow(struct gz_file *file, struct gz_file *epoll, int operation, int fd,
    const struct epoll_event *event)
{
    struct gz_watch *watch = find(file, epoll, fd);

    if (operation == EPOLL_CTL_DEL) {
        if (watch != NULL)
            forget(file, watch);
        return;
    }
    if (watch == NULL) {
        watch = malloc(sizeof(*watch));
        /* Without it the socket is served all the same, but is not heard of when the stack fails. */
        if (watch == NULL)
            return;
        *watch = (struct gz_watch){
            .next = file->watches, .epoll = epoll, .serial = epoll->serial, .fd = fd,
        };
        file->watches = watch;
    }
    watch->event = *event;
}

void gz_watches_free(struct gz_file *file)
{
    while (file->watches != NULL)
        forget(file, file->watches);
}

static void unwatch(struct gz_file *epoll, int fd)
{
    if (epoll_ctl(epoll->epoll_fd, EPOLL_CTL_DEL, fd, NULL) == 0 && epoll->kernel_interests > 0)
        epoll->kernel_interests--;
}

void gz_watches_settle(struct gz_file *file)
{
    for (struct gz_watch *watch = file->watches; watch != NULL; watch = watch->next) {
        if (!valid(watch))
            continue;
        /* The kernel's socket stays unconnected: it would report a hang-up for ever. */
        if (file->side == GZ_STACK)
            unwatch(watch->epoll, watch->fd);
        gz_epoll_stack_ctl(watch->epoll, EPOLL_CTL_ADD, watch->fd, file, &watch->event);
    }
}

void gz_watches_spread(struct gz_file *file)
{
    for (struct gz_watch *watch = file->watches; watch != NULL; watch = watch->next)
        if (valid(watch))
            gz_epoll_stack_ctl(watch->epoll, EPOLL_CTL_ADD, watch->fd, file, &watch->event);
}

void gz_watches_to_kernel(struct gz_file *file)
{
    for (struct gz_watch *watch = file->watches; watch != NULL; watch = watch->next)
        if (valid(watch) && epoll_ctl(watch->epoll->epoll_fd, EPOLL_CTL_ADD, watch->fd, &watch->event) == 0)
            watch->epoll->kernel_interests++;
}
