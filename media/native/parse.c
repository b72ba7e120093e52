#include "parse.h"

enum { HEADER = 12, ONE_BYTE = 0xBEDE, TWO_BYTE = 0x1000 };

bool rtp_read(struct rtp *header, const uint8_t *packet, size_t length) {
    if (length < HEADER || (packet[0] & 0xC0) != 0x80)
        return false;
    size_t payload = HEADER + 4 * (size_t)(packet[0] & 0x0F);
    header->extension = 0;
    if (packet[0] & 0x10) {
        if (length < payload + 4)
            return false;
        header->extension = payload;
        payload += 4 + 4 * (size_t)read16(packet + payload + 2);
    }
    if (length < payload)
        return false;
    header->padding = packet[0] & 0x20;
    header->end = length;
    if (header->padding) {
        size_t count = packet[length - 1];
        if (count == 0 || count > length - payload)
            return false;
        header->end -= count;
    }
    header->payload = payload;
    header->marker = packet[1] & 0x80;
    header->payload_type = packet[1] & 0x7F;
    header->sequence = read16(packet + 2);
    header->timestamp = read32(packet + 4);
    header->ssrc = read32(packet + 8);
    return true;
}

const uint8_t *rtp_extension(const struct rtp *header, const uint8_t *packet, unsigned wanted, size_t *length) {
    if (!header->extension || !wanted)
        return NULL;
    unsigned profile = read16(packet + header->extension);
    bool two_byte = (profile & 0xFFF0) == TWO_BYTE;
    if (!two_byte && profile != ONE_BYTE)
        return NULL;
    size_t position = header->extension + 4, end = header->payload;
    while (position < end) {
        unsigned found = packet[position];
        if (found == 0) { /* padding, RFC 8285 section 4.1.2 */
            position++;
            continue;
        }
        size_t start, size;
        if (two_byte) {
            if (position + 2 > end)
                return NULL;
            size = packet[position + 1];
            start = position + 2;
        } else {
            size = (found & 0x0F) + 1;
            found >>= 4;
            if (found == 15) /* reserved: stop reading, RFC 8285 section 4.2 */
                return NULL;
            start = position + 1;
        }
        position = start + size;
        if (found == wanted) {
            *length = size;
            return position <= end ? packet + start : NULL;
        }
    }
    return NULL;
}

bool vp8_read(struct vp8 *descriptor, const uint8_t *payload, size_t length) {
    *descriptor = (struct vp8){.length = 1};
    if (length < 1)
        return false;
    if (!(payload[0] & 0x80))
        return true;
    if (length < 2)
        return false;
    uint8_t flags = payload[1];
    size_t at = 2;
    if (flags & 0x80) {
        if (length < 3)
            return false;
        descriptor->picture_id = at;
        descriptor->long_picture_id = payload[2] & 0x80;
        at += descriptor->long_picture_id ? 2 : 1;
    }
    if (flags & 0x40)
        descriptor->tl0 = at++;
    if (flags & 0x30)
        at++;
    descriptor->length = at;
    return length >= at;
}

bool vp8_starts_frame(const uint8_t *payload, size_t length) {
    return length > 0 && (payload[0] & 0x17) == 0x10; /* S set, partition 0 */
}

bool vp8_starts_key_frame(const uint8_t *payload, size_t length) {
    struct vp8 descriptor;
    return vp8_starts_frame(payload, length) && vp8_read(&descriptor, payload, length) &&
           length > descriptor.length && !(payload[descriptor.length] & 0x01);
}

/* One number of an SFrame header (RFC 9605 section 4.3) by its four bits; false if cut short or not the shortest. */
static bool sframe_number(const uint8_t *data, size_t length, size_t *at, unsigned field, uint64_t *number) {
    *number = field;
    if (field < 8)
        return true;
    size_t bytes = field - 7;
    if (bytes > length - *at || data[*at] == 0)
        return false;
    *number = 0;
    for (size_t end = *at + bytes; *at < end; (*at)++)
        *number = *number << 8 | data[*at];
    return *number >= 8;
}

/* Context in the key id's third byte, a leaf of 63 at most, and room for the tag of 16 bytes. */
static bool sealed(const uint8_t *data, size_t length, size_t start, uint64_t context) {
    if (start >= length)
        return false;
    unsigned first = data[start];
    size_t at = start + 1;
    uint64_t kid, ctr;
    if (!sframe_number(data, length, &at, first >> 4, &kid) || !sframe_number(data, length, &at, first & 0x0F, &ctr))
        return false;
    return kid >> 16 == context && (kid >> 8 & 0xFF) <= 63 && length - at >= 16;
}

bool sealed_sound(const uint8_t *payload, size_t length) { return sealed(payload, length, 0, 1); }

bool sealed_picture(const uint8_t *payload, size_t length) {
    struct vp8 descriptor;
    if (!vp8_read(&descriptor, payload, length) || descriptor.length >= length)
        return false;
    /* In clear stay one byte of a delta frame, ten of a key frame. */
    size_t clear = payload[descriptor.length] & 0x01 ? 1 : 10;
    return sealed(payload, length, descriptor.length + clear, 2);
}
