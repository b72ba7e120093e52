#define _GNU_SOURCE
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "plane.h"
#include "send.h"

enum { BATCH = MAX_DATAGRAMS_PER_WAKE_UP, DATAGRAM_SIZE = 2048 };

/* One transport on the wire. `foreign`: SSRCs that libsrtp has opened though no stream has them, the oldest first, and
 * when the newest came; libsrtp keeps each. */
struct path {
    struct route route;
    void *opening, *sealing;
    uint32_t foreign[MAX_FOREIGN_SSRCS];
    size_t foreign_used;
    int64_t foreign_at;
};

struct waiting {
    struct hp_datagram head;
    uint8_t data[MAX_DATAGRAM];
};

struct hp_wire {
    hp_plane *plane;
    int udp, wake, stop;
    hp_srtp *protect, *unprotect;
    int64_t pause;
    pthread_t thread;
    bool running, told;
    int64_t due; /* when Python is to be woken for RTCP that waits; 0 for never */
    atomic_bool ending;
    atomic_llong wake_ups;
    struct map addresses; /* host << 16 | port to transport */
    struct sender *sender;
    struct waiting *queue; /* MAX_WAITING_DATAGRAMS, a ring */
    size_t queue_first, queue_used;
    int64_t counts[HP_WIRE_COUNTS];
    struct mmsghdr messages[BATCH];
    struct iovec pieces[BATCH];
    struct sockaddr_in sources[BATCH];
    uint8_t stamps[BATCH][CMSG_SPACE(sizeof(struct timespec))] __attribute__((aligned(16)));
    uint8_t datagrams[BATCH][DATAGRAM_SIZE] __attribute__((aligned(16)));
};

/* RFC 3550 section 12.1, RFC 4585 section 6.1; SRTCP's index and the longest tag behind. */
enum {
    RTCP_SENDER_REPORT = 200,
    RTCP_RECEIVER_REPORT = 201,
    RTCP_TRANSPORT_FEEDBACK = 205,
    TRANSPORT_WIDE = 15,
    MAX_RTCP_TRAILER = 4 + 16,
};

static int64_t address_key(uint32_t host, uint16_t port) { return (int64_t)host << 16 | port; }

static int64_t nanoseconds(const struct timespec *at) { return (int64_t)at->tv_sec * 1000000000 + at->tv_nsec; }

static int64_t clock_of(clockid_t clock) {
    struct timespec at;
    clock_gettime(clock, &at);
    return nanoseconds(&at);
}

static int64_t clock_now(void) { return clock_of(CLOCK_MONOTONIC); }

/* --- to Python --------------------------------------------------------------------------------------------------- */

static void wake_python(void *context) {
    hp_wire *wire = context;
    uint64_t one = 1;
    wire->due = 0;
    if (!wire->told && write(wire->wake, &one, sizeof one) == sizeof one)
        wire->told = true;
}

/* What can wait shares a wake-up: to wake Python costs more than to read what was said. */
static void wake_python_by(hp_wire *wire, int64_t due) {
    if (!wire->told && (!wire->due || due < wire->due))
        wire->due = due;
}

/* How long SRTCP may wait, by what of it is in clear: its first packet's head (RFC 3711 section 3.4). Reports alone and
 * transport-wide feedback ask for nothing, and what they measure goes by when they came; behind any other report may
 * stand a NACK, which somebody waits for. Whoever sends sender reports here receives nothing, and misses nothing. */
static int64_t patience(const uint8_t *data, size_t length) {
    size_t first = 4 * ((size_t)read16(data + 2) + 1);
    bool alone = length <= first + MAX_RTCP_TRAILER;
    bool feedback = data[1] == RTCP_TRANSPORT_FEEDBACK && (data[0] & 0x1F) == TRANSPORT_WIDE;
    bool waits = data[1] == RTCP_SENDER_REPORT || (alone && (feedback || data[1] == RTCP_RECEIVER_REPORT));
    return waits ? REPORT_GATHERING : RTCP_GATHERING;
}

