/* One RTP stream towards us: what was counted, what is missing, what of it may pass, and what is kept for repair.
 *
 * Sequence numbers are extended (RFC 3550 appendix A.1) and begin one cycle up. Each rule here has its twin in Python
 * (media/plane); sizes (VIDEO_CACHE_PACKETS and so on) come from media/limits.py when this is compiled.
 */
#ifndef HEARTH_STREAM_H
#define HEARTH_STREAM_H

#include "hearth.h"
#include "parse.h"

/* One packet of a stream without its own header. `picture` and `tl0` are the numbers of its VP8 descriptor, -1 where
 * absent; `picture_mask` is 0x7F or 0x7FFF. */
struct kept {
    int64_t sequence;
    uint32_t timestamp;
    uint16_t length, padding; /* payload bytes with its padding, and how many of them are padding */
    uint16_t picture_mask;
    int16_t picture, tl0;
    uint8_t payload_type, descriptor; /* as receivers see it; bytes of the descriptor */
    bool marker;
    const uint8_t *payload;
};

/* The newest packets, first in, first out; `slots` has room for `size`. */
struct cache {
    struct kept *slots;
    size_t size, first, used, bytes, max_bytes;
};

struct lack {
    int64_t sequence, since, due;
    int asks;
};

struct judged {
    uint32_t timestamp;
    bool passes;
};

struct judge {
    struct judged frames[MAX_JUDGED_FRAMES]; /* oldest first */
    size_t used;
    int doubt;
};

struct stream {
    int64_t number;
    struct transport *transport;
    struct hp_stream_format format;
    bool forwarded, sealed;

    int64_t packets, octets, first, highest;
    double transit, jitter;
    bool has_transit;
    uint64_t seen[SEEN_WINDOW / 64];
    struct lack lacks[MAX_ASKED]; /* lowest number first */
    size_t lacking;

    struct judge judge;
    struct cache cache;

    bool has_clock;
    uint64_t ntp;
    uint32_t ntp_timestamp;
    int64_t level_packets, voiced, loudness;

    struct down **downs; /* those that flow from it or aim at it, in the order they began to */
    size_t downs_used, downs_size;
    struct stream *previous, *next;
};

/* The extended number closest to `highest` with these low 16 bits; ties go forward, as in libsrtp. */
static inline int64_t extend(int64_t highest, uint16_t sequence) {
    return highest + (((int64_t)sequence - highest + 0x7FFF) & 0xFFFF) - 0x7FFF;
}

bool stream_picture(const struct stream *stream);
struct stream *stream_new(int64_t number, struct transport *transport, const struct hp_stream_format *format);
void stream_free(struct stream *stream);

/* The rules of media/sealed.py for one payload without its padding. */
bool stream_judges(struct stream *stream, const uint8_t *payload, size_t length, uint32_t timestamp);
void stream_judge_anew(struct stream *stream);

/* The number of a packet that was not seen before, or -1. */
int64_t stream_number(const struct stream *stream, uint16_t sequence);

/* Count it; true if something is missing now, where there was nothing before. `direct`: not a repair. */
bool stream_count(struct stream *stream, int64_t sequence, uint32_t timestamp, size_t octets, int64_t now, bool direct);

/* Numbers to ask for now, noted as asked; at most MAX_ASKED. Returns how many. */
size_t stream_missing(struct stream *stream, int64_t now, uint16_t *numbers);

/* `kept` points to a payload of the caller's, never empty; it is copied. */
void stream_keep(struct stream *stream, const struct kept *kept);
const struct kept *stream_kept(const struct stream *stream, int64_t sequence);
void stream_forget(struct stream *stream);

#endif
