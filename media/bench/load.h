/* The hot half of the bench's load: sends RTP when it is due, counts what comes back. Two threads, no Python in them.
 *
 * A *line* is a connected UDP socket with its two libsrtp sessions; a *source* one RTP stream that is sent on a line.
 * media/bench/native.py has the same structures for ctypes. Times are nanoseconds of CLOCK_REALTIME in payloads (the
 * kernel stamps arrivals by it) and of CLOCK_MONOTONIC elsewhere.
 */
#ifndef HEARTH_LOAD_H
#define HEARTH_LOAD_H
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#define MAX_LINES 128
#define MAX_SOURCES 256
#define MAX_STREAMS 128 /* SSRCs one line receives; a power of two */
#define WINDOW 2048     /* numbers of a stream in which a repeat is told from a first arrival */
#define ARRIVALS 4096
#define NOTES 1024
#define AGES (1 << 20)
#define SAMPLE 64 /* one received packet in this many is opened to read when it was sent */
#define DATAGRAM 1500

typedef int (*srtp_call)(void *session, void *packet, int *length);

struct calls {
    srtp_call protect, unprotect, protect_rtcp, unprotect_rtcp;
};

struct source_spec {
    uint32_t ssrc, line, rate, size, per_frame, clock_rate, payload_type, key_id;
    uint32_t level_id, level, sequence_id; /* header extensions; id 0 for none */
    uint32_t picture;
    uint64_t phase;
};

struct stream {
    uint32_t ssrc, first, highest, unique, repeats, payload_type;
    uint64_t seen[WINDOW / 64];
};

struct note { /* a packet that a receiver is to ask for again, or RTCP in clear */
    uint32_t ssrc, length;
    uint8_t data[DATAGRAM];
};

struct arrival {
    uint64_t at;
    uint32_t number, unused;
};

struct line {
    int fd;
    uint32_t sequence_id; /* id of the transport-wide number in what comes; 0 for none */
    uint32_t transport_sequence;
    uint32_t lose;        /* one in this many pictures' packets is asked for again though it came; 0 for none */
    void *seal, *open;
    pthread_mutex_t sealing, reading;
    uint64_t packets, probes, octets, rtcp, unreadable;
    struct stream streams[MAX_STREAMS];
    struct arrival arrivals[ARRIVALS];
    uint32_t arrived, pretended, noted, taken;
    struct note notes[NOTES];
};

struct source {
    struct source_spec is;
    uint64_t due, sent, octets;
    uint32_t sequence, timestamp, counter, in_frame, picture_id;
    int key, key_frame; /* one is asked for; this frame is one */
};

struct load {
    struct calls srtp;
    struct line *lines[MAX_LINES];
    struct source sources[MAX_SOURCES];
    uint32_t line_count, source_count;
    atomic_int sending, ending;
    uint64_t late; /* packets sent more than LATE nanoseconds after they were due */
    uint64_t failed;
    pthread_t sender, reader;
    pthread_mutex_t aging;
    uint64_t *ages;
    uint32_t age_count;
};

#define LATE 5000000

void *send_all(void *load);
void *read_all(void *load);
#endif
