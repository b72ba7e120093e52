#include "arrivals.h"

#include <stdlib.h>

enum { WINDOW = MAX_FEEDBACK_PACKETS, NANOSECONDS_PER_TICK = 250000 };
_Static_assert((WINDOW & (WINDOW - 1)) == 0, "slots are found by the low bits of a number");

static int64_t *tick_of(struct arrivals *arrivals, int64_t number) {
    return &arrivals->ticks[number & (WINDOW - 1)];
}

struct arrivals *arrivals_new(void) { return calloc(1, sizeof(struct arrivals)); }

static void forget_all(struct arrivals *arrivals) {
    for (size_t i = 0; i < WINDOW; i++)
        arrivals->ticks[i] = -1;
}

void arrivals_add(struct arrivals *arrivals, uint16_t number, int64_t now) {
    int64_t ahead = ((number - arrivals->highest + 0x8000) & 0xFFFF) - 0x8000;
    if (!arrivals->begun || ahead < -WINDOW / 2 || ahead > WINDOW / 2) {
        forget_all(arrivals);
        arrivals->begun = true;
        arrivals->highest = arrivals->next = number + 0x10000;
        ahead = 0;
    }
    int64_t extended = arrivals->highest + ahead;
    while (arrivals->highest < extended)
        *tick_of(arrivals, ++arrivals->highest) = -1;
    if (arrivals->next <= arrivals->highest - WINDOW)
        arrivals->next = arrivals->highest - WINDOW + 1;
    if (*tick_of(arrivals, extended) >= 0 || ahead <= -LATE_PACKETS)
        return;
    *tick_of(arrivals, extended) = now / NANOSECONDS_PER_TICK;
    if (extended < arrivals->next)
        arrivals->next = extended;
}

size_t arrivals_tell(struct arrivals *arrivals, uint8_t fci[MAX_FCI]) {
    int64_t ticks[WINDOW], first = arrivals->next, before = 0;
    size_t count = 0, said = 0;
    if (!arrivals->begun || arrivals->next > arrivals->highest)
        return 0;
    for (; arrivals->next <= arrivals->highest; arrivals->next++) {
        int64_t tick = *tick_of(arrivals, arrivals->next);
        if (tick >= 0) {
            int64_t delta = tick - before;
            if (said == MAX_FEEDBACK_ARRIVALS || (said && (delta < -0x8000 || delta > 0x7FFF)))
                break;
            said++;
            before = tick;
        }
        ticks[count++] = tick;
    }
    return twcc_write(fci, (uint16_t)first, arrivals->number++, ticks, count);
}
