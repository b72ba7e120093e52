#include "down.h"

#include <stdlib.h>
#include <string.h>

#include "transport.h"

enum { PROBE_PADDING = 255 };

struct down *down_new(int64_t number, struct transport *transport, const struct hp_down_format *format) {
    struct down *down = calloc(1, sizeof *down);
    if (!down)
        return NULL;
    down->number = number;
    down->transport = transport;
    down->format = *format;
    /* One cycle up, so that a late packet never has a negative number. */
    down->highest = (int64_t)format->first_sequence + 0xFFFF;
    down->picture = down->tl0 = -1;
    down->rtx_sequence = 1;
    down->tokens = RESEND_BURST;
    return down;
}

/* --- segments ---------------------------------------------------------------------------------------------------- */

static void close_segment(struct down *down) {
    struct segment *segment = &down->current;
    segment->end = down->highest - segment->distance;
    if (segment->end < segment->start)
        return;
    if (down->past_used == MAX_SEGMENTS) {
        down->past_first = (down->past_first + 1) % MAX_SEGMENTS;
        down->past_used--;
    }
    down->past[(down->past_first + down->past_used++) % MAX_SEGMENTS] = *segment;
}

void down_hold(struct down *down) {
    if (down->flows)
        close_segment(down);
    down->flows = NULL;
}

void down_go_on(struct down *down, int64_t sequence) {
    struct segment *segment = &down->current;
    close_segment(down);
    segment->start = sequence + 1;
    segment->distance = down->highest + 1 - segment->start;
    segment->spurt = -1;
}

/* Where the timestamps go on: by both streams' sender reports (RFC 3550 section 6.4.1) unless these lead more than a
 * second away from `guess`, which follows from when packets came. Arithmetic is modulo 2**32. */
static uint32_t joint(const struct segment *last, const struct stream *before, const struct stream *stream,
                      uint32_t timestamp, uint32_t guess, uint32_t clock_rate) {
    if (last->stream == stream->number)
        return last->timestamp;
    if (before && before->has_clock && stream->has_clock) {
        int64_t apart = (int64_t)(stream->ntp - before->ntp);
        uint32_t moved = (uint32_t)(uint64_t)((__int128)apart * clock_rate >> 32);
        uint32_t distance = last->timestamp + before->ntp_timestamp - stream->ntp_timestamp + moved;
        int64_t off = (int32_t)(timestamp + distance - guess);
        if ((off < 0 ? -off : off) <= (int64_t)clock_rate)
            return distance;
    }
    return guess - timestamp;
}

static uint32_t guessed_timestamp(const struct down *down, int64_t now) {
    __int128 ticks = (__int128)(now - down->last_at) * down->format.clock_rate, second = 1000000000;
    __int128 whole = ticks / second - (ticks % second < 0); /* downwards */
    return down->last_timestamp + (uint32_t)(uint64_t)whole;
}

/* Picture id and TL0PICIDX go on behind the highest ones that have left (RFC 7741 section 4.2). */
static void join_pictures(const struct down *down, struct segment *segment, const struct kept *kept) {
    if (kept->picture >= 0 && down->picture >= 0)
        segment->picture = (uint16_t)(down->picture + 1 - kept->picture);
    if (kept->tl0 >= 0 && down->tl0 >= 0)
        segment->tl0 = (uint16_t)(down->tl0 + 1 - kept->tl0);
}

void down_switch(struct down *down, struct stream *stream, const struct stream *before, const struct kept *kept,
                 int64_t now) {
    down_hold(down);
    struct segment segment = {
        .stream = stream->number,
        .start = kept->sequence,
        .distance = down->highest + 1 - kept->sequence,
        .spurt = down->format.kind == HP_AUDIO ? kept->sequence : -1,
        .timestamp = down->format.timestamp_distance,
    };
    if (down->begun) {
        uint32_t guess = guessed_timestamp(down, now);
        segment.timestamp = joint(&down->current, before, stream, kept->timestamp, guess, down->format.clock_rate);
        uint32_t ahead = kept->timestamp + segment.timestamp - down->highest_timestamp;
        if (ahead == 0 || ahead >= 0x80000000)
            segment.timestamp = down->highest_timestamp + 1 - kept->timestamp;
        join_pictures(down, &segment, kept);
    }
    down->begun = true;
    down->current = segment;
    down->flows = stream;
}

/* --- packets ----------------------------------------------------------------------------------------------------- */

static void write_header(struct down *down, struct written *written, bool padding, bool marker, uint8_t payload_type,
                         uint16_t sequence, uint32_t timestamp, uint32_t ssrc) {
    uint8_t *head = written->head, id = down->format.transport_sequence;
    head[0] = (uint8_t)(0x80 | (padding ? 0x20 : 0) | (id ? 0x10 : 0));
    head[1] = (uint8_t)((marker ? 0x80 : 0) | payload_type);
    write16(head + 2, sequence);
    write32(head + 4, timestamp);
    write32(head + 8, ssrc);
    written->head_length = 12;
    written->has_transport_sequence = id;
    if (!id)
        return;
    written->transport_sequence = down->transport->next_sequence++;
    write32(head + 12, 0xBEDE0001); /* one word of one-byte elements, RFC 8285 section 4.2 */
    head[16] = (uint8_t)(id << 4 | 1);
    write16(head + 17, written->transport_sequence);
    head[19] = 0;
    written->head_length = 20;
}

