/* What the room sets: transports, streams and downs come and go, and who flows from whom. */
#include <stdlib.h>
#include <string.h>

#include "plane.h"

static struct transport *transport_of(hp_plane *plane, int64_t number) { return map_get(&plane->transports, number); }
static struct stream *stream_of(hp_plane *plane, int64_t number) { return map_get(&plane->streams, number); }
static struct down *down_of(hp_plane *plane, int64_t number) { return map_get(&plane->downs, number); }

/* --- transports -------------------------------------------------------------------------------------------------- */

const struct source *transport_source(const struct transport *transport, uint32_t ssrc) {
    for (size_t i = 0; i < transport->sources_used; i++)
        if (transport->sources[i].ssrc == ssrc)
            return &transport->sources[i];
    return NULL;
}

/* Room for two more, so that adding a stream with its repair stream is all or nothing. */
static bool room_for_sources(struct transport *transport) {
    if (transport->sources_used + 2 <= transport->sources_size)
        return true;
    size_t size = transport->sources_size ? 2 * transport->sources_size : 8;
    struct source *sources = realloc(transport->sources, size * sizeof *sources);
    if (!sources)
        return false;
    transport->sources = sources;
    transport->sources_size = size;
    return true;
}

static void remove_sources(struct transport *transport, const struct stream *stream) {
    size_t kept = 0;
    for (size_t i = 0; i < transport->sources_used; i++)
        if (transport->sources[i].stream != stream)
            transport->sources[kept++] = transport->sources[i];
    transport->sources_used = kept;
}

int hp_add_transport(hp_plane *plane, int64_t number) {
    plane_lock(plane);
    int result = HP_TAKEN;
    if (number >= 0 && !transport_of(plane, number)) {
        struct transport *transport = calloc(1, sizeof *transport);
        result = transport && map_put(&plane->transports, number, transport) ? 0 : HP_NO_MEMORY;
        if (result == 0) {
            transport->number = number;
        } else {
            free(transport);
        }
    }
    plane_unlock(plane);
    return result;
}

int hp_set_extensions(hp_plane *plane, int64_t number, uint8_t level, uint8_t transport_sequence) {
    plane_lock(plane);
    struct transport *transport = transport_of(plane, number);
    if (transport) {
        transport->level = level;
        transport->transport_sequence = transport_sequence;
    }
    plane_unlock(plane);
    return transport ? 0 : HP_UNKNOWN;
}

/* --- downs ------------------------------------------------------------------------------------------------------- */

static bool list_down(struct stream *stream, struct down *down) {
    for (size_t i = 0; i < stream->downs_used; i++)
        if (stream->downs[i] == down)
            return true;
    if (stream->downs_used == stream->downs_size) {
        size_t size = stream->downs_size ? 2 * stream->downs_size : 8;
        struct down **downs = realloc(stream->downs, size * sizeof(struct down *));
        if (!downs)
            return false;
        stream->downs = downs;
        stream->downs_size = size;
    }
    stream->downs[stream->downs_used++] = down;
    return true;
}

/* Off the list of a stream that it has no more to do with. */
void unlist_down(struct stream *stream, struct down *down) {
    if (!stream || down->flows == stream || down->aims == stream)
        return;
    size_t kept = 0;
    for (size_t i = 0; i < stream->downs_used; i++)
        if (stream->downs[i] != down)
            stream->downs[kept++] = stream->downs[i];
    stream->downs_used = kept;
}

static void hold(struct down *down) {
    struct stream *flowed = down->flows;
    down_hold(down);
    unlist_down(flowed, down);
}

static void aim_at(struct down *down, struct stream *stream) {
    struct stream *before = down->aims;
    down->aims = stream;
    unlist_down(before, down);
}

/* What leaves with a transport-wide number is remembered from here on; false: no memory. */
static bool counts_departures(struct transport *transport) {
    if (!transport->departures)
        transport->departures = departures_new();
    return transport->departures;
}

