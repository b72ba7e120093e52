/* The least a forwarder can be: poll, recvmmsg, open, copy, another SSRC, seal, sendmmsg. What the relay is measured by.
 *
 * No STUN, no DTLS, no RTCP (dropped), no repair, no numbers of its own: it is told ports, sessions and routes at start.
 * One thread. libsrtp's functions are handed over, so that all that is compared seals with the same library.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BATCH 64
#define DATAGRAM 1500
#define TRAILER 148 /* SRTP_MAX_TRAILER_LEN and the SRTCP index */
#define TABLE 4096  /* SSRCs; a power of two, four times as many as a load has */
#define MAX_OUTS 64

typedef int (*srtp_call)(void *session, void *packet, int *length);

struct out { uint32_t line, ssrc; };
struct route { uint32_t ssrc, count; struct out outs[MAX_OUTS]; };
struct line { struct sockaddr_in to; void *open, *seal; };

struct plain {
    srtp_call protect, unprotect;
    uint32_t line_count, queued;
    struct line lines[256];
    uint16_t by_port[65536]; /* the line's number + 1 */
    struct route routes[TABLE];
    struct mmsghdr in[BATCH], out[BATCH];
    struct iovec in_parts[BATCH], out_parts[BATCH];
    struct sockaddr_in sources[BATCH];
    uint8_t in_data[BATCH][DATAGRAM + TRAILER], out_data[BATCH][DATAGRAM + TRAILER];
};

struct plain *plain_new(srtp_call protect, srtp_call unprotect) {
    struct plain *plain = calloc(1, sizeof *plain);
    plain->protect = protect, plain->unprotect = unprotect;
    return plain;
}

int plain_line(struct plain *plain, uint16_t port, void *open, void *seal) {
    struct line *line = &plain->lines[plain->line_count];
    line->to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    line->open = open, line->seal = seal;
    plain->by_port[port] = (uint16_t)++plain->line_count;
    return (int)plain->line_count - 1;
}

static struct route *route_of(struct plain *plain, uint32_t ssrc) {
    uint32_t at = ssrc * 2654435761u % TABLE;
    while (plain->routes[at].ssrc && plain->routes[at].ssrc != ssrc) at = (at + 1) % TABLE;
    return &plain->routes[at];
}

void plain_route(struct plain *plain, uint32_t ssrc, uint32_t line, uint32_t out) {
    struct route *route = route_of(plain, ssrc);
    route->ssrc = ssrc;
    if (route->count < MAX_OUTS) route->outs[route->count++] = (struct out){line, out};
}

static void flush(struct plain *plain, int fd) {
    for (uint32_t sent = 0; sent < plain->queued;) {
        int got = sendmmsg(fd, plain->out + sent, plain->queued - sent, MSG_DONTWAIT);
        sent += got > 0 ? (uint32_t)got : 1; /* one that cannot be sent is lost */
    }
    plain->queued = 0;
}

static void forward(struct plain *plain, int fd, const uint8_t *packet, int length) {
    uint32_t ssrc;
    memcpy(&ssrc, packet + 8, 4);
    struct route *route = route_of(plain, ntohl(ssrc));
    for (uint32_t i = 0; i < route->count; i++) {
        uint32_t at = plain->queued, out = htonl(route->outs[i].ssrc);
        struct line *line = &plain->lines[route->outs[i].line];
        uint8_t *data = plain->out_data[at];
        int sealed = length;
        memcpy(data, packet, (size_t)length);
        memcpy(data + 8, &out, 4);
        if (plain->protect(line->seal, data, &sealed)) continue;
        plain->out_parts[at] = (struct iovec){data, (size_t)sealed};
        plain->out[at].msg_hdr = (struct msghdr){.msg_name = &line->to, .msg_namelen = sizeof line->to,
            .msg_iov = &plain->out_parts[at], .msg_iovlen = 1};
        if (++plain->queued == BATCH) flush(plain, fd);
    }
}

static void take(struct plain *plain, int fd, int at) {
    uint8_t *packet = plain->in_data[at];
    uint32_t known = plain->by_port[ntohs(plain->sources[at].sin_port)];
    int length = (int)plain->in[at].msg_len;
    if (length < 12 || packet[0] >> 6 != 2 || (packet[1] >= 192 && packet[1] < 224) || !known) return;
    if (!plain->unprotect(plain->lines[known - 1].open, packet, &length)) forward(plain, fd, packet, length);
}

/* Until the process ends. */
void plain_run(struct plain *plain, int fd) {
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    for (;;) {
        poll(&wait, 1, -1);
        for (int got = BATCH; got == BATCH;) {
            for (int i = 0; i < BATCH; i++) {
                plain->in_parts[i] = (struct iovec){plain->in_data[i], DATAGRAM};
                plain->in[i].msg_hdr = (struct msghdr){.msg_name = &plain->sources[i],
                    .msg_namelen = sizeof plain->sources[i], .msg_iov = &plain->in_parts[i], .msg_iovlen = 1};
            }
            got = recvmmsg(fd, plain->in, BATCH, MSG_DONTWAIT, NULL);
            for (int i = 0; i < got; i++) take(plain, fd, i);
            flush(plain, fd);
        }
    }
}
