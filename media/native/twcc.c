#include "twcc.h"

#include <string.h>

#include "parse.h"

enum { LOST, SMALL, LARGE, TICKS_PER_REFERENCE = 256, MAX_RUN = 0x1FFF, NARROW = 14, WIDE = 7 };

/* --- reading ----------------------------------------------------------------------------------------------------- */

/* One chunk's symbols, at most `room` of them; returns how many. */
static size_t read_chunk(uint8_t *symbols, uint16_t chunk, size_t room) {
    bool run = !(chunk & 0x8000), wide = chunk & 0x4000;
    size_t count = run ? chunk & MAX_RUN : wide ? WIDE : NARROW;
    if (count > room)
        count = room;
    unsigned shift = run ? 13 : wide ? 12 : 13, step = run ? 0 : wide ? 2 : 1, mask = run || wide ? 3 : 1;
    for (size_t i = 0; i < count; i++, shift -= step)
        symbols[i] = (uint8_t)(chunk >> shift & mask);
    return count;
}

static bool read_symbols(uint8_t *symbols, size_t count, const uint8_t *fci, size_t length, size_t *position) {
    for (size_t read = 0; read < count; *position += 2) {
        if (*position + 2 > length)
            return false;
        read += read_chunk(symbols + read, read16(fci + *position), count - read);
    }
    return true;
}

bool twcc_read(struct feedback *feedback, const uint8_t *fci, size_t length) {
    uint8_t symbols[MAX_FEEDBACK_PACKETS];
    size_t position = 8;
    if (length < position)
        return false;
    feedback->base = read16(fci);
    feedback->count = read16(fci + 2);
    feedback->reference = (read32(fci + 4) >> 8) * TICKS_PER_REFERENCE;
    if (feedback->count > MAX_FEEDBACK_PACKETS || !read_symbols(symbols, feedback->count, fci, length, &position))
        return false;
    int32_t tick = 0;
    for (size_t i = 0; i < feedback->count; i++) {
        size_t size = symbols[i]; /* a symbol's number is also its delta's length */
        if (size > LARGE || position + size > length)
            return false;
        tick += size == LARGE ? (int16_t)read16(fci + position) : size == SMALL ? fci[position] : 0;
        feedback->ticks[i] = size == LOST ? NOT_COME : tick;
        position += size;
    }
    return true;
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

/* The chunk that says most of what begins here, and how much it says: a run, 14 of one bit, or 7 of two. */
static uint16_t write_chunk(const uint8_t *symbols, size_t count, size_t *taken) {
    size_t run = 1, most = count < MAX_RUN ? count : MAX_RUN, bits = count < NARROW ? count : NARROW;
    while (run < most && symbols[run] == symbols[0])
        run++;
    bool narrow = true;
    for (size_t i = 0; i < bits; i++)
        narrow = narrow && symbols[i] != LARGE;
    if (!narrow && bits > WIDE)
        bits = WIDE;
    *taken = run >= bits ? run : bits;
    if (run >= bits)
        return (uint16_t)(symbols[0] << 13 | run);
    unsigned width = narrow ? 1 : 2, chunk = narrow ? 0x8000 : 0xC000;
    for (unsigned i = 0; i < bits; i++)
        chunk |= (unsigned)symbols[i] << (14 - width * (i + 1));
    return (uint16_t)chunk;
}

size_t twcc_write(uint8_t fci[MAX_FCI], uint16_t base, uint8_t number, const int64_t *ticks, size_t count) {
    uint8_t symbols[MAX_FEEDBACK_PACKETS], deltas[2 * MAX_FEEDBACK_ARRIVALS];
    int64_t before = -1, reference = 0;
    size_t used = 0, position = 8;
    for (size_t i = 0; i < count; i++) {
        symbols[i] = LOST;
        if (ticks[i] < 0)
            continue;
        if (before < 0) {
            reference = ticks[i] / TICKS_PER_REFERENCE;
            before = reference * TICKS_PER_REFERENCE;
        }
        int64_t delta = ticks[i] - before;
        symbols[i] = 0 <= delta && delta <= 0xFF ? SMALL : LARGE;
        if (symbols[i] == LARGE)
            write16(deltas + used, (uint16_t)delta);
        else
            deltas[used] = (uint8_t)delta;
        used += symbols[i];
        before = ticks[i];
    }
    write16(fci, base);
    write16(fci + 2, (uint16_t)count);
    write32(fci + 4, (uint32_t)(reference & 0xFFFFFF) << 8 | number);
    for (size_t at = 0, taken; at < count; at += taken, position += 2)
        write16(fci + position, write_chunk(symbols + at, count - at, &taken));
    memcpy(fci + position, deltas, used);
    return position + used;
}
