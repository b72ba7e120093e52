/* libFuzzer target: packets and commands into the forwarding plane in C, under the address and undefined-behaviour
 * sanitizers. An input is chunks, each with its length in a byte before it: way, milliseconds that pass, and the rest.
 *
 *   even way   the rest is a datagram of the sender: to the plane, and to each parser by itself
 *   way 1 mod 4  numbers of 16 bits that the receiver of the picture, or of the sound, misses
 *   way 3 mod 4  what the room sets or asks: the first byte of the rest says which
 */
#include <stdlib.h>
#include <string.h>

#include "hearth.h"
#include "parse.h"
#include "twcc.h"

enum { SENDER = 1, RECEIVER = 2, SOUND = 3, PICTURE = 4, LAYER = 5, HEARD = 6, SEEN = 7 };

static const struct hp_stream_format streams[] = {
    {.ssrc = 1, .clock_rate = 48000, .kind = HP_AUDIO, .nack = 1, .sealed = 1, .first_payload_type = 111},
    {.ssrc = 2, .clock_rate = 90000, .kind = HP_VIDEO, .nack = 1, .sealed = 1, .has_rtx = 1, .rtx_ssrc = 3,
     .rtx_payload_type = 97, .first_payload_type = 96},
    {.ssrc = 4, .clock_rate = 90000, .kind = HP_VIDEO, .nack = 1, .first_payload_type = 96},
};
static const struct hp_down_format heard = {
    .transport = RECEIVER, .ssrc = 10, .clock_rate = 48000, .first_sequence = 100, .kind = HP_AUDIO};
static const struct hp_down_format seen = {.transport = RECEIVER, .ssrc = 11, .clock_rate = 90000, .first_sequence = 200,
                                           .kind = HP_VIDEO, .has_rtx = 1, .rtx_ssrc = 12, .rtx_payload_type = 97,
                                           .transport_sequence = 5};

static void add_stream(hp_plane *plane, int64_t number) {
    struct hp_stream_format format = streams[number - SOUND];
    memset(format.payload_types, 255, sizeof format.payload_types);
    format.payload_types[format.first_payload_type] = format.first_payload_type;
    hp_add_stream(plane, number, SENDER, &format);
}

static hp_plane *stage(void) {
    hp_plane *plane = hp_plane_new();
    hp_add_transport(plane, SENDER);
    hp_add_transport(plane, RECEIVER);
    hp_set_extensions(plane, SENDER, 4, 5);
    for (int64_t number = SOUND; number <= LAYER; number++)
        add_stream(plane, number);
    hp_add_down(plane, HEARD, &heard);
    hp_add_down(plane, SEEN, &seen);
    hp_aim(plane, HEARD, SOUND, 0);
    hp_aim(plane, SEEN, PICTURE, 0);
    return plane;
}

/* Every byte of an answer is read, so that a sanitizer sees it. */
static void use(int64_t length, const uint8_t *data) {
    volatile uint8_t sum = 0;
    for (int64_t i = 0; i < length; i++)
        sum ^= data[i];
}

static void parse(const uint8_t *packet, size_t length) {
    struct rtp header;
    struct vp8 descriptor;
    size_t value;
    if (rtp_read(&header, packet, length)) {
        if (header.payload > header.end || header.end > length)
            abort();
        for (unsigned wanted = 1; wanted < 18; wanted += 4) {
            const uint8_t *found = rtp_extension(&header, packet, wanted, &value);
            if (found)
                use((int64_t)value, found);
        }
    }
    if (vp8_read(&descriptor, packet, length) && descriptor.length > length)
        abort();
    (void)(vp8_starts_key_frame(packet, length) | sealed_sound(packet, length) | sealed_picture(packet, length));
}

static void set(hp_plane *plane, const uint8_t *words, size_t length, int64_t now) {
    const uint8_t *data = NULL;
    struct hp_received received;
    struct hp_sent sent;
    struct hp_departed departed;
    int64_t counts[HP_COUNTS];
    int fault;
    uint8_t word = length > 1 ? words[1] : 0;
    int64_t stream = SOUND + word % 3, down = word & 4 ? SEEN : HEARD;
    switch (length ? words[0] % 16 : 0) {
    case 0: hp_aim(plane, down, word & 8 ? -1 : stream, word & 16); break;
    case 1: hp_set_stream(plane, stream, word & 8, word & 16); break;
    case 2: hp_remove_stream(plane, stream); break;
    case 3: add_stream(plane, stream); break;
    case 4: hp_set_clock(plane, stream, (uint64_t)word << 32, (uint32_t)word << 20); break;
    case 5: hp_remove_down(plane, down); break;
    case 6: hp_add_down(plane, down, down == SEEN ? &seen : &heard); break;
    case 7: use(hp_probe(plane, SEEN, word, now, &data), data); break;
    case 8: use(hp_missing(plane, now, &data), data); break;
    case 9: use(hp_levels(plane, &data), data); break;
    case 10: use(hp_feedback(plane, SENDER, &data), data); break;
    case 11: hp_departed(plane, RECEIVER, &departed); use(hp_answered(plane, RECEIVER, words + 1, length - 1, &data), data); break;
    case 12: use(hp_take(plane, &data), data); break;
    case 13: hp_received(plane, stream, &received); hp_sent(plane, down, stream, word, &sent); break;
    case 14: hp_flowing(plane, down, &fault); hp_counts(plane, counts); hp_lacks(plane); break;
    default: hp_set_rtx(plane, stream, 3U + word % 2, 97); break;
    }
}

static void repair(hp_plane *plane, int64_t down, const uint8_t *numbers, size_t length, int64_t now) {
    uint16_t lost[128];
    const uint8_t *data = NULL;
    size_t count = 0;
    for (; count < length / 2 && count < 128; count++)
        lost[count] = read16(numbers + 2 * count);
    use(hp_repair(plane, down, lost, count, now, &data), data);
}

static void feedback(const uint8_t *fci, size_t length) {
    struct feedback read;
    if (!twcc_read(&read, fci, length))
        return;
    if (read.count > MAX_FEEDBACK_PACKETS)
        abort();
    use((int64_t)(read.count * sizeof *read.ticks), (const uint8_t *)read.ticks);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
    hp_plane *plane = stage();
    int64_t now = 1000000000;
    for (size_t at = 0; at + 3 <= size;) {
        size_t length = input[at] < size - at - 1 ? input[at] : size - at - 1;
        if (length >= 2) {
            uint8_t way = input[at + 1];
            size_t rest = length - 2;
            uint8_t *packet = malloc(rest ? rest : 1); /* of exactly its length: reading behind it is seen */
            memcpy(packet, input + at + 3, rest);
            now += input[at + 2] * 2000000LL;
            if (way % 2 == 0) {
                const uint8_t *data = NULL;
                parse(packet, rest);
                feedback(packet, rest);
                use(hp_receive(plane, SENDER, packet, rest, now, &data), data);
            } else if (way % 4 == 1)
                repair(plane, way & 4 ? HEARD : SEEN, packet, rest, now);
            else
                set(plane, packet, rest, now);
            free(packet);
        }
        at += 1 + length;
    }
    hp_plane_free(plane);
    return 0;
}
