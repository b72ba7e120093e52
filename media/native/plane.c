/* One packet in, the receivers' packets out, and what the room asks. The rules of media/plane/twin.py in their order. */
#include "plane.h"

#include <stdlib.h>
#include <string.h>

void unlist_down(struct stream *stream, struct down *down); /* tables.c */

void plane_lock(hp_plane *plane) {
    pthread_mutex_lock(&plane->turn);
    pthread_mutex_lock(&plane->lock);
    pthread_mutex_unlock(&plane->turn);
}

void plane_unlock(hp_plane *plane) { pthread_mutex_unlock(&plane->lock); }

bool buffer_add(struct buffer *buffer, const void *data, size_t length) {
    if (buffer->used + length > buffer->size) {
        size_t size = 2 * (buffer->used + length) + 4096;
        uint8_t *larger = realloc(buffer->data, size);
        if (!larger) {
            buffer->failed = true;
            return false;
        }
        buffer->data = larger;
        buffer->size = size;
    }
    if (length)
        memcpy(buffer->data + buffer->used, data, length);
    buffer->used += length;
    return true;
}

/* --- events ------------------------------------------------------------------------------------------------------ */

static void note(hp_plane *plane, struct hp_event head, const uint8_t *packet) {
    uint8_t *copy = NULL;
    if (plane->events_used == MAX_PLANE_EVENTS || (head.packet && !(copy = malloc(head.packet)))) {
        plane->counts[HP_COUNT_EVENTS]++;
        return;
    }
    if (head.packet)
        memcpy(copy, packet, head.packet);
    plane->events[(plane->events_first + plane->events_used++) % MAX_PLANE_EVENTS] = (struct event){head, copy};
    if (plane->events_used == 1 && plane->on_event)
        plane->on_event(plane->context);
}

/* --- one packet in ----------------------------------------------------------------------------------------------- */

/* A packet of a stream, as if it had come by itself. `length` is of the payload with its padding. */
struct incoming {
    struct stream *stream;
    struct rtp header;
    bool direct;
    uint8_t payload_type; /* what receivers see */
    const uint8_t *payload;
    size_t length, padding;
};

static void note_arrival(struct transport *transport, const struct rtp *header, const uint8_t *packet, int64_t now) {
    size_t length;
    const uint8_t *value = rtp_extension(header, packet, transport->transport_sequence, &length);
    if (!value || length != 2 || (!transport->arrivals && !(transport->arrivals = arrivals_new())))
        return;
    arrivals_add(transport->arrivals, read16(value), now);
}

static void note_level(struct transport *transport, struct stream *stream, const struct rtp *header,
                       const uint8_t *packet) {
    size_t length;
    const uint8_t *value = rtp_extension(header, packet, transport->level, &length);
    if (!value || length != 1)
        return;
    stream->level_packets++;
    stream->voiced += *value >> 7;
    stream->loudness += 127 - (*value & 0x7F);
}

/* False with the reason to count, unless its payload type was agreed. A repair gives up its OSN (RFC 4588 section 4). */
static bool understand(struct incoming *in, const uint8_t *packet, size_t length, enum hp_count *reason) {
    const struct hp_stream_format *format = &in->stream->format;
    struct rtp *header = &in->header;
    *reason = HP_COUNT_FORMAT;
    if (in->direct) {
        in->payload_type = format->payload_types[header->payload_type];
        in->payload = packet + header->payload;
        in->length = length - header->payload;
        in->padding = length - header->end;
        return in->payload_type <= 127;
    }
    if (header->payload_type != format->rtx_payload_type)
        return false;
    *reason = HP_COUNT_PADDING;
    if (header->end - header->payload < 3)
        return false;
    header->sequence = read16(packet + header->payload);
    in->payload_type = format->payload_types[format->first_payload_type];
    in->payload = packet + header->payload + 2;
    in->length = header->end - header->payload - 2;
    in->padding = 0;
    return true;
}

static void count_packet(hp_plane *plane, const struct incoming *in, int64_t sequence, int64_t now) {
    struct stream *stream = in->stream;
    if (stream_count(stream, sequence, in->header.timestamp, in->length - in->padding, now, in->direct))
        note(plane, (struct hp_event){.name = HP_EVENT_LACKING, .number = stream->number}, NULL);
}

