/* One stream to one receiver: segments that map its numbers, the header it writes, repair and padding.
 *
 * Two packets never leave under one number of one SSRC (one AEAD nonce, RFC 7714 section 9): segments only move forward,
 * and what belongs before the current one is not sent.
 */
#ifndef HEARTH_DOWN_H
#define HEARTH_DOWN_H

#include "stream.h"

/* Fixed header, transport-wide number, OSN of RFC 4588, and what is rewritten of a VP8 descriptor. */
enum { MAX_HEAD = 12 + 8 + 2 + 6 };

/* Incoming numbers of a stream from `start` on leave as `start + distance` on; `end` is the last one, once closed. */
struct segment {
    int64_t stream, start, end, distance;
    int64_t spurt; /* this one leaves with the marker set although it came without; -1 for none */
    uint32_t timestamp;
    uint16_t picture, tl0; /* distances of RFC 7741's numbers, in their own width */
};

struct down {
    int64_t number;
    struct transport *transport;
    struct hp_down_format format;
    struct stream *flows, *aims;

    bool begun;             /* there was a segment: `current` is it, or was when it was closed */
    struct segment current; /* open while `flows` */
    struct segment past[MAX_SEGMENTS];
    size_t past_first, past_used;

    /* Of what has left: highest number and timestamp; the last timestamp and when; picture id, TL0PICIDX (-1: none). */
    int64_t highest;
    uint32_t highest_timestamp, last_timestamp;
    int64_t last_at;
    int32_t picture, tl0;

    int64_t packets, octets;
    uint16_t rtx_sequence;
    double tokens;
    int64_t tokens_at;
    struct down *previous, *next;
};

/* One packet to be sent: `head`, then `rest`, which belongs to somebody else. */
struct written {
    uint8_t head[MAX_HEAD];
    size_t head_length;
    const uint8_t *rest;
    size_t rest_length;
    bool has_transport_sequence;
    uint16_t transport_sequence;
};

struct down *down_new(int64_t number, struct transport *transport, const struct hp_down_format *format);

void down_hold(struct down *down);
/* Flow from `stream` from this packet on. `before` is the stream of the last segment, NULL if there is none any more. */
void down_switch(struct down *down, struct stream *stream, const struct stream *before, const struct kept *kept,
                 int64_t now);
/* Numbers up to `sequence` that have not come will not be sent: the next one follows the highest without a gap. */
void down_go_on(struct down *down, int64_t sequence);

/* A packet of the stream that it flows from; false if it is from before the segment. */
bool down_forward(struct down *down, const struct kept *kept, int64_t now, struct written *written);

/* The segment and the numbers of a packet that the receiver calls `lost`; NULL if it was never sent. */
const struct segment *down_lost(const struct down *down, uint16_t lost, int64_t *incoming, int64_t *outgoing);
/* A token bucket: RESENDS_PER_SECOND, RESEND_BURST at once. */
bool down_may_repeat(struct down *down, int64_t now);
void down_repeat(struct down *down, const struct segment *segment, const struct kept *kept, int64_t outgoing,
                 struct written *written);
void down_probe(struct down *down, struct written *written);

#endif
