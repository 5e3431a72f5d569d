/* A map from strings to owned blocks; open hashing, no removal. For test tools. */
#ifndef ALMONER_GATEWAY_SINK_MAP_H
#define ALMONER_GATEWAY_SINK_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "saga/base/buf.h"

struct sink_map_node {
	struct sink_map_node *next;
	uint64_t hash;
	void *value;
	size_t key_len;
	char key[];
};

struct sink_map {
	struct sink_map_node **buckets;
	size_t bucket_count;
	size_t count;
};

/* The value under `key`, or NULL. */
void *sink_map_get(const struct sink_map *map, struct str key);
/* The slot of `key`, made with NULL in it when new. Valid until the map is freed. */
void **sink_map_slot(struct sink_map *map, struct str key);
/* Calls `fn` for every entry. */
void sink_map_each(const struct sink_map *map, void (*fn)(void *ctx, const char *key, void *value),
				   void *ctx);
/* Frees the map and, with `free_value`, each value. */
void sink_map_free(struct sink_map *map, void (*free_value)(void *value));

#endif