/* Receivers shall see no gap where padding was. */
static void padding_alone(hp_plane *plane, const struct incoming *in, int64_t now) {
    struct stream *stream = in->stream;
    plane->counts[HP_COUNT_PADDING]++;
    int64_t sequence = stream_number(stream, in->header.sequence);
    if (sequence < 0)
        return;
    bool newest = !stream->packets || sequence > stream->highest;
    count_packet(plane, in, sequence, now);
    if (!newest)
        return;
    for (size_t i = 0; i < stream->downs_used; i++)
        if (stream->downs[i]->flows == stream)
            down_go_on(stream->downs[i], sequence);
}

static void send_one(hp_plane *plane, struct down *down, struct written *written, int64_t now, emit *send,
                     void *context) {
    if (written->has_transport_sequence)
        departures_add(down->transport->departures, written->transport_sequence,
                       written->head_length + written->rest_length, now);
    plane->counts[HP_COUNT_SENT]++;
    send(context, down->transport, written);
}

/* To every down that flows from the stream or aims at it; true if any sent it. */
static bool forward(hp_plane *plane, struct stream *stream, const struct kept *kept, bool starts_key_frame, int64_t now,
                    emit *send, void *context) {
    bool sent = false;
    struct written written;
    for (size_t i = 0; i < stream->downs_used; i++) {
        struct down *down = stream->downs[i];
        if (down->aims == stream) {
            if (stream_picture(stream) && !starts_key_frame)
                continue;
            struct stream *flowed = down->flows;
            down_switch(down, stream, map_get(&plane->streams, down->begun ? down->current.stream : -1), kept, now);
            down->aims = NULL;
            unlist_down(flowed, down);
            note(plane, (struct hp_event){.name = HP_EVENT_SWITCHED, .number = down->number, .stream = stream->number},
                 NULL);
        }
        if (!down_forward(down, kept, now, &written))
            continue;
        send_one(plane, down, &written, now, send, context);
        sent = true;
    }
    return sent;
}

static struct kept without_header(const struct incoming *in, int64_t sequence) {
    struct kept kept = {
        .sequence = sequence,
        .timestamp = in->header.timestamp,
        .length = (uint16_t)in->length,
        .padding = (uint16_t)in->padding,
        .picture = -1,
        .tl0 = -1,
        .payload_type = in->payload_type,
        .marker = in->header.marker,
        .payload = in->payload,
    };
    struct vp8 vp8;
    if (!stream_picture(in->stream) || !vp8_read(&vp8, in->payload, in->length - in->padding))
        return kept;
    kept.descriptor = (uint8_t)vp8.length;
    if (vp8.picture_id) {
        const uint8_t *at = in->payload + vp8.picture_id;
        kept.picture_mask = vp8.long_picture_id ? 0x7FFF : 0x7F;
        kept.picture = (int16_t)((vp8.long_picture_id ? read16(at) : *at) & kept.picture_mask);
    }
    if (vp8.tl0)
        kept.tl0 = in->payload[vp8.tl0];
    return kept;
}

int plane_receive(hp_plane *plane, struct transport *transport, const uint8_t *packet, size_t length, int64_t now,
                  emit *send, void *context) {
    struct incoming in;
    enum hp_count reason;
    plane->counts[HP_COUNT_RECEIVED]++;
    if (!rtp_read(&in.header, packet, length)) {
        plane->counts[HP_COUNT_MALFORMED]++;
        return HP_MALFORMED;
    }
    if (transport->transport_sequence)
        note_arrival(transport, &in.header, packet, now - plane->waited);
    if (length > MAX_RTP) {
        plane->counts[HP_COUNT_FORMAT]++;
        return 0;
    }
    const struct source *source = transport_source(transport, in.header.ssrc);
    if (!source) {
        plane->counts[HP_COUNT_UNKNOWN]++;
        note(plane, (struct hp_event){.name = HP_EVENT_UNKNOWN, .number = transport->number, .now = now,
                                      .packet = (uint32_t)length}, packet);
        return 0;
    }
    struct stream *stream = in.stream = source->stream;
    in.direct = !source->rtx;
    if (!understand(&in, packet, length, &reason)) {
        plane->counts[reason]++;
        return 0;
    }
    if (in.length == in.padding) {
        padding_alone(plane, &in, now);
        return 0;
    }
    if (stream->sealed && !stream_judges(stream, in.payload, in.length - in.padding, in.header.timestamp)) {
        plane->counts[HP_COUNT_NOT_SEALED]++;
        return HP_NOT_SEALED;
    }
    int64_t sequence = stream_number(stream, in.header.sequence);
    if (sequence < 0) {
        plane->counts[HP_COUNT_STALE]++;
        return 0;
    }
    count_packet(plane, &in, sequence, now);
    if (transport->level && in.direct && !stream_picture(stream))
        note_level(transport, stream, &in.header, packet);
    bool starts_key_frame = stream_picture(stream) && vp8_starts_key_frame(in.payload, in.length - in.padding);
    if (starts_key_frame)
        note(plane, (struct hp_event){.name = HP_EVENT_KEY_FRAME, .number = stream->number}, NULL);
    if (!stream->forwarded || !stream->downs_used)
        return 0;
    struct kept kept = without_header(&in, sequence);
    if (forward(plane, stream, &kept, starts_key_frame, now, send, context))
        stream_keep(stream, &kept);
    return 0;
}

