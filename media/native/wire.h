/* The plane with a socket: a thread that receives, opens, forwards, seals and sends, and never waits for Python.
 *
 * Source addresses are IPv4 (`host` as a number, most significant byte first) and belong to a transport because Python
 * has seen it prove its password there. RTP from such an address, when there are keys, goes through the plane at once.
 * Everything else that may be meant for us (STUN, DTLS, RTCP) waits in a bounded queue for `hp_wire_read`; `wake` is an
 * eventfd that says there is something, or that the plane has events. The rest is dropped and counted.
 *
 * The lock is held from the first datagram of a batch to the last one sent: once hp_remove_transport or hp_wire_keys
 * has returned, no packet passes any more. `protect` and `unprotect` are libsrtp's; contexts are the caller's, and have
 * to live until the transport is gone or has other keys.
 */
#ifndef HEARTH_WIRE_H
#define HEARTH_WIRE_H

#include "hearth.h"

typedef struct hp_wire hp_wire;
typedef int hp_srtp(void *context, void *packet, int *length);

enum hp_wire_count {
    HP_WIRE_RECEIVED,     /* datagrams */
    HP_WIRE_SENT,         /* RTP packets */
    HP_WIRE_NO_TRANSPORT, /* RTP or RTCP from nowhere, or before there are keys */
    HP_WIRE_UNAUTHENTIC,  /* refused by libsrtp, or more foreign SSRCs than MAX_FOREIGN_SSRCS */
    HP_WIRE_KIND,         /* neither of the kinds of RFC 7983, or DTLS from nowhere */
    HP_WIRE_QUEUE,        /* no room in Python's queue */
    HP_WIRE_CLOSED,       /* to send: no keys or no address */
    HP_WIRE_NOT_SEALED,   /* to send: too long, or refused by libsrtp */
    HP_WIRE_BUFFER,       /* to send: the socket's buffer is full */
    HP_WIRE_FAILED,       /* to send: unreachable for a moment */
    HP_WIRE_WAKE_UPS,     /* of the thread */
    HP_WIRE_COUNTS
};

/* Head of a packed record of hp_wire_read; `length` bytes follow. `time`: nanoseconds that it has waited. */
struct hp_datagram {
    int64_t time;
    uint32_t host, port, length;
};

/* `pause`: nanoseconds that the thread lets datagrams gather after each batch, 0 for none. */
HP_PUBLIC hp_wire *hp_wire_new(hp_plane *plane, int udp, int wake, hp_srtp *protect, hp_srtp *unprotect, int64_t pause);
HP_PUBLIC int hp_wire_start(hp_wire *wire);
HP_PUBLIC void hp_wire_stop(hp_wire *wire);
/* Stopped before. The plane goes on without. */
HP_PUBLIC void hp_wire_free(hp_wire *wire);

/* RTP contexts, towards us and from us; NULL ends both. */
HP_PUBLIC int hp_wire_keys(hp_wire *wire, int64_t transport, void *opening, void *sealing);
HP_PUBLIC int hp_wire_learn(hp_wire *wire, uint32_t host, uint16_t port, int64_t transport);
HP_PUBLIC void hp_wire_forget(hp_wire *wire, uint32_t host, uint16_t port);
/* Where packets for the transport go from now on. */
HP_PUBLIC int hp_wire_select(hp_wire *wire, int64_t transport, uint32_t host, uint16_t port);
/* Packets in clear, each a `struct hp_out` and its bytes, as the plane answers; what can't be sent is dropped and
 * counted. */
HP_PUBLIC void hp_wire_send(hp_wire *wire, const uint8_t *packets, size_t length);
HP_PUBLIC int64_t hp_wire_read(hp_wire *wire, const uint8_t **data);
HP_PUBLIC void hp_wire_counts(hp_wire *wire, int64_t counts[HP_WIRE_COUNTS]);

#endif
