#include "map.h"

#include <stdlib.h>

static size_t place(const struct map *map, int64_t key) {
    return (size_t)(((uint64_t)key * 0x9E3779B97F4A7C15u) >> 32) & (map->size - 1);
}

static struct slot *find(const struct map *map, int64_t key) {
    size_t at = place(map, key);
    while (map->slots[at].key != key && map->slots[at].key >= 0)
        at = (at + 1) & (map->size - 1);
    return &map->slots[at];
}

void *map_get(const struct map *map, int64_t key) {
    if (!map->size || key < 0)
        return NULL;
    struct slot *slot = find(map, key);
    return slot->key == key ? slot->value : NULL;
}

static bool grow(struct map *map) {
    struct map larger = {.size = map->size ? 2 * map->size : 16, .used = map->used};
    larger.slots = malloc(larger.size * sizeof *larger.slots);
    if (!larger.slots)
        return false;
    for (size_t i = 0; i < larger.size; i++)
        larger.slots[i] = (struct slot){-1, NULL};
    for (size_t i = 0; i < map->size; i++)
        if (map->slots[i].key >= 0)
            *find(&larger, map->slots[i].key) = map->slots[i];
    free(map->slots);
    *map = larger;
    return true;
}

bool map_put(struct map *map, int64_t key, void *value) {
    if (2 * (map->used + 1) > map->size && !grow(map))
        return false;
    struct slot *slot = find(map, key);
    map->used += slot->key != key;
    *slot = (struct slot){key, value};
    return true;
}

void map_remove(struct map *map, int64_t key) {
    if (!map_get(map, key))
        return;
    size_t mask = map->size - 1, hole = (size_t)(find(map, key) - map->slots);
    map->used--;
    /* What was pushed on by this one moves back, so that no search ends too early. */
    for (size_t at = (hole + 1) & mask; map->slots[at].key >= 0; at = (at + 1) & mask) {
        size_t home = place(map, map->slots[at].key);
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            map->slots[hole] = map->slots[at];
            hole = at;
        }
    }
    map->slots[hole] = (struct slot){-1, NULL};
}

void map_free(struct map *map) {
    free(map->slots);
    *map = (struct map){0};
}
