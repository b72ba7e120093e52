#include "stream.h"

#include <stdlib.h>
#include <string.h>

bool stream_picture(const struct stream *stream) { return stream->format.kind == HP_VIDEO; }

struct stream *stream_new(int64_t number, struct transport *transport, const struct hp_stream_format *format) {
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return NULL;
    stream->number = number;
    stream->transport = transport;
    stream->format = *format;
    stream->forwarded = true;
    stream->sealed = format->sealed;
    stream->cache.size = stream_picture(stream) ? VIDEO_CACHE_PACKETS : AUDIO_CACHE_PACKETS;
    stream->cache.max_bytes = stream_picture(stream) ? VIDEO_CACHE_BYTES : AUDIO_CACHE_BYTES;
    stream->cache.slots = calloc(stream->cache.size, sizeof *stream->cache.slots);
    if (!stream->cache.slots) {
        free(stream);
        return NULL;
    }
    return stream;
}

void stream_free(struct stream *stream) {
    stream_forget(stream);
    free(stream->cache.slots);
    free(stream->downs);
    free(stream);
}

/* --- what may pass --------------------------------------------------------------------------------------------- */

void stream_judge_anew(struct stream *stream) { stream->judge = (struct judge){0}; }

static bool frame_passes(struct judge *judge, bool sealed) {
    if (!sealed)
        judge->doubt = SEALED_AGAIN;
    else if (judge->doubt)
        judge->doubt--;
    else
        return true;
    return false;
}

static size_t judged_at(const struct judge *judge, uint32_t timestamp) {
    size_t at = 0;
    while (at < judge->used && judge->frames[at].timestamp != timestamp)
        at++;
    return at;
}

static void forget_judged(struct judge *judge, size_t at) {
    memmove(judge->frames + at, judge->frames + at + 1, (judge->used - at - 1) * sizeof *judge->frames);
    judge->used--;
}

/* Two frames of one timestamp are one to us: what one of them is denied, its continuations are. */
static void note_frame(struct judge *judge, uint32_t timestamp, bool passes) {
    size_t at = judged_at(judge, timestamp);
    if (at < judge->used && !passes) {
        judge->frames[at].passes = false;
        return;
    }
    bool also = true;
    if (at < judge->used) {
        also = judge->frames[at].passes;
        forget_judged(judge, at);
    } else if (judge->used == MAX_JUDGED_FRAMES) {
        forget_judged(judge, 0);
    }
    judge->frames[judge->used++] = (struct judged){timestamp, passes && also};
}

bool stream_judges(struct stream *stream, const uint8_t *payload, size_t length, uint32_t timestamp) {
    struct judge *judge = &stream->judge;
    if (length == 0)
        return false;
    if (!stream_picture(stream))
        return frame_passes(judge, sealed_sound(payload, length));
    if (!vp8_starts_frame(payload, length)) {
        size_t at = judged_at(judge, timestamp);
        return at < judge->used ? judge->frames[at].passes : judge->used > 0 && !judge->doubt;
    }
    bool passes = frame_passes(judge, sealed_picture(payload, length));
    note_frame(judge, timestamp, passes);
    return passes;
}

/* --- counting -------------------------------------------------------------------------------------------------- */

static uint64_t *seen_word(struct stream *stream, int64_t sequence) {
    return &stream->seen[(size_t)(sequence & (SEEN_WINDOW - 1)) / 64];
}

int64_t stream_number(const struct stream *stream, uint16_t sequence) {
    if (!stream->packets)
        return sequence + 0x10000;
    int64_t number = extend(stream->highest, sequence);
    if (number > stream->highest)
        return number;
    if (stream->highest - number >= SEEN_WINDOW)
        return -1;
    uint64_t word = stream->seen[(size_t)(number & (SEEN_WINDOW - 1)) / 64];
    return word >> (number & 63) & 1 ? -1 : number;
}

static void see(struct stream *stream, int64_t sequence) {
    if (sequence > stream->highest) {
        if (sequence - stream->highest >= SEEN_WINDOW)
            memset(stream->seen, 0, sizeof stream->seen);
        else
            for (int64_t skipped = stream->highest + 1; skipped < sequence; skipped++)
                *seen_word(stream, skipped) &= ~((uint64_t)1 << (skipped & 63));
    }
    *seen_word(stream, sequence) |= (uint64_t)1 << (sequence & 63);
}

static void drop_lacks(struct stream *stream, size_t at, size_t count) {
    memmove(stream->lacks + at, stream->lacks + at + count, (stream->lacking - at - count) * sizeof *stream->lacks);
    stream->lacking -= count;
}

