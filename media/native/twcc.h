/* Transport-wide feedback in its bytes, as media/bandwidth/twcc.py has it (which says what the fields are).
 *
 * Times are ticks of 250 microseconds. Pure functions: no byte behind a length is read or written.
 */
#ifndef HEARTH_TWCC_H
#define HEARTH_TWCC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    NOT_COME = INT32_MIN,
    /* A chunk before, a chunk after, and a large delta for each that came. */
    MAX_FCI = 8 + 6 * (MAX_FEEDBACK_ARRIVALS + 1),
};

/* `ticks[i]`: when packet `base + i` came, after `reference` (mod 2**32); NOT_COME if it has not. */
struct feedback {
    uint16_t base;
    uint32_t reference;
    size_t count;
    int32_t ticks[MAX_FEEDBACK_PACKETS];
};

/* False for what is no feedback, or about more than MAX_FEEDBACK_PACKETS. */
bool twcc_read(struct feedback *feedback, const uint8_t *fci, size_t length);

/* `ticks` since whenever, -1 for what has not come; the first MAX_FEEDBACK_ARRIVALS that came at most, no two neighbours
 * of them further apart than 16 bits hold. Returns the bytes written. */
size_t twcc_write(uint8_t fci[MAX_FCI], uint16_t base, uint8_t number, const int64_t *ticks, size_t count);

#endif