/* Strangers, who may be many, never take the last half of the room. `wait`: nanoseconds that Python may sleep on. */
static void wait_for_python(hp_wire *wire, uint32_t host, uint16_t port, bool known, int64_t wait, const uint8_t *data,
                            size_t length, int64_t now) {
    size_t room = known ? MAX_WAITING_DATAGRAMS : MAX_WAITING_DATAGRAMS / 2;
    if (wire->queue_used >= room || length > MAX_DATAGRAM) {
        wire->counts[HP_WIRE_QUEUE]++;
        return;
    }
    struct waiting *slot = &wire->queue[(wire->queue_first + wire->queue_used++) % MAX_WAITING_DATAGRAMS];
    slot->head = (struct hp_datagram){now - wire->plane->waited, host, port, (uint32_t)length};
    memcpy(slot->data, data, length);
    if (wait)
        wake_python_by(wire, now + wait);
    else
        wake_python(wire);
}

int64_t hp_wire_read(hp_wire *wire, const uint8_t **data) {
    plane_lock(wire->plane);
    struct buffer *answer = &wire->plane->answer;
    uint64_t ignored;
    int64_t now = clock_now();
    answer->used = 0;
    if (wire->told && read(wire->wake, &ignored, sizeof ignored) == sizeof ignored)
        wire->told = false;
    wire->due = 0;
    for (; wire->queue_used; wire->queue_used--) {
        struct waiting *slot = &wire->queue[wire->queue_first];
        slot->head.time = now > slot->head.time ? now - slot->head.time : 0;
        if (buffer_add(answer, &slot->head, sizeof slot->head) && !buffer_add(answer, slot->data, slot->head.length))
            answer->used -= sizeof slot->head;
        wire->queue_first = (wire->queue_first + 1) % MAX_WAITING_DATAGRAMS;
    }
    *data = answer->data;
    int64_t used = (int64_t)answer->used;
    plane_unlock(wire->plane);
    return used;
}

/* --- out --------------------------------------------------------------------------------------------------------- */

static void seal_and_put(hp_wire *wire, struct transport *transport, const uint8_t *head, size_t head_length,
                         const uint8_t *rest, size_t rest_length) {
    struct path *path = transport->wire;
    if (!path || !path->sealing || !path->route.has_address) {
        wire->counts[HP_WIRE_CLOSED]++;
        return;
    }
    if (head_length + rest_length > MAX_CLEAR || head_length + rest_length < 12) {
        wire->counts[HP_WIRE_NOT_SEALED]++;
        return;
    }
    uint8_t *slot = sender_slot(wire->sender);
    int length = (int)(head_length + rest_length);
    memcpy(slot, head, head_length);
    memcpy(slot + head_length, rest, rest_length);
    if (wire->protect(path->sealing, slot, &length) || length <= 0)
        wire->counts[HP_WIRE_NOT_SEALED]++;
    else
        sender_put(wire->sender, &path->route, (size_t)length);
}

static void emit_to_wire(void *context, struct transport *transport, const struct written *written) {
    seal_and_put(context, transport, written->head, written->head_length, written->rest, written->rest_length);
}

/* One of the packed packets; returns what is left behind it, or NULL for what is cut short. */
static const uint8_t *send_packed(hp_wire *wire, const uint8_t *at, size_t length) {
    struct hp_out out;
    if (length < sizeof out)
        return NULL;
    memcpy(&out, at, sizeof out);
    length -= sizeof out;
    if (out.head > length || out.rest > length - out.head)
        return NULL;
    const uint8_t *head = at + sizeof out, *rest = head + out.head;
    struct transport *transport = map_get(&wire->plane->transports, out.transport);
    if (transport)
        seal_and_put(wire, transport, head, out.head, rest, out.rest);
    else
        wire->counts[HP_WIRE_CLOSED]++;
    return rest + out.rest;
}

void hp_wire_send(hp_wire *wire, const uint8_t *packets, size_t length) {
    const uint8_t *at = packets, *end = packets + length;
    plane_lock(wire->plane);
    while (at && at < end)
        at = send_packed(wire, at, (size_t)(end - at));
    sender_flush(wire->sender);
    plane_unlock(wire->plane);
}

