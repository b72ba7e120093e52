/* What Python calls: make a load, give it lines and sources, start, stop, read. Never two threads of Python at once. */
#define _GNU_SOURCE
#include "load.h"
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct load *load_new(const struct calls *srtp) {
    struct load *load = calloc(1, sizeof *load);
    load->srtp = *srtp;
    load->ages = calloc(AGES, sizeof *load->ages);
    pthread_mutex_init(&load->aging, NULL);
    return load;
}

/* Takes the socket over; what else reads it has to stop. */
int load_line(struct load *load, int fd, void *seal, void *open, uint32_t sequence_id, uint32_t lose) {
    if (load->line_count == MAX_LINES) return -1;
    struct line *line = calloc(1, sizeof *line);
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    line->fd = fd, line->seal = seal, line->open = open;
    line->sequence_id = sequence_id, line->lose = lose, line->transport_sequence = 1;
    pthread_mutex_init(&line->sealing, NULL);
    pthread_mutex_init(&line->reading, NULL);
    load->lines[load->line_count] = line;
    return (int)load->line_count++;
}

int load_source(struct load *load, const struct source_spec *is) {
    if (load->source_count == MAX_SOURCES) return -1;
    struct source *source = &load->sources[load->source_count];
    *source = (struct source){.is = *is, .counter = 0x10000, .sequence = 1, .key = 1, .timestamp = is->ssrc};
    return (int)load->source_count++;
}

int load_start(struct load *load) {
    return pthread_create(&load->reader, NULL, read_all, load) || pthread_create(&load->sender, NULL, send_all, load);
}

/* 1: begin; 0: stop, and come back when the last packet has gone. */
void load_send(struct load *load, int on) {
    struct timespec pause = {0, 200000};
    load->sending = on ? 1 : -1;
    while (load->sending != (on ? 2 : 0) && !load->ending) nanosleep(&pause, NULL);
}

void load_key(struct load *load, uint32_t ssrc) {
    for (uint32_t i = 0; i < load->source_count; i++)
        if (load->sources[i].is.ssrc == ssrc) load->sources[i].key = 1;
}

int load_rtcp(struct load *load, int at, const uint8_t *packet, int length) {
    struct line *line = load->lines[at];
    uint8_t sealed[DATAGRAM + 200];
    if (length > DATAGRAM) return -1;
    memcpy(sealed, packet, (size_t)length);
    pthread_mutex_lock(&line->sealing);
    int failed = load->srtp.protect_rtcp(line->seal, sealed, &length);
    pthread_mutex_unlock(&line->sealing);
    return failed ? -1 : (int)send(line->fd, sealed, (size_t)length, MSG_DONTWAIT);
}

/* One note of a line: length, 0 if there is none. `ssrc` is 0 for RTCP. */
uint32_t load_note(struct load *load, int at, uint32_t *ssrc, uint8_t *to) {
    struct line *line = load->lines[at];
    uint32_t length = 0;
    pthread_mutex_lock(&line->reading);
    if (line->taken != line->noted) {
        struct note *from = &line->notes[line->taken++ % NOTES];
        length = from->length, *ssrc = from->ssrc;
        memcpy(to, from->data, length);
    }
    pthread_mutex_unlock(&line->reading);
    return length;
}

uint32_t load_arrivals(struct load *load, int at, struct arrival *to) {
    struct line *line = load->lines[at];
    pthread_mutex_lock(&line->reading);
    uint32_t count = line->arrived > ARRIVALS ? ARRIVALS : line->arrived;
    memcpy(to, line->arrivals, count * sizeof *to);
    line->arrived = 0;
    pthread_mutex_unlock(&line->reading);
    return count;
}

/* The streams of a line that have begun; `seen` is not for Python. */
uint32_t load_streams(struct load *load, int at, struct stream *to) {
    struct line *line = load->lines[at];
    uint32_t count = 0;
    pthread_mutex_lock(&line->reading);
    for (uint32_t i = 0; i < MAX_STREAMS; i++)
        if (line->streams[i].ssrc) to[count++] = line->streams[i];
    pthread_mutex_unlock(&line->reading);
    return count;
}

/* packets, octets, rtcp, unreadable, probes */
void load_line_counts(struct load *load, int at, uint64_t *to) {
    struct line *line = load->lines[at];
    pthread_mutex_lock(&line->reading);
    to[0] = line->packets, to[1] = line->octets, to[2] = line->rtcp, to[3] = line->unreadable;
    to[4] = line->probes;
    pthread_mutex_unlock(&line->reading);
}

/* sent, octets, timestamp of one source */
void load_source_counts(struct load *load, int at, uint64_t *to) {
    struct source *source = &load->sources[at];
    to[0] = source->sent, to[1] = source->octets, to[2] = source->timestamp;
}

/* late, failed */
void load_counts(struct load *load, uint64_t *to) { to[0] = load->late, to[1] = load->failed; }

uint32_t load_ages(struct load *load, uint64_t *to) {
    pthread_mutex_lock(&load->aging);
    uint32_t count = load->age_count;
    memcpy(to, load->ages, count * sizeof *to);
    load->age_count = 0;
    pthread_mutex_unlock(&load->aging);
    return count;
}

/* Ends the threads. The sockets stay their owners'. */
void load_free(struct load *load) {
    load->ending = 1;
    pthread_join(load->sender, NULL);
    pthread_join(load->reader, NULL);
    for (uint32_t i = 0; i < load->line_count; i++) free(load->lines[i]);
    free(load->ages);
    free(load);
}
