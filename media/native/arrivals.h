/* What one sender is told of its packets: transport-wide feedback about all that came. The rules of
 * media/bandwidth/arrivals.py, its twin: whatever changes here changes there. */
#ifndef HEARTH_ARRIVALS_H
#define HEARTH_ARRIVALS_H

#include "twcc.h"

/* Numbers are extended and begin one cycle up; `ticks` has those above `highest` - MAX_FEEDBACK_PACKETS, -1 for what has
 * not come. `next` is the first that nothing was told of. */
struct arrivals {
    bool begun;
    int64_t highest, next;
    uint8_t number;
    int64_t ticks[MAX_FEEDBACK_PACKETS];
};

struct arrivals *arrivals_new(void);
void arrivals_add(struct arrivals *arrivals, uint16_t number, int64_t now);

/* The next FCI about what is new, its length; 0 if nothing is. */
size_t arrivals_tell(struct arrivals *arrivals, uint8_t fci[MAX_FCI]);

#endif
