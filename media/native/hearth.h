/* The forwarding plane in C: everything that Python calls. media/plane/interface.py says what each function promises.
 *
 * Numbers of transports, streams and downs are the caller's, from 0 on. `now` is monotonic time in nanoseconds. Each
 * function takes the plane's lock, so any thread may call; none calls back. Those that answer with a list write it as
 * packed records of the machine's byte order and give its bytes in *data, valid until the next call of such a function
 * on this plane: one thread only asks. Negative answers are the faults below.
 */
#ifndef HEARTH_H
#define HEARTH_H

#include <stddef.h>
#include <stdint.h>

#define HP_PUBLIC __attribute__((visibility("default")))

enum hp_fault {
    HP_UNKNOWN = -1,    /* no such number: KeyError */
    HP_TAKEN = -2,      /* SSRC or number in use: ValueError */
    HP_MALFORMED = -3,  /* MediaFault */
    HP_NOT_SEALED = -4, /* NotSealed */
    HP_NO_MEMORY = -5,
};

enum hp_kind { HP_AUDIO = 0, HP_VIDEO = 1 };

/* `payload_types`: what receivers see, by the sender's number; 255 for those not agreed. */
struct hp_stream_format {
    uint32_t ssrc, clock_rate, rtx_ssrc;
    uint8_t kind, nack, sealed, has_rtx, rtx_payload_type, first_payload_type;
    uint8_t payload_types[128];
};

struct hp_down_format {
    int64_t transport;
    uint32_t ssrc, timestamp_distance, clock_rate, rtx_ssrc;
    uint16_t first_sequence;
    uint8_t kind, has_rtx, rtx_payload_type, transport_sequence;
};

struct hp_received {
    int64_t packets, octets, first, highest, jitter;
};

struct hp_sent {
    int64_t timestamp, packets, octets;
};

/* In the order of `counts` in interface.py. */
enum hp_count {
    HP_COUNT_RECEIVED,
    HP_COUNT_SENT,
    HP_COUNT_NOT_SEALED,
    HP_COUNT_MALFORMED,
    HP_COUNT_UNKNOWN,
    HP_COUNT_FORMAT,
    HP_COUNT_STALE,
    HP_COUNT_PADDING,
    HP_COUNT_EVENTS,
    HP_COUNTS
};

enum hp_event_name { HP_EVENT_UNKNOWN, HP_EVENT_KEY_FRAME, HP_EVENT_SWITCHED, HP_EVENT_LACKING };

/* Heads of the packed records; what follows each is said beside it. */
struct hp_out {
    int64_t transport;
    uint32_t head, rest; /* so many bytes of each follow */
};
struct hp_event {
    int64_t number, stream, now;
    uint32_t name, packet; /* so many bytes of a packet follow */
};
struct hp_level {
    int64_t stream, packets, voiced, loudness;
};
struct hp_missing {
    int64_t stream, count; /* so many numbers of 16 bits follow */
};
struct hp_outcome {
    int64_t came, octets, lost, anew;
    double sent, first, last;
    int64_t variations; /* so many hp_variation follow */
};
struct hp_variation {
    double arrival, variation;
};

struct hp_departed {
    int64_t octets, first, last;
};

typedef struct hp_plane hp_plane;

HP_PUBLIC hp_plane *hp_plane_new(void);
HP_PUBLIC void hp_plane_free(hp_plane *plane);

HP_PUBLIC int hp_add_transport(hp_plane *plane, int64_t transport);
HP_PUBLIC void hp_remove_transport(hp_plane *plane, int64_t transport);
HP_PUBLIC int hp_set_extensions(hp_plane *plane, int64_t transport, uint8_t level, uint8_t transport_sequence);
HP_PUBLIC int hp_add_stream(hp_plane *plane, int64_t stream, int64_t transport, const struct hp_stream_format *format);
HP_PUBLIC int hp_set_rtx(hp_plane *plane, int64_t stream, uint32_t ssrc, uint8_t payload_type);
HP_PUBLIC void hp_remove_stream(hp_plane *plane, int64_t stream);
HP_PUBLIC int hp_set_stream(hp_plane *plane, int64_t stream, int forwarded, int sealed);
HP_PUBLIC int hp_set_clock(hp_plane *plane, int64_t stream, uint64_t ntp, uint32_t timestamp);
HP_PUBLIC int hp_add_down(hp_plane *plane, int64_t down, const struct hp_down_format *format);
HP_PUBLIC void hp_remove_down(hp_plane *plane, int64_t down);
/* `stream` -1: nothing. */
HP_PUBLIC int hp_aim(hp_plane *plane, int64_t down, int64_t stream, int at_once);

HP_PUBLIC int64_t hp_receive(hp_plane *plane, int64_t transport, const uint8_t *packet, size_t length, int64_t now,
                             const uint8_t **data);
HP_PUBLIC int64_t hp_repair(hp_plane *plane, int64_t down, const uint16_t *lost, size_t count, int64_t now,
                            const uint8_t **data);
HP_PUBLIC int64_t hp_probe(hp_plane *plane, int64_t down, int64_t packets, int64_t now, const uint8_t **data);

/* A stream, or -1 for none; *fault is 0 or HP_UNKNOWN. */
HP_PUBLIC int64_t hp_flowing(hp_plane *plane, int64_t down, int *fault);
/* 1, 0 for none, or a fault. */
HP_PUBLIC int hp_received(hp_plane *plane, int64_t stream, struct hp_received *received);
HP_PUBLIC int hp_sent(hp_plane *plane, int64_t down, int64_t stream, uint32_t timestamp, struct hp_sent *sent);
HP_PUBLIC int64_t hp_missing(hp_plane *plane, int64_t now, const uint8_t **data);
HP_PUBLIC int hp_lacks(hp_plane *plane);
HP_PUBLIC int64_t hp_levels(hp_plane *plane, const uint8_t **data);
/* FCI of feedback packets, each with its length in a uint32_t before it. */
HP_PUBLIC int64_t hp_feedback(hp_plane *plane, int64_t transport, const uint8_t **data);
/* 1 with *departed, 0 if nothing has left since the last call. */
HP_PUBLIC int hp_departed(hp_plane *plane, int64_t transport, struct hp_departed *departed);
HP_PUBLIC int64_t hp_answered(hp_plane *plane, int64_t transport, const uint8_t *fci, size_t length,
                              const uint8_t **data);
HP_PUBLIC int64_t hp_take(hp_plane *plane, const uint8_t **data);
HP_PUBLIC void hp_counts(hp_plane *plane, int64_t counts[HP_COUNTS]);

#endif