static void found(struct stream *stream, int64_t sequence) {
    for (size_t at = 0; at < stream->lacking; at++)
        if (stream->lacks[at].sequence == sequence) {
            drop_lacks(stream, at, 1);
            return;
        }
}

/* A higher number came: those between are missing. A jump of more than can be asked for forgets them all. */
static void note_gap(struct stream *stream, int64_t sequence, int64_t now) {
    int64_t gap = sequence - stream->highest - 1;
    if (gap > MAX_ASKED) {
        stream->lacking = 0;
        return;
    }
    if (stream->lacking + (size_t)gap > MAX_ASKED)
        drop_lacks(stream, 0, stream->lacking + (size_t)gap - MAX_ASKED);
    for (int64_t missing = stream->highest + 1; missing < sequence; missing++)
        stream->lacks[stream->lacking++] = (struct lack){missing, now, now + LACK_PATIENCE, 0};
}

/* RFC 3550 appendix A.8; the timestamp wraps, so the difference is taken modulo 2**32. */
static void note_jitter(struct stream *stream, uint32_t timestamp, int64_t now) {
    const double cycle = 4294967296.0, half = 2147483648.0;
    double transit = (double)now * stream->format.clock_rate / 1e9 - timestamp;
    if (stream->has_transit) {
        double shifted = transit - stream->transit + half;
        double difference = shifted - (double)(int64_t)(shifted / cycle) * cycle;
        if (difference < 0)
            difference += cycle;
        difference -= half;
        stream->jitter += ((difference < 0 ? -difference : difference) - stream->jitter) / 16;
    }
    stream->transit = transit;
    stream->has_transit = true;
}

bool stream_count(struct stream *stream, int64_t sequence, uint32_t timestamp, size_t octets, int64_t now,
                  bool direct) {
    bool nothing_before = stream->lacking == 0;
    if (!stream->packets) {
        stream->first = stream->highest = sequence;
    } else if (sequence > stream->highest) {
        if (stream->format.nack)
            note_gap(stream, sequence, now);
    } else {
        found(stream, sequence);
    }
    see(stream, sequence);
    if (sequence > stream->highest)
        stream->highest = sequence;
    if (direct)
        note_jitter(stream, timestamp, now);
    stream->packets++;
    stream->octets += (int64_t)octets;
    return nothing_before && stream->lacking > 0;
}

size_t stream_missing(struct stream *stream, int64_t now, uint16_t *numbers) {
    size_t count = 0, kept = 0;
    for (size_t at = 0; at < stream->lacking; at++) {
        struct lack lack = stream->lacks[at];
        if (now - lack.since >= LACK_AGE)
            continue;
        if (now >= lack.due) {
            numbers[count++] = (uint16_t)lack.sequence;
            lack.due = now + LACK_AGAIN;
            if (++lack.asks >= MAX_ASKS)
                continue;
        }
        stream->lacks[kept++] = lack;
    }
    stream->lacking = kept;
    return count;
}

/* --- kept for repair --------------------------------------------------------------------------------------------- */

static void forget_oldest(struct cache *cache) {
    struct kept *oldest = &cache->slots[cache->first];
    cache->bytes -= oldest->length;
    free((void *)oldest->payload);
    oldest->payload = NULL;
    cache->first = (cache->first + 1) % cache->size;
    cache->used--;
}

void stream_forget(struct stream *stream) {
    while (stream->cache.used)
        forget_oldest(&stream->cache);
}

void stream_keep(struct stream *stream, const struct kept *kept) {
    struct cache *cache = &stream->cache;
    uint8_t *copy = malloc(kept->length);
    if (!copy) /* cannot be repaired then; it has been sent */
        return;
    memcpy(copy, kept->payload, kept->length);
    while (cache->used && (cache->used == cache->size || cache->bytes + kept->length > cache->max_bytes))
        forget_oldest(cache);
    struct kept *slot = &cache->slots[(cache->first + cache->used++) % cache->size];
    *slot = *kept;
    slot->payload = copy;
    cache->bytes += kept->length;
}

const struct kept *stream_kept(const struct stream *stream, int64_t sequence) {
    const struct cache *cache = &stream->cache;
    for (size_t back = 1; back <= cache->used; back++) {
        const struct kept *kept = &cache->slots[(cache->first + cache->used - back) % cache->size];
        if (kept->sequence == sequence)
            return kept;
    }
    return NULL;
}
