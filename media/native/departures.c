#include "departures.h"

#include <stdlib.h>

_Static_assert((SENT_KEPT & (SENT_KEPT - 1)) == 0, "numbers turn over at 65,536");

struct departures *departures_new(void) {
    struct departures *departures = calloc(1, sizeof *departures);
    for (size_t i = 0; departures && i < SENT_KEPT; i++)
        departures->slots[i].number = -1;
    return departures;
}

void departures_add(struct departures *departures, uint16_t number, size_t size, int64_t now) {
    departures->slots[number % SENT_KEPT] = (struct departure){now, number, (int32_t)size};
    departures->octets += (int64_t)size;
    departures->last = now;
    if (!departures->any_new)
        departures->first = now;
    departures->any_new = true;
}

/* The reference time without its turn every 12.4 days (24 bits of 64 ms). */
static int64_t unwrap(struct departures *departures, uint32_t reference) {
    if (!departures->has_reference)
        departures->reference = reference;
    departures->has_reference = true;
    departures->reference += (int32_t)(reference - (uint32_t)departures->reference);
    return departures->reference;
}

/* One packet more; true if a group before it is complete, with what it says in `found`. */
static bool group(struct groups *groups, double left, double arrived, struct hp_variation *found) {
    bool complete = false;
    if (groups->begun) {
        double later = arrived - groups->came;
        if (left < groups->began)
            return false;
        if (left - groups->began <= BURST || (0 <= later && later <= BURST && later < left - groups->sent)) {
            /* The second: sent later and yet arrived with them, so they waited in one queue. */
            groups->sent = left;
            groups->came = arrived > groups->came ? arrived : groups->came;
            return false;
        }
        complete = groups->has_before;
        if (complete)
            *found = (struct hp_variation){
                groups->came, groups->came - groups->came_before - groups->sent + groups->sent_before};
        groups->has_before = true;
        groups->sent_before = groups->sent;
        groups->came_before = groups->came;
    }
    groups->begun = true;
    groups->began = groups->sent = left;
    groups->came = arrived;
    return complete;
}

static void note_come(struct departures *departures, struct hp_outcome *outcome, double left, double arrived,
                      struct hp_variation *variations) {
    if (!outcome->came) {
        outcome->anew = left - departures->last_sent > LONG_PAUSE;
        if (outcome->anew)
            departures->groups = (struct groups){0};
        outcome->first = outcome->last = arrived;
    }
    outcome->came++;
    outcome->sent = departures->last_sent = left;
    outcome->first = arrived < outcome->first ? arrived : outcome->first;
    outcome->last = arrived > outcome->last ? arrived : outcome->last;
    outcome->variations += group(&departures->groups, left, arrived, &variations[outcome->variations]);
}

struct hp_outcome departures_match(struct departures *departures, const struct feedback *feedback,
                                   struct hp_variation *variations) {
    struct hp_outcome outcome = {0};
    double began = (double)unwrap(departures, feedback->reference) * 0.25;
    for (size_t i = 0; i < feedback->count; i++) {
        uint16_t number = (uint16_t)(feedback->base + i);
        struct departure *slot = &departures->slots[number % SENT_KEPT];
        if (slot->number != number)
            continue;
        bool called_lost = slot->size < 0;
        if (feedback->ticks[i] == NOT_COME) {
            outcome.lost += slot->size > 0;
            slot->size = called_lost ? slot->size : -slot->size;
            continue;
        }
        outcome.lost -= called_lost;
        outcome.octets += called_lost ? -slot->size : slot->size;
        slot->number = -1;
        note_come(departures, &outcome, (double)slot->at / 1e6, began + feedback->ticks[i] * 0.25, variations);
    }
    return outcome;
}
