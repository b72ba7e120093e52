/* What was sent to one receiver, until its feedback says what became of it. The rules of media/bandwidth/departures.py
 * and groups.py, its twins: whatever changes here changes there. Milliseconds are doubles, with the same operations. */
#ifndef HEARTH_DEPARTURES_H
#define HEARTH_DEPARTURES_H

#include "hearth.h"
#include "twcc.h"

struct departure {
    int64_t at;
    int32_t number; /* -1: none, or known to have come */
    int32_t size;   /* below 0 once a feedback has called it missing */
};

struct groups {
    bool begun, has_before;
    double began, sent, came, sent_before, came_before;
};

struct departures {
    int64_t octets, first, last;
    bool any_new;
    bool has_reference;
    int64_t reference;
    double last_sent;
    struct groups groups;
    struct departure slots[SENT_KEPT];
};

struct departures *departures_new(void);
void departures_add(struct departures *departures, uint16_t number, size_t size, int64_t now);

/* What is new in a feedback. `variations` has room for SENT_KEPT. */
struct hp_outcome departures_match(struct departures *departures, const struct feedback *feedback,
                                   struct hp_variation *variations);

#endif