/* The payload; of a picture after a switch with its own numbers in the descriptor, which then is part of the head. */
static void write_payload(struct written *written, const struct segment *segment, const struct kept *kept) {
    size_t copied = 0;
    if ((segment->picture || segment->tl0) && (kept->picture >= 0 || kept->tl0 >= 0)) {
        uint8_t *descriptor = written->head + written->head_length;
        copied = kept->descriptor;
        memcpy(descriptor, kept->payload, copied);
        size_t at = 2;
        if (kept->picture >= 0) {
            uint16_t picture = (uint16_t)(kept->picture + segment->picture);
            if (kept->picture_mask == 0x7FFF)
                write16(descriptor + at, picture | 0x8000);
            else
                descriptor[at] = picture & 0x7F;
            at += kept->picture_mask == 0x7FFF ? 2 : 1;
        }
        if (kept->tl0 >= 0)
            descriptor[at] = (uint8_t)(kept->tl0 + segment->tl0);
        written->head_length += copied;
    }
    written->rest = kept->payload + copied;
    written->rest_length = kept->length - copied;
}

/* Of two numbers of a width the one that comes later in its circle. */
static int32_t later(int32_t highest, uint32_t number, uint32_t mask) {
    uint32_t ahead = (number - (uint32_t)highest) & mask;
    return highest < 0 || (ahead > 0 && ahead <= mask >> 1) ? (int32_t)number : highest;
}

static void note_leaving(struct down *down, const struct segment *segment, const struct kept *kept, uint32_t timestamp,
                         int64_t now) {
    if (timestamp != down->last_timestamp && (timestamp - down->highest_timestamp < 0x80000000 || !down->packets))
        down->highest_timestamp = timestamp;
    down->last_timestamp = timestamp;
    down->last_at = now;
    if (kept->picture >= 0) {
        uint32_t mask = kept->picture_mask;
        down->picture = later(down->picture, (uint32_t)(kept->picture + segment->picture) & mask, mask);
    }
    if (kept->tl0 >= 0)
        down->tl0 = later(down->tl0, (uint32_t)(kept->tl0 + segment->tl0) & 0xFF, 0xFF);
    down->packets++;
    down->octets += kept->length - kept->padding;
}

bool down_forward(struct down *down, const struct kept *kept, int64_t now, struct written *written) {
    const struct segment *segment = &down->current;
    if (!down->flows || kept->sequence < segment->start)
        return false;
    int64_t out = kept->sequence + segment->distance;
    if (out > down->highest)
        down->highest = out;
    uint32_t timestamp = kept->timestamp + segment->timestamp;
    note_leaving(down, segment, kept, timestamp, now);
    write_header(down, written, kept->padding, kept->marker || kept->sequence == segment->spurt, kept->payload_type,
                 (uint16_t)out, timestamp, down->format.ssrc);
    write_payload(written, segment, kept);
    return true;
}

/* --- repair and probing ------------------------------------------------------------------------------------------ */

const struct segment *down_lost(const struct down *down, uint16_t lost, int64_t *incoming, int64_t *outgoing) {
    int64_t number = *outgoing = extend(down->highest, lost);
    if (number > down->highest)
        return NULL;
    for (size_t i = 0; i < down->past_used; i++) {
        const struct segment *segment = &down->past[(down->past_first + i) % MAX_SEGMENTS];
        *incoming = number - segment->distance;
        if (segment->start <= *incoming && *incoming <= segment->end)
            return segment;
    }
    *incoming = number - down->current.distance;
    return down->flows && down->current.start <= *incoming ? &down->current : NULL;
}

bool down_may_repeat(struct down *down, int64_t now) {
    down->tokens += (double)(now - down->tokens_at) * RESENDS_PER_SECOND / 1e9;
    if (down->tokens > RESEND_BURST)
        down->tokens = RESEND_BURST;
    down->tokens_at = now;
    if (down->tokens < 1)
        return false;
    down->tokens -= 1;
    return true;
}

void down_repeat(struct down *down, const struct segment *segment, const struct kept *kept, int64_t outgoing,
                 struct written *written) {
    const struct hp_down_format *format = &down->format;
    bool marker = kept->marker || kept->sequence == segment->spurt;
    uint32_t timestamp = kept->timestamp + segment->timestamp;
    down->packets++;
    down->octets += kept->length - kept->padding;
    if (format->has_rtx) {
        write_header(down, written, kept->padding, marker, format->rtx_payload_type, down->rtx_sequence++, timestamp,
                     format->rtx_ssrc);
        write16(written->head + written->head_length, (uint16_t)outgoing); /* OSN, RFC 4588 section 4 */
        written->head_length += 2;
    } else {
        write_header(down, written, kept->padding, marker, kept->payload_type, (uint16_t)outgoing, timestamp,
                     format->ssrc);
    }
    write_payload(written, segment, kept);
}

void down_probe(struct down *down, struct written *written) {
    static const uint8_t padding[PROBE_PADDING] = {[PROBE_PADDING - 1] = PROBE_PADDING};
    write_header(down, written, true, false, down->format.rtx_payload_type, down->rtx_sequence++,
                 down->highest_timestamp, down->format.rtx_ssrc);
    written->rest = padding;
    written->rest_length = sizeof padding;
}
