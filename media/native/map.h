/* Whole numbers to pointers: open addressing, linear probing, at most half full. Numbers are never below 0. */
#ifndef HEARTH_MAP_H
#define HEARTH_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slot {
    int64_t key; /* -1: free */
    void *value;
};

struct map {
    struct slot *slots;
    size_t size, used; /* size is a power of two, or 0 */
};

void *map_get(const struct map *map, int64_t key);
bool map_put(struct map *map, int64_t key, void *value); /* false: no memory, nothing has changed */
void map_remove(struct map *map, int64_t key);
void map_free(struct map *map);

#endif
