/* The sending thread: each packet at its own due time, in a frame's shape, with the header extensions of browsers. */
#define _GNU_SOURCE
#include "load.h"
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

static uint64_t clock_ns(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void put16(uint8_t *to, uint32_t n) { to[0] = (uint8_t)(n >> 8), to[1] = (uint8_t)n; }
static void put32(uint8_t *to, uint32_t n) { put16(to, n >> 16), put16(to + 2, n); }

/* RFC 8285 section 4.2, one-byte form: level (RFC 6464) and transport-wide number, as negotiated. */
static uint32_t extensions(uint8_t *to, const struct source_spec *is, struct line *line) {
    uint32_t at = 4;
    if (is->level_id) {
        to[at++] = (uint8_t)(is->level_id << 4);
        to[at++] = (uint8_t)is->level;
    }
    if (is->sequence_id) {
        to[at++] = (uint8_t)(is->sequence_id << 4 | 1);
        put16(to + at, line->transport_sequence++);
        at += 2;
    }
    if (at == 4) return 0;
    while (at % 4) to[at++] = 0;
    put16(to, 0xBEDE);
    put16(to + 2, (at - 4) / 4);
    return at;
}

/* RFC 9605 section 4.3; the counter begins at 0x10000, so that both numbers have three bytes. */
static uint32_t sframe(uint8_t *to, uint32_t key_id, uint32_t counter) {
    to[0] = 0xAA;
    to[1] = (uint8_t)(key_id >> 16), put16(to + 2, key_id);
    to[4] = (uint8_t)(counter >> 16), put16(to + 5, counter);
    return 7;
}

/* RFC 7741 section 4.2 as Chromium writes it: 15 bits of picture id, TL0PICIDX, TID and KEYIDX. */
static uint32_t descriptor(uint8_t *to, const struct source *from) {
    to[0] = from->in_frame ? 0x80 : 0x90;
    to[1] = 0xE0;
    put16(to + 2, 0x8000 | (from->picture_id & 0x7FFF));
    to[4] = (uint8_t)from->picture_id;
    to[5] = 0x20;
    return 6;
}

static uint32_t payload(uint8_t *to, struct source *from) {
    uint32_t at = from->is.picture ? descriptor(to, from) : 0;
    if (from->is.picture && !from->in_frame) {
        to[at] = from->key_frame ? 0x00 : 0x01; /* RFC 6386 section 9.1: P; these bytes stay in clear */
        memset(to + at + 1, 0, 9);
        at += from->key_frame ? 10 : 1;
    }
    if (!from->in_frame) at += sframe(to + at, from->is.key_id, from->counter++);
    memset(to + at, 0x5A, from->is.size - at - 8);
    uint64_t now = clock_ns(CLOCK_REALTIME);
    memcpy(to + from->is.size - 8, &now, 8);
    return from->is.size;
}

static void emit(struct load *load, struct source *from) {
    struct line *line = load->lines[from->is.line];
    uint8_t packet[DATAGRAM + 200];
    if (!from->in_frame && from->is.picture) {
        from->key_frame = from->key, from->key = 0;
        from->picture_id++;
    }
    int last = from->in_frame + 1 == from->is.per_frame;
    pthread_mutex_lock(&line->sealing);
    uint32_t more = extensions(packet + 12, &from->is, line);
    packet[0] = more ? 0x90 : 0x80;
    packet[1] = (uint8_t)(from->is.payload_type | (last && from->is.picture ? 0x80 : 0));
    put16(packet + 2, from->sequence++);
    put32(packet + 4, from->timestamp);
    put32(packet + 8, from->is.ssrc);
    int length = (int)(12 + more + payload(packet + 12 + more, from));
    int failed = load->srtp.protect(line->seal, packet, &length);
    pthread_mutex_unlock(&line->sealing);
    if (failed || send(line->fd, packet, (size_t)length, MSG_DONTWAIT) < 0) load->failed++;
    from->sent++;
    from->octets += from->is.size;
    from->in_frame = last ? 0 : from->in_frame + 1;
    if (last) from->timestamp += from->is.clock_rate / from->is.rate * from->is.per_frame;
}

static struct source *next(struct load *load) {
    struct source *found = load->sources;
    for (uint32_t i = 1; i < load->source_count; i++)
        if (load->sources[i].due < found->due) found = &load->sources[i];
    return found;
}

static void begin(struct load *load) {
    uint64_t now = clock_ns(CLOCK_MONOTONIC) + 2000000;
    for (uint32_t i = 0; i < load->source_count; i++) load->sources[i].due = now + load->sources[i].is.phase;
}

/* `sending` is 1 when asked to, 2 while it does, -1 when asked to stop and 0 when it has. */
void *send_all(void *argument) {
    struct load *load = argument;
    prctl(PR_SET_TIMERSLACK, 1000);
    while (!load->ending) {
        int wanted = load->sending;
        if (wanted == -1) load->sending = 0;
        if (wanted == 1) begin(load), load->sending = 2;
        if (wanted < 1) {
            struct timespec pause = {0, 200000};
            nanosleep(&pause, NULL);
            continue;
        }
        struct source *from = next(load);
        uint64_t now = clock_ns(CLOCK_MONOTONIC);
        if (from->due > now) {
            struct timespec until = {(time_t)(from->due / 1000000000u), (long)(from->due % 1000000000u)};
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
            if (load->sending != 2) continue;
            now = clock_ns(CLOCK_MONOTONIC);
        }
        if (now > from->due + LATE) load->late++;
        emit(load, from);
        from->due += 1000000000u / from->is.rate;
    }
    return NULL;
}
