/* The plane's tables and the way of one packet through them; `hp_…` in hearth.h are thin locked doors to these.
 *
 * Whoever calls a function of this file holds the lock.
 */
#ifndef HEARTH_PLANE_H
#define HEARTH_PLANE_H

#include <pthread.h>

#include "down.h"
#include "map.h"
#include "transport.h"

/* Packed records for Python; grows as needed. `failed`: no memory, the rest is left out. */
struct buffer {
    uint8_t *data;
    size_t used, size;
    bool failed;
};

struct event {
    struct hp_event head;
    uint8_t *packet;
};

struct hp_plane {
    /* Whoever waits holds `turn` while waiting for `lock`: the two take turns, and nobody starves. */
    pthread_mutex_t turn, lock;
    struct map transports, streams, downs;
    struct stream *first_stream, *last_stream; /* in the order they came */
    struct down *first_down, *last_down;
    struct event *events; /* MAX_PLANE_EVENTS, a ring */
    size_t events_first, events_used;
    void (*on_event)(void *context); /* where there was none before; may be NULL */
    void (*on_transport_gone)(void *context, struct transport *transport); /* may be NULL */
    void *context;
    struct buffer answer;
    int64_t waited; /* nanoseconds that the packet in hand lay in the socket before anybody looked */
    int64_t counts[HP_COUNTS];
};

/* Takes one packet to send. `head` and `rest` are the plane's until it returns. */
typedef void emit(void *context, struct transport *transport, const struct written *written);

void plane_lock(hp_plane *plane);
void plane_unlock(hp_plane *plane);

/* 0, HP_MALFORMED or HP_NOT_SEALED. */
int plane_receive(hp_plane *plane, struct transport *transport, const uint8_t *packet, size_t length, int64_t now,
                  emit *send, void *context);
const struct source *transport_source(const struct transport *transport, uint32_t ssrc);

bool buffer_add(struct buffer *buffer, const void *data, size_t length);

#endif
