/* Packets that wait to be sent at the end of a batch, by the transport they go to, in slots of a fixed number.
 *
 * Packets of one length to one address leave in one call with UDP_SEGMENT (generic segmentation offload): one way
 * through the kernel for all of them. A kernel or a path that refuses that gets them one by one.
 */
#ifndef HEARTH_SEND_H
#define HEARTH_SEND_H

#include <netinet/in.h>
#include <stdbool.h>

#include "wire.h"

enum {
    SLOTS = 512,
    /* A packet, and what libsrtp may write behind it (SRTP_MAX_TRAILER_LEN). */
    MAX_CLEAR = MAX_RTP + 10,
    SLOT_SIZE = 1600,
    /* Of one call: UDP_MAX_SEGMENTS, and 64 KiB with the IP header. */
    MAX_SEGMENT_COUNT = 64,
    MAX_SEGMENT_BYTES = 65000,
    NO_SLOT = -1,
};

/* Where a transport's packets go. `first` to `last` are its waiting slots. */
struct route {
    struct sockaddr_in to;
    bool has_address, one_by_one;
    int first, last;
    struct route *next_waiting;
};

struct sender;

struct sender *sender_new(int udp, int64_t *counts);
void sender_free(struct sender *sender);
/* SLOT_SIZE bytes for the next packet; `sender_put` keeps it, else the next call gives the same. */
uint8_t *sender_slot(struct sender *sender);
void sender_put(struct sender *sender, struct route *route, size_t length);
/* Everything that waits. What the kernel does not take is dropped and counted. */
void sender_flush(struct sender *sender);

#endif