/* --- packets for Python ------------------------------------------------------------------------------------------ */

static void emit_to_buffer(void *context, struct transport *transport, const struct written *written) {
    struct buffer *buffer = context;
    struct hp_out out = {transport->number, (uint32_t)written->head_length, (uint32_t)written->rest_length};
    size_t before = buffer->used;
    if (!buffer_add(buffer, &out, sizeof out) || !buffer_add(buffer, written->head, written->head_length) ||
        !buffer_add(buffer, written->rest, written->rest_length))
        buffer->used = before;
}

static int64_t answered(hp_plane *plane, int64_t result, const uint8_t **data) {
    *data = plane->answer.data;
    if (result == 0 && plane->answer.failed)
        result = HP_NO_MEMORY;
    if (result == 0)
        result = (int64_t)plane->answer.used;
    plane_unlock(plane);
    return result;
}

static void begin_answer(hp_plane *plane) {
    plane_lock(plane);
    plane->answer.used = 0;
    plane->answer.failed = false;
}

int64_t hp_receive(hp_plane *plane, int64_t number, const uint8_t *packet, size_t length, int64_t now,
                   const uint8_t **data) {
    begin_answer(plane);
    struct transport *transport = map_get(&plane->transports, number);
    int result = HP_UNKNOWN;
    if (transport)
        result = plane_receive(plane, transport, packet, length, now, emit_to_buffer, &plane->answer);
    return answered(plane, result, data);
}

/* Without RTX but with a transport-wide number it would not be the same bit for bit: then not at all. */
static void repair(hp_plane *plane, struct down *down, uint16_t lost, int64_t now) {
    int64_t incoming, outgoing;
    const struct segment *segment = down_lost(down, lost, &incoming, &outgoing);
    const struct stream *stream = segment ? map_get(&plane->streams, segment->stream) : NULL;
    const struct kept *kept = stream ? stream_kept(stream, incoming) : NULL;
    bool repeatable = down->format.has_rtx || !down->format.transport_sequence;
    if (!kept || !repeatable || !down_may_repeat(down, now))
        return;
    struct written written;
    down_repeat(down, segment, kept, outgoing, &written);
    send_one(plane, down, &written, now, emit_to_buffer, &plane->answer);
}

int64_t hp_repair(hp_plane *plane, int64_t number, const uint16_t *lost, size_t count, int64_t now,
                  const uint8_t **data) {
    begin_answer(plane);
    struct down *down = map_get(&plane->downs, number);
    for (size_t i = 0; down && i < count; i++)
        repair(plane, down, lost[i], now);
    return answered(plane, down ? 0 : HP_UNKNOWN, data);
}

int64_t hp_probe(hp_plane *plane, int64_t number, int64_t packets, int64_t now, const uint8_t **data) {
    begin_answer(plane);
    struct down *down = map_get(&plane->downs, number);
    struct written written;
    for (int64_t i = 0; down && down->format.has_rtx && i < packets; i++) {
        down_probe(down, &written);
        send_one(plane, down, &written, now, emit_to_buffer, &plane->answer);
    }
    return answered(plane, down ? 0 : HP_UNKNOWN, data);
}

/* --- what the room asks ------------------------------------------------------------------------------------------ */

int64_t hp_flowing(hp_plane *plane, int64_t number, int *fault) {
    plane_lock(plane);
    const struct down *down = map_get(&plane->downs, number);
    int64_t stream = down && down->flows ? down->flows->number : -1;
    *fault = down ? 0 : HP_UNKNOWN;
    plane_unlock(plane);
    return stream;
}

int hp_received(hp_plane *plane, int64_t number, struct hp_received *received) {
    plane_lock(plane);
    const struct stream *stream = map_get(&plane->streams, number);
    int result = !stream ? HP_UNKNOWN : stream->packets > 0;
    if (result == 1) {
        int64_t jitter = stream->jitter < 4294967295.0 ? (int64_t)stream->jitter : 0xFFFFFFFF;
        *received = (struct hp_received){stream->packets, stream->octets, stream->first, stream->highest, jitter};
    }
    plane_unlock(plane);
    return result;
}