/* --- in ---------------------------------------------------------------------------------------------------------- */

static void forget_foreign(struct path *path, size_t at) {
    path->foreign_used--;
    memmove(path->foreign + at, path->foreign + at + 1, (path->foreign_used - at) * sizeof *path->foreign);
}

/* libsrtp keeps memory for each SSRC that it has opened: those that nobody announced are few, and once there are, new
 * ones come slowly. One that shows itself by its name is a stream's soon and counts no more: with each turn of the
 * camera come six. */
static bool may_open(const struct transport *transport, struct path *path, uint32_t ssrc, int64_t now, bool *foreign) {
    bool known = transport_source(transport, ssrc);
    size_t at = 0;
    while (at < path->foreign_used && path->foreign[at] != ssrc)
        at++;
    bool noted = at < path->foreign_used;
    if (known && noted)
        forget_foreign(path, at);
    *foreign = !known && !noted;
    return !*foreign || path->foreign_used < MAX_FOREIGN_SSRCS || now - path->foreign_at >= FOREIGN_AGAIN;
}

static void note_foreign(struct path *path, uint32_t ssrc, int64_t now) {
    if (path->foreign_used == MAX_FOREIGN_SSRCS)
        forget_foreign(path, 0);
    path->foreign[path->foreign_used++] = ssrc;
    path->foreign_at = now;
}

static void media(hp_wire *wire, struct transport *transport, uint8_t *data, int length, int64_t now) {
    struct path *path = transport->wire;
    uint32_t ssrc = read32(data + 8);
    bool foreign;
    if (!may_open(transport, path, ssrc, now, &foreign) || wire->unprotect(path->opening, data, &length) || length <= 0) {
        wire->counts[HP_WIRE_UNAUTHENTIC]++;
        return;
    }
    if (foreign)
        note_foreign(path, ssrc, now);
    plane_receive(wire->plane, transport, data, (size_t)length, now, emit_to_wire, wire);
}

/* By the first byte (RFC 7983 section 7), and RTCP by the second (RFC 5761 section 4). */
static void datagram(hp_wire *wire, const struct sockaddr_in *source, uint8_t *data, size_t length, int64_t now) {
    uint32_t host = ntohl(source->sin_addr.s_addr);
    uint16_t port = ntohs(source->sin_port);
    struct transport *transport = map_get(&wire->addresses, address_key(host, port));
    struct path *path = transport ? transport->wire : NULL;
    uint8_t first = length ? data[0] : 255;
    if (first >= 128 && first < 192 && length >= 12) {
        if (!path || !path->opening)
            wire->counts[HP_WIRE_NO_TRANSPORT]++;
        else if (data[1] >= 192 && data[1] < 224)
            wait_for_python(wire, host, port, true, patience(data, length), data, length, now);
        else
            media(wire, transport, data, (int)length, now);
    } else if ((first < 4 && length >= 20) || (first >= 20 && first < 64 && transport)) {
        wait_for_python(wire, host, port, transport != NULL, 0, data, length, now);
    } else {
        wire->counts[HP_WIRE_KIND]++;
    }
}

static int receive_batch(hp_wire *wire) {
    for (int i = 0; i < BATCH; i++) {
        wire->pieces[i] = (struct iovec){wire->datagrams[i], MAX_DATAGRAM};
        wire->messages[i].msg_hdr = (struct msghdr){
            .msg_name = &wire->sources[i],
            .msg_namelen = sizeof wire->sources[i],
            .msg_iov = &wire->pieces[i],
            .msg_iovlen = 1,
            .msg_control = wire->stamps[i],
            .msg_controllen = sizeof wire->stamps[i],
        };
    }
    return recvmmsg(wire->udp, wire->messages, BATCH, MSG_DONTWAIT, NULL);
}

