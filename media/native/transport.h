/* One transport as the plane knows it: whose SSRCs they are, which header extensions, and the transport-wide numbers. */
#ifndef HEARTH_TRANSPORT_H
#define HEARTH_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arrivals.h"
#include "departures.h"
#include "hearth.h"

struct stream;

struct source {
    uint32_t ssrc;
    bool rtx;
    struct stream *stream;
};

struct transport {
    int64_t number;
    uint8_t level, transport_sequence; /* ids of the header extensions towards us, 0 for none */
    uint16_t next_sequence;            /* transport-wide, of the next packet from us */
    struct source *sources;
    size_t sources_used, sources_size;
    struct arrivals *arrivals;     /* NULL before the first with a transport-wide number */
    struct departures *departures; /* NULL before the first down with a transport-wide number */
    void *wire; /* of wire.c: address and keys; NULL without */
};

#endif
