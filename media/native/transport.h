/* One transport as the plane knows it: whose SSRCs they are, which header extensions, and the transport-wide numbers. */
#ifndef HEARTH_TRANSPORT_H
#define HEARTH_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hearth.h"

struct stream;

struct source {
    uint32_t ssrc;
    bool rtx;
    struct stream *stream;
};

/* The newest MAX_ARRIVALS; memory only for those transports that use it. */
struct log {
    struct hp_arrival *entries;
    size_t first, used;
};

struct transport {
    int64_t number;
    uint8_t level, transport_sequence; /* ids of the header extensions towards us, 0 for none */
    uint16_t next_sequence;            /* transport-wide, of the next packet from us */
    struct source *sources;
    size_t sources_used, sources_size;
    struct log arrivals, departures;
    void *wire; /* of wire.c: address and keys; NULL without */
};

void log_add(struct log *log, uint16_t sequence, uint32_t size, int64_t now);

#endif
