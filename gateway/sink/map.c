#include "gateway/sink/map.h"

#include <stdlib.h>
#include <string.h>

#include "saga/base/fnv.h"
#include "saga/base/mem.h"

struct sink_map_node {
	struct hash_link link;
	void *value;
	size_t key_len;
	char key[];
};

void **sink_map_slot(struct sink_map *map, struct str key)
{
	uint64_t hash = fnv64(FNV64_BASIS, key.p, key.len);
	for (struct hash_link *l = hash_first(&map->nodes, hash); l != NULL; l = hash_next(l)) {
		struct sink_map_node *node = HASH_ENTRY(l, struct sink_map_node, link);
		if (node->key_len == key.len && memcmp(node->key, key.p, key.len) == 0)
			return &node->value;
	}
	struct sink_map_node *node = mem_zalloc(sizeof(*node) + key.len);
	node->key_len = key.len;
	memcpy(node->key, key.p, key.len);
	hash_insert(&map->nodes, &node->link, hash);
	return &node->value;
}

size_t sink_map_count(const struct sink_map *map)
{
	return map->nodes.count;
}

void sink_map_free(struct sink_map *map, void (*free_value)(void *value))
{
	struct hash_cursor cursor = { 0 };
	struct hash_link *l;
	while ((l = hash_walk(&map->nodes, &cursor)) != NULL) {
		struct sink_map_node *node = HASH_ENTRY(l, struct sink_map_node, link);
		if (free_value != NULL)
			free_value(node->value);
		free(node);
	}
	hash_free(&map->nodes);
}