/* How long a datagram lay in the socket, by the kernel's stamp in the day's time; 0 where that can't be so. */
static int64_t waited(struct msghdr *message, int64_t day) {
    struct timespec came;
    const struct cmsghdr *found = CMSG_FIRSTHDR(message);
    if (!found || found->cmsg_level != SOL_SOCKET || found->cmsg_type != SCM_TIMESTAMPNS)
        return 0;
    memcpy(&came, CMSG_DATA(found), sizeof came);
    int64_t long_ago = day - nanoseconds(&came);
    return long_ago > 0 && long_ago < MAX_WAITED ? long_ago : 0;
}

static void handle_batch(hp_wire *wire, int count) {
    int64_t now = clock_now(), day = clock_of(CLOCK_REALTIME);
    plane_lock(wire->plane);
    wire->counts[HP_WIRE_RECEIVED] += count;
    for (int i = 0; i < count; i++) {
        struct mmsghdr *message = &wire->messages[i];
        wire->plane->waited = waited(&message->msg_hdr, day);
        if (message->msg_hdr.msg_namelen != sizeof(struct sockaddr_in) || message->msg_hdr.msg_flags & MSG_TRUNC)
            wire->counts[HP_WIRE_KIND]++;
        else
            datagram(wire, &wire->sources[i], wire->datagrams[i], message->msg_len, now);
    }
    wire->plane->waited = 0;
    sender_flush(wire->sender);
    if (wire->due && now >= wire->due)
        wake_python(wire);
    plane_unlock(wire->plane);
}

/* Until something comes, or until Python is to hear of what waits. */
static void wait_for_datagrams(hp_wire *wire, struct pollfd polled[2]) {
    plane_lock(wire->plane);
    int64_t left = wire->due ? wire->due - clock_now() : 0;
    bool due = wire->due != 0;
    plane_unlock(wire->plane);
    struct timespec most = {0, left > 0 ? left : 0};
    int ready = ppoll(polled, 2, due ? &most : NULL, NULL);
    if (ready > 0)
        wire->wake_ups++;
    if (ready != 0)
        return;
    plane_lock(wire->plane);
    if (wire->due && clock_now() >= wire->due)
        wake_python(wire);
    plane_unlock(wire->plane);
}

/* A short pause after each batch lets the next ones share a wake-up; the first packet after a silence goes at once. */
static void *run(void *context) {
    hp_wire *wire = context;
    struct pollfd polled[2] = {{.fd = wire->udp, .events = POLLIN}, {.fd = wire->stop, .events = POLLIN}};
    struct timespec pause = {wire->pause / 1000000000, wire->pause % 1000000000};
    while (!wire->ending) {
        int count = receive_batch(wire);
        if (count > 0) {
            handle_batch(wire, count);
            if (count == BATCH)
                continue;
            if (wire->pause) {
                nanosleep(&pause, NULL);
                wire->wake_ups++;
            }
        } else {
            wait_for_datagrams(wire, polled);
        }
    }
    return NULL;
}

/* --- who is where ------------------------------------------------------------------------------------------------ */

static struct transport *with_path(hp_wire *wire, int64_t number) {
    struct transport *transport = map_get(&wire->plane->transports, number);
    if (!transport || transport->wire)
        return transport;
    struct path *path = calloc(1, sizeof *path);
    if (!path)
        return NULL;
    path->route.first = NO_SLOT;
    transport->wire = path;
    return transport;
}

static void forget_transport(void *context, struct transport *transport) {
    hp_wire *wire = context;
    for (size_t at = 0; at < wire->addresses.size;) {
        const struct slot *slot = &wire->addresses.slots[at];
        if (slot->key >= 0 && slot->value == transport)
            map_remove(&wire->addresses, slot->key); /* another may have moved here: look again */
        else
            at++;
    }
    free(transport->wire);
    transport->wire = NULL;
}

int hp_wire_keys(hp_wire *wire, int64_t number, void *opening, void *sealing) {
    plane_lock(wire->plane);
    struct transport *transport = with_path(wire, number);
    if (transport) {
        struct path *path = transport->wire;
        path->opening = opening;
        path->sealing = sealing;
        path->foreign_used = 0;
    }
    plane_unlock(wire->plane);
    return transport ? 0 : HP_UNKNOWN;
}