int hp_add_down(hp_plane *plane, int64_t number, const struct hp_down_format *format) {
    plane_lock(plane);
    struct transport *transport = transport_of(plane, format->transport);
    int result = !transport ? HP_UNKNOWN : number < 0 || down_of(plane, number) ? HP_TAKEN : HP_NO_MEMORY;
    bool counted = result == HP_NO_MEMORY && (!format->transport_sequence || counts_departures(transport));
    struct down *down = counted ? down_new(number, transport, format) : NULL;
    if (down && map_put(&plane->downs, number, down)) {
        down->previous = plane->last_down;
        *(plane->last_down ? &plane->last_down->next : &plane->first_down) = down;
        plane->last_down = down;
        result = 0;
    } else {
        free(down);
    }
    plane_unlock(plane);
    return result;
}

static void remove_down(hp_plane *plane, struct down *down) {
    hold(down);
    aim_at(down, NULL);
    *(down->previous ? &down->previous->next : &plane->first_down) = down->next;
    *(down->next ? &down->next->previous : &plane->last_down) = down->previous;
    map_remove(&plane->downs, down->number);
    free(down);
}

void hp_remove_down(hp_plane *plane, int64_t number) {
    plane_lock(plane);
    struct down *down = down_of(plane, number);
    if (down)
        remove_down(plane, down);
    plane_unlock(plane);
}

static int aim(struct down *down, struct stream *stream, bool at_once) {
    if (stream && !list_down(stream, down))
        return HP_NO_MEMORY;
    if (stream && stream == down->flows) {
        aim_at(down, NULL);
        return 0;
    }
    aim_at(down, stream);
    if (!stream || at_once)
        hold(down);
    return 0;
}

int hp_aim(hp_plane *plane, int64_t number, int64_t stream_number, int at_once) {
    plane_lock(plane);
    struct down *down = down_of(plane, number);
    struct stream *stream = stream_of(plane, stream_number);
    int result = down && (stream || stream_number == -1) ? aim(down, stream, at_once) : HP_UNKNOWN;
    plane_unlock(plane);
    return result;
}

/* --- streams ----------------------------------------------------------------------------------------------------- */

static int add_stream(hp_plane *plane, int64_t number, struct transport *transport,
                      const struct hp_stream_format *format) {
    if (!transport)
        return HP_UNKNOWN;
    if (number < 0 || stream_of(plane, number) || transport_source(transport, format->ssrc))
        return HP_TAKEN;
    if (format->has_rtx && (format->rtx_ssrc == format->ssrc || transport_source(transport, format->rtx_ssrc)))
        return HP_TAKEN;
    struct stream *stream = room_for_sources(transport) ? stream_new(number, transport, format) : NULL;
    if (!stream || !map_put(&plane->streams, number, stream)) {
        if (stream)
            stream_free(stream);
        return HP_NO_MEMORY;
    }
    transport->sources[transport->sources_used++] = (struct source){format->ssrc, false, stream};
    if (format->has_rtx)
        transport->sources[transport->sources_used++] = (struct source){format->rtx_ssrc, true, stream};
    stream->previous = plane->last_stream;
    *(plane->last_stream ? &plane->last_stream->next : &plane->first_stream) = stream;
    plane->last_stream = stream;
    return 0;
}

int hp_add_stream(hp_plane *plane, int64_t number, int64_t transport, const struct hp_stream_format *format) {
    plane_lock(plane);
    int result = add_stream(plane, number, transport_of(plane, transport), format);
    plane_unlock(plane);
    return result;
}

static void remove_stream(hp_plane *plane, struct stream *stream) {
    while (stream->downs_used) {
        struct down *down = stream->downs[0];
        aim_at(down, NULL);
        hold(down);
    }
    remove_sources(stream->transport, stream);
    *(stream->previous ? &stream->previous->next : &plane->first_stream) = stream->next;
    *(stream->next ? &stream->next->previous : &plane->last_stream) = stream->previous;
    map_remove(&plane->streams, stream->number);
    stream_free(stream);
}