int hp_sent(hp_plane *plane, int64_t number, int64_t stream, uint32_t timestamp, struct hp_sent *sent) {
    plane_lock(plane);
    const struct down *down = map_get(&plane->downs, number);
    bool known = down && map_get(&plane->streams, stream);
    int result = !known ? HP_UNKNOWN : down->flows && down->flows->number == stream;
    if (result == 1)
        *sent = (struct hp_sent){(uint32_t)(timestamp + down->current.timestamp), down->packets, down->octets};
    plane_unlock(plane);
    return result;
}

int hp_lacks(hp_plane *plane) {
    plane_lock(plane);
    const struct stream *stream = plane->first_stream;
    while (stream && !stream->lacking)
        stream = stream->next;
    plane_unlock(plane);
    return stream != NULL;
}

int64_t hp_missing(hp_plane *plane, int64_t now, const uint8_t **data) {
    begin_answer(plane);
    uint16_t numbers[MAX_ASKED];
    for (struct stream *stream = plane->first_stream; stream; stream = stream->next) {
        size_t count = stream_missing(stream, now, numbers);
        struct hp_missing head = {stream->number, (int64_t)count};
        if (count && buffer_add(&plane->answer, &head, sizeof head))
            buffer_add(&plane->answer, numbers, count * sizeof *numbers);
    }
    return answered(plane, 0, data);
}

int64_t hp_levels(hp_plane *plane, const uint8_t **data) {
    begin_answer(plane);
    for (struct stream *stream = plane->first_stream; stream; stream = stream->next) {
        struct hp_level level = {stream->number, stream->level_packets, stream->voiced, stream->loudness};
        if (level.packets)
            buffer_add(&plane->answer, &level, sizeof level);
        stream->level_packets = stream->voiced = stream->loudness = 0;
    }
    return answered(plane, 0, data);
}

int64_t hp_feedback(hp_plane *plane, int64_t number, const uint8_t **data) {
    begin_answer(plane);
    struct transport *transport = map_get(&plane->transports, number);
    uint8_t fci[MAX_FCI];
    uint32_t length;
    while (transport && transport->arrivals && (length = (uint32_t)arrivals_tell(transport->arrivals, fci)))
        if (buffer_add(&plane->answer, &length, sizeof length))
            buffer_add(&plane->answer, fci, length);
    return answered(plane, transport ? 0 : HP_UNKNOWN, data);
}

int hp_departed(hp_plane *plane, int64_t number, struct hp_departed *departed) {
    plane_lock(plane);
    const struct transport *transport = map_get(&plane->transports, number);
    struct departures *departures = transport ? transport->departures : NULL;
    int result = !transport ? HP_UNKNOWN : departures && departures->any_new;
    if (result == 1) {
        *departed = (struct hp_departed){departures->octets, departures->first, departures->last};
        departures->any_new = false;
    }
    plane_unlock(plane);
    return result;
}

int64_t hp_answered(hp_plane *plane, int64_t number, const uint8_t *fci, size_t length, const uint8_t **data) {
    struct feedback feedback;
    struct hp_variation variations[SENT_KEPT];
    bool understood = twcc_read(&feedback, fci, length);
    begin_answer(plane);
    const struct transport *transport = map_get(&plane->transports, number);
    if (!transport || !understood)
        return answered(plane, transport ? HP_MALFORMED : HP_UNKNOWN, data);
    struct hp_outcome outcome = {0};
    if (transport->departures)
        outcome = departures_match(transport->departures, &feedback, variations);
    buffer_add(&plane->answer, &outcome, sizeof outcome);
    buffer_add(&plane->answer, variations, (size_t)outcome.variations * sizeof *variations);
    return answered(plane, 0, data);
}

int64_t hp_take(hp_plane *plane, const uint8_t **data) {
    begin_answer(plane);
    for (; plane->events_used; plane->events_used--) {
        struct event *event = &plane->events[plane->events_first];
        if (buffer_add(&plane->answer, &event->head, sizeof event->head))
            buffer_add(&plane->answer, event->packet, event->head.packet);
        free(event->packet);
        plane->events_first = (plane->events_first + 1) % MAX_PLANE_EVENTS;
    }
    return answered(plane, 0, data);
}

void hp_counts(hp_plane *plane, int64_t counts[HP_COUNTS]) {
    plane_lock(plane);
    memcpy(counts, plane->counts, sizeof plane->counts);
    plane_unlock(plane);
}
