/* The receiving thread: counts, tells repeats from first arrivals, and opens one packet in SAMPLE to learn its age. */
#define _GNU_SOURCE
#include "load.h"
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH 32

struct batch {
    struct mmsghdr headers[BATCH];
    struct iovec parts[BATCH];
    uint8_t data[BATCH][DATAGRAM + 200], control[BATCH][64];
};

static uint32_t get16(const uint8_t *from) { return (uint32_t)(from[0] << 8 | from[1]); }
static uint32_t get32(const uint8_t *from) { return get16(from) << 16 | get16(from + 2); }

static struct stream *stream_of(struct line *line, uint32_t ssrc) {
    uint32_t at = ssrc * 2654435761u % MAX_STREAMS;
    for (uint32_t tries = 0; tries < MAX_STREAMS; tries++, at = (at + 1) % MAX_STREAMS) {
        if (!line->streams[at].ssrc) line->streams[at].ssrc = ssrc;
        if (line->streams[at].ssrc == ssrc) return &line->streams[at];
    }
    return &line->streams[0];
}

/* RFC 3550 appendix A.1 without probation. True for a number that was not there before. */
static int first_time(struct stream *stream, uint32_t number) {
    if (!stream->highest) {
        stream->first = stream->highest = 0x10000 + number;
    } else {
        int16_t ahead = (int16_t)(uint16_t)(number - stream->highest);
        number = stream->highest + (uint32_t)ahead;
        if (ahead > 0) {
            uint32_t cleared = ahead > WINDOW ? WINDOW : (uint32_t)ahead;
            for (uint32_t i = 0; i < cleared; i++) {
                uint32_t old = (stream->highest + 1 + i) % WINDOW;
                stream->seen[old / 64] &= ~(1ull << old % 64);
            }
            stream->highest = number;
        }
    }
    uint64_t *word = &stream->seen[number % WINDOW / 64], bit = 1ull << number % 64;
    int first = !(*word & bit);
    *word |= bit;
    return first;
}

static void note(struct line *line, uint32_t ssrc, const uint8_t *data, uint32_t length) {
    if (line->noted - line->taken == NOTES || length > DATAGRAM) return;
    struct note *to = &line->notes[line->noted++ % NOTES];
    to->ssrc = ssrc, to->length = length;
    memcpy(to->data, data, length);
}

/* Remember when a transport-wide number came. The block is in clear in SRTP; only the one-byte form is looked for. */
static void arrived(struct line *line, const uint8_t *packet, uint32_t length, uint64_t at) {
    if (!line->sequence_id || !(packet[0] & 0x10) || length < 20 || get16(packet + 12) != 0xBEDE) return;
    uint32_t end = 16 + 4 * get16(packet + 14);
    for (uint32_t i = 16; i + 2 < end && end <= length;) {
        uint32_t id = packet[i] >> 4;
        if (id == line->sequence_id) {
            line->arrivals[line->arrived++ % ARRIVALS] = (struct arrival){at, get16(packet + i + 1), 0};
            return;
        }
        i += id ? 2 + (packet[i] & 15u) : 1;
    }
}

static void age(struct load *load, struct line *line, uint8_t *packet, int length, uint64_t at) {
    uint64_t sent;
    if (load->srtp.unprotect(line->open, packet, &length) || length < 20) {
        line->unreadable++;
        return;
    }
    memcpy(&sent, packet + length - 8, 8);
    pthread_mutex_lock(&load->aging);
    if (load->age_count < AGES && at > sent && at - sent < 100000000000u) load->ages[load->age_count++] = at - sent;
    pthread_mutex_unlock(&load->aging);
}

static void rtp(struct load *load, struct line *line, uint8_t *packet, uint32_t length, uint64_t at) {
    if (packet[0] & 0x20) { /* padding: what a relay sends to measure a path; no payload of ours ends with any */
        line->probes++;
        arrived(line, packet, length, at);
        return;
    }
    struct stream *stream = stream_of(line, get32(packet + 8));
    stream->payload_type = packet[1] & 0x7F;
    line->packets++;
    line->octets += length;
    arrived(line, packet, length, at);
    if (!first_time(stream, get16(packet + 2))) {
        stream->repeats++;
        return;
    }
    stream->unique++;
    if (line->lose && length > 400 && ++line->pretended % line->lose == 0) note(line, stream->ssrc, packet + 2, 2);
    else if (length > 100 && line->packets % SAMPLE == 0) age(load, line, packet, (int)length, at);
}

static void datagram(struct load *load, struct line *line, uint8_t *data, uint32_t length, uint64_t at) {
    if (length < 12 || data[0] < 128 || data[0] > 191) return; /* STUN's answers, the end of DTLS */
    if (data[1] < 192 || data[1] > 223) {
        rtp(load, line, data, length, at);
        return;
    }
    int clear = (int)length;
    line->rtcp++;
    if (load->srtp.unprotect_rtcp(line->open, data, &clear)) line->unreadable++;
    else note(line, 0, data, (uint32_t)clear);
}

static uint64_t stamp(struct msghdr *header) {
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
            struct timespec t;
            memcpy(&t, CMSG_DATA(c), sizeof t);
            return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
        }
    return 0;
}

static void drain(struct load *load, struct line *line, struct batch *batch) {
    for (int got = BATCH; got == BATCH;) {
        for (int i = 0; i < BATCH; i++) {
            batch->parts[i] = (struct iovec){batch->data[i], DATAGRAM};
            batch->headers[i].msg_hdr = (struct msghdr){.msg_iov = &batch->parts[i], .msg_iovlen = 1,
                .msg_control = batch->control[i], .msg_controllen = sizeof batch->control[i]};
        }
        got = recvmmsg(line->fd, batch->headers, BATCH, MSG_DONTWAIT, NULL);
        pthread_mutex_lock(&line->reading);
        for (int i = 0; i < got; i++)
            datagram(load, line, batch->data[i], batch->headers[i].msg_len, stamp(&batch->headers[i].msg_hdr));
        pthread_mutex_unlock(&line->reading);
    }
}

void *read_all(void *argument) {
    struct load *load = argument;
    static struct batch batch; /* one load at a time */
    struct epoll_event events[MAX_LINES];
    int watch = epoll_create1(EPOLL_CLOEXEC);
    for (uint32_t i = 0; i < load->line_count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
        epoll_ctl(watch, EPOLL_CTL_ADD, load->lines[i]->fd, &event);
    }
    while (!load->ending) {
        int ready = epoll_wait(watch, events, MAX_LINES, 50);
        for (int i = 0; i < ready; i++) drain(load, load->lines[events[i].data.u32], &batch);
    }
    return NULL;
}
