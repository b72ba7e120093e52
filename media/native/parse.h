/* What is read of a packet: RTP header and header extensions, VP8 payload descriptor, the shape of a sealed frame.
 *
 * Pure functions over bytes and a length; no byte behind the length is ever read, nothing is aligned or of the
 * machine's byte order. The Python twins are media/rtp.py, vp8.py, sframe.py and sealed.py, and the same tests hold both.
 */
#ifndef HEARTH_PARSE_H
#define HEARTH_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline uint16_t read16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }

static inline uint32_t read32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline void write16(uint8_t *at, uint16_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline void write32(uint8_t *at, uint32_t value) {
    write16(at, (uint16_t)(value >> 16));
    write16(at + 2, (uint16_t)value);
}

/* RFC 3550 section 5.1. Offsets into the packet: `extension` 0 if there is none, `end` is where padding begins. */
struct rtp {
    bool padding, marker;
    uint8_t payload_type;
    uint16_t sequence;
    uint32_t timestamp, ssrc;
    size_t extension, payload, end;
};

/* False unless it is RTP version 2 with every length inside its bounds. */
bool rtp_read(struct rtp *header, const uint8_t *packet, size_t length);

/* The value of header extension `wanted` (RFC 8285), its length in *length; NULL if absent or the block is malformed. */
const uint8_t *rtp_extension(const struct rtp *header, const uint8_t *packet, unsigned wanted, size_t *length);

/* RFC 7741 section 4.2. Offsets into the payload, 0 for a field that is not there (byte 0 is never one). */
struct vp8 {
    size_t length, picture_id, tl0;
    bool long_picture_id;
};

/* False if the payload ends inside the descriptor. */
bool vp8_read(struct vp8 *descriptor, const uint8_t *payload, size_t length);
bool vp8_starts_frame(const uint8_t *payload, size_t length);
bool vp8_starts_key_frame(const uint8_t *payload, size_t length);

/* Whether this is, by its shape, a whole sealed frame of sound or the first packet of one of picture (PROTOCOL.md 9). */
bool sealed_sound(const uint8_t *payload, size_t length);
bool sealed_picture(const uint8_t *payload, size_t length);

#endif
