/* A map from strings to pointers, which only grows until it is freed. Keys are copied. */
#ifndef ALMONER_GATEWAY_SINK_MAP_H
#define ALMONER_GATEWAY_SINK_MAP_H

#include <stddef.h>

#include "saga/base/hash.h"
#include "saga/base/str.h"

/* A zeroed struct is a valid empty map. */
struct sink_map {
	struct hash_table nodes;
};

/* Where the value of `key` is stored; a new key gets NULL. Valid until the map is freed. */
void **sink_map_slot(struct sink_map *map, struct str key);
size_t sink_map_count(const struct sink_map *map);
/* Frees the map, and each value with `free_value` unless that is NULL. Leaves a valid empty map. */
void sink_map_free(struct sink_map *map, void (*free_value)(void *value));

#endif