int hp_wire_learn(hp_wire *wire, uint32_t host, uint16_t port, int64_t number) {
    plane_lock(wire->plane);
    struct transport *transport = map_get(&wire->plane->transports, number);
    int result = HP_UNKNOWN;
    if (transport)
        result = map_put(&wire->addresses, address_key(host, port), transport) ? 0 : HP_NO_MEMORY;
    plane_unlock(wire->plane);
    return result;
}

void hp_wire_forget(hp_wire *wire, uint32_t host, uint16_t port) {
    plane_lock(wire->plane);
    map_remove(&wire->addresses, address_key(host, port));
    plane_unlock(wire->plane);
}

int hp_wire_select(hp_wire *wire, int64_t number, uint32_t host, uint16_t port) {
    plane_lock(wire->plane);
    struct transport *transport = with_path(wire, number);
    if (transport) {
        struct route *route = &((struct path *)transport->wire)->route;
        route->to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
        route->to.sin_addr.s_addr = htonl(host);
        route->has_address = true;
        route->one_by_one = false;
    }
    plane_unlock(wire->plane);
    return transport ? 0 : HP_UNKNOWN;
}

void hp_wire_counts(hp_wire *wire, int64_t counts[HP_WIRE_COUNTS]) {
    plane_lock(wire->plane);
    wire->counts[HP_WIRE_WAKE_UPS] = wire->wake_ups;
    memcpy(counts, wire->counts, sizeof wire->counts);
    plane_unlock(wire->plane);
}

/* --- beginning and end ------------------------------------------------------------------------------------------- */

hp_wire *hp_wire_new(hp_plane *plane, int udp, int wake, hp_srtp *protect, hp_srtp *unprotect, int64_t pause) {
    hp_wire *wire = aligned_alloc(16, (sizeof *wire + 15) / 16 * 16);
    if (!wire)
        return NULL;
    memset(wire, 0, sizeof *wire);
    wire->plane = plane;
    wire->udp = udp;
    wire->wake = wake;
    wire->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    wire->protect = protect;
    wire->unprotect = unprotect;
    wire->pause = pause;
    setsockopt(udp, SOL_SOCKET, SO_TIMESTAMPNS, &(int){1}, sizeof(int)); /* without it, all of a batch came at once */
    wire->sender = sender_new(udp, wire->counts);
    wire->queue = malloc(MAX_WAITING_DATAGRAMS * sizeof *wire->queue);
    if (wire->stop < 0 || !wire->sender || !wire->queue) {
        hp_wire_free(wire);
        return NULL;
    }
    plane_lock(plane);
    plane->on_event = wake_python;
    plane->on_transport_gone = forget_transport;
    plane->context = wire;
    plane_unlock(plane);
    return wire;
}

int hp_wire_start(hp_wire *wire) {
    sigset_t all, before;
    sigfillset(&all); /* signals are Python's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    wire->running = pthread_create(&wire->thread, NULL, run, wire) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (wire->running)
        pthread_setname_np(wire->thread, "forwarding");
    return wire->running ? 0 : HP_NO_MEMORY;
}

void hp_wire_stop(hp_wire *wire) {
    uint64_t one = 1;
    wire->ending = true;
    while (wire->running && write(wire->stop, &one, sizeof one) != sizeof one)
        ;
    if (wire->running)
        pthread_join(wire->thread, NULL);
    wire->running = false;
}

void hp_wire_free(hp_wire *wire) {
    hp_plane *plane = wire->plane;
    hp_wire_stop(wire);
    plane_lock(plane);
    for (size_t at = 0; at < plane->transports.size; at++)
        if (plane->transports.slots[at].key >= 0)
            forget_transport(wire, plane->transports.slots[at].value);
    plane->on_event = NULL;
    plane->on_transport_gone = NULL;
    plane_unlock(plane);
    if (wire->stop >= 0)
        close(wire->stop);
    if (wire->sender)
        sender_free(wire->sender);
    map_free(&wire->addresses);
    free(wire->queue);
    free(wire);
}