int hp_set_rtx(hp_plane *plane, int64_t number, uint32_t ssrc, uint8_t payload_type) {
    plane_lock(plane);
    struct stream *stream = stream_of(plane, number);
    int result = !stream ? HP_UNKNOWN : transport_source(stream->transport, ssrc) ? HP_TAKEN : HP_NO_MEMORY;
    if (result == HP_NO_MEMORY && room_for_sources(stream->transport)) {
        struct transport *transport = stream->transport;
        size_t at = 0;
        while (at < transport->sources_used && !(transport->sources[at].rtx && transport->sources[at].stream == stream))
            at++;
        transport->sources_used += at == transport->sources_used;
        transport->sources[at] = (struct source){ssrc, true, stream};
        stream->format.rtx_ssrc = ssrc;
        stream->format.rtx_payload_type = payload_type;
        stream->format.has_rtx = 1;
        result = 0;
    }
    plane_unlock(plane);
    return result;
}

void hp_remove_stream(hp_plane *plane, int64_t number) {
    plane_lock(plane);
    struct stream *stream = stream_of(plane, number);
    if (stream)
        remove_stream(plane, stream);
    plane_unlock(plane);
}

int hp_set_stream(hp_plane *plane, int64_t number, int forwarded, int sealed) {
    plane_lock(plane);
    struct stream *stream = stream_of(plane, number);
    if (stream) {
        stream->forwarded = forwarded;
        if (stream->sealed != !!sealed) {
            stream->sealed = sealed;
            stream_forget(stream);
            stream_judge_anew(stream);
        }
    }
    plane_unlock(plane);
    return stream ? 0 : HP_UNKNOWN;
}

int hp_set_clock(hp_plane *plane, int64_t number, uint64_t ntp, uint32_t timestamp) {
    plane_lock(plane);
    struct stream *stream = stream_of(plane, number);
    if (stream) {
        stream->has_clock = true;
        stream->ntp = ntp;
        stream->ntp_timestamp = timestamp;
    }
    plane_unlock(plane);
    return stream ? 0 : HP_UNKNOWN;
}

/* --- the end ----------------------------------------------------------------------------------------------------- */

static void remove_transport(hp_plane *plane, struct transport *transport) {
    for (struct down *down = plane->first_down, *next; down; down = next) {
        next = down->next;
        if (down->transport == transport)
            remove_down(plane, down);
    }
    for (struct stream *stream = plane->first_stream, *next; stream; stream = next) {
        next = stream->next;
        if (stream->transport == transport)
            remove_stream(plane, stream);
    }
    if (plane->on_transport_gone)
        plane->on_transport_gone(plane->context, transport);
    map_remove(&plane->transports, transport->number);
    free(transport->sources);
    free(transport->arrivals);
    free(transport->departures);
    free(transport);
}

void hp_remove_transport(hp_plane *plane, int64_t number) {
    plane_lock(plane);
    struct transport *transport = transport_of(plane, number);
    if (transport)
        remove_transport(plane, transport);
    plane_unlock(plane);
}

hp_plane *hp_plane_new(void) {
    hp_plane *plane = calloc(1, sizeof *plane);
    if (!plane)
        return NULL;
    plane->events = calloc(MAX_PLANE_EVENTS, sizeof *plane->events);
    if (!plane->events) {
        free(plane);
        return NULL;
    }
    pthread_mutex_init(&plane->turn, NULL);
    pthread_mutex_init(&plane->lock, NULL);
    return plane;
}

void hp_plane_free(hp_plane *plane) {
    for (size_t at = 0; at < plane->transports.size;) {
        struct slot *slot = &plane->transports.slots[at];
        if (slot->key >= 0)
            remove_transport(plane, slot->value); /* what was pushed on may have moved here: look again */
        else
            at++;
    }
    for (; plane->events_used; plane->events_used--)
        free(plane->events[(plane->events_first + plane->events_used - 1) % MAX_PLANE_EVENTS].packet);
    free(plane->events);
    free(plane->answer.data);
    map_free(&plane->transports);
    map_free(&plane->streams);
    map_free(&plane->downs);
    pthread_mutex_destroy(&plane->turn);
    pthread_mutex_destroy(&plane->lock);
    free(plane);
}
