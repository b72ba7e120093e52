#define _GNU_SOURCE
#include "send.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

struct slot_of_packet {
    size_t length;
    int next; /* of the same route, or NO_SLOT */
};

union control {
    char bytes[CMSG_SPACE(sizeof(uint16_t))];
    struct cmsghdr align;
};

struct sender {
    int udp;
    int64_t *counts;
    int used;
    struct route *waiting, *last_waiting;
    struct slot_of_packet packets[SLOTS];
    struct iovec pieces[SLOTS];
    struct mmsghdr messages[SLOTS];
    union control controls[SLOTS];
    struct route *routes[SLOTS]; /* of each message */
    uint8_t data[SLOTS][SLOT_SIZE] __attribute__((aligned(64)));
};

struct sender *sender_new(int udp, int64_t *counts) {
    struct sender *sender = aligned_alloc(64, (sizeof(struct sender) + 63) / 64 * 64);
    if (!sender)
        return NULL;
    memset(sender, 0, offsetof(struct sender, data));
    sender->udp = udp;
    sender->counts = counts;
    return sender;
}

void sender_free(struct sender *sender) { free(sender); }

uint8_t *sender_slot(struct sender *sender) {
    if (sender->used == SLOTS)
        sender_flush(sender);
    return sender->data[sender->used];
}

void sender_put(struct sender *sender, struct route *route, size_t length) {
    int slot = sender->used++;
    sender->packets[slot] = (struct slot_of_packet){length, NO_SLOT};
    if (route->first == NO_SLOT) {
        route->first = slot;
        route->next_waiting = NULL;
        *(sender->last_waiting ? &sender->last_waiting->next_waiting : &sender->waiting) = route;
        sender->last_waiting = route;
    } else {
        sender->packets[route->last].next = slot;
    }
    route->last = slot;
}

/* How many packets from `slot` on may share a call: all of one length but the last, which may be shorter. */
static size_t run_length(const struct sender *sender, const struct route *route, int slot) {
    size_t length = sender->packets[slot].length, bytes = length, count = 1;
    if (route->one_by_one)
        return 1;
    while ((slot = sender->packets[slot].next) != NO_SLOT && count < MAX_SEGMENT_COUNT) {
        size_t next = sender->packets[slot].length;
        if (next > length || bytes + next > MAX_SEGMENT_BYTES)
            break;
        bytes += next;
        count++;
        if (next < length)
            break;
    }
    return count;
}

static void say_segment_size(struct msghdr *header, union control *control, uint16_t size) {
    memset(control, 0, sizeof *control);
    header->msg_control = control->bytes;
    header->msg_controllen = sizeof control->bytes;
    struct cmsghdr *message = CMSG_FIRSTHDR(header);
    message->cmsg_level = IPPROTO_UDP;
    message->cmsg_type = UDP_SEGMENT;
    message->cmsg_len = CMSG_LEN(sizeof size);
    memcpy(CMSG_DATA(message), &size, sizeof size);
}

/* Messages for all that waits on one route; returns how many there are then. */
static int fill_messages(struct sender *sender, struct route *route, int messages, int *pieces) {
    for (int slot = route->first; slot != NO_SLOT; messages++) {
        size_t count = run_length(sender, route, slot), size = sender->packets[slot].length;
        struct msghdr *header = &sender->messages[messages].msg_hdr;
        *header = (struct msghdr){.msg_name = &route->to, .msg_namelen = sizeof route->to};
        header->msg_iov = &sender->pieces[*pieces];
        header->msg_iovlen = count;
        if (count > 1)
            say_segment_size(header, &sender->controls[messages], (uint16_t)size);
        sender->routes[messages] = route;
        for (; count; count--, slot = sender->packets[slot].next)
            sender->pieces[(*pieces)++] = (struct iovec){sender->data[slot], sender->packets[slot].length};
    }
    route->first = NO_SLOT;
    return messages;
}

static void count_failure(struct sender *sender, int error, size_t packets) {
    bool full = error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS;
    sender->counts[full ? HP_WIRE_BUFFER : HP_WIRE_FAILED] += (int64_t)packets;
}

/* What could not go in one call goes in several, now and from now on. */
static void send_one_by_one(struct sender *sender, struct msghdr *run, struct route *route) {
    route->one_by_one = true;
    for (size_t i = 0; i < run->msg_iovlen; i++) {
        struct msghdr header = {.msg_name = run->msg_name, .msg_namelen = run->msg_namelen};
        header.msg_iov = &run->msg_iov[i];
        header.msg_iovlen = 1;
        if (sendmsg(sender->udp, &header, MSG_DONTWAIT) < 0)
            count_failure(sender, errno, 1);
        else
            sender->counts[HP_WIRE_SENT]++;
    }
}

void sender_flush(struct sender *sender) {
    int messages = 0, pieces = 0;
    for (struct route *route = sender->waiting; route; route = route->next_waiting)
        messages = fill_messages(sender, route, messages, &pieces);
    for (int at = 0; at < messages;) {
        int sent = sendmmsg(sender->udp, sender->messages + at, (unsigned)(messages - at), MSG_DONTWAIT);
        for (int end = at + (sent > 0 ? sent : 0); at < end; at++)
            sender->counts[HP_WIRE_SENT] += (int64_t)sender->messages[at].msg_hdr.msg_iovlen;
        if (sent > 0)
            continue;
        struct msghdr *refused = &sender->messages[at].msg_hdr;
        if (refused->msg_iovlen > 1 && (errno == EIO || errno == EINVAL || errno == EMSGSIZE || errno == ENOTSUP))
            send_one_by_one(sender, refused, sender->routes[at]);
        else
            count_failure(sender, errno, refused->msg_iovlen);
        at++;
    }
    sender->waiting = sender->last_waiting = NULL;
    sender->used = 0;
}
