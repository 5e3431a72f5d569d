#include "gateway/sink/map.h"

#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"

/* FNV-1a, 64 bits */
static uint64_t hash_of(struct str key)
{
	uint64_t hash = 14695981039346656037u;
	for (size_t i = 0; i < key.len; i++)
		hash = (hash ^ (unsigned char)key.p[i]) * 1099511628211u;
	return hash;
}

static struct sink_map_node *find(const struct sink_map *map, struct str key, uint64_t hash)
{
	if (map->bucket_count == 0)
		return NULL;
	struct sink_map_node *node = map->buckets[hash & (map->bucket_count - 1)];
	while (node != NULL &&
		   (node->hash != hash || node->key_len != key.len || memcmp(node->key, key.p, key.len) != 0))
		node = node->next;
	return node;
}

static void grow(struct sink_map *map)
{
	size_t count = map->bucket_count == 0 ? 64 : map->bucket_count * 2;
	struct sink_map_node **buckets = mem_zalloc(count * sizeof(struct sink_map_node *));
	for (size_t i = 0; i < map->bucket_count; i++) {
		struct sink_map_node *node = map->buckets[i];
		while (node != NULL) {
			struct sink_map_node *next = node->next;
			struct sink_map_node **bucket = &buckets[node->hash & (count - 1)];
			node->next = *bucket;
			*bucket = node;
			node = next;
		}
	}
	free(map->buckets);
	map->buckets = buckets;
	map->bucket_count = count;
}

void *sink_map_get(const struct sink_map *map, struct str key)
{
	struct sink_map_node *node = find(map, key, hash_of(key));
	return node != NULL ? node->value : NULL;
}

void **sink_map_slot(struct sink_map *map, struct str key)
{
	uint64_t hash = hash_of(key);
	struct sink_map_node *node = find(map, key, hash);
	if (node != NULL)
		return &node->value;
	if (map->count >= map->bucket_count)
		grow(map);
	node = mem_zalloc(sizeof(*node) + key.len + 1);
	node->hash = hash;
	node->key_len = key.len;
	memcpy(node->key, key.p, key.len);
	struct sink_map_node **bucket = &map->buckets[hash & (map->bucket_count - 1)];
	node->next = *bucket;
	*bucket = node;
	map->count++;
	return &node->value;
}

void sink_map_each(const struct sink_map *map, void (*fn)(void *ctx, const char *key, void *value), void *ctx)
{
	for (size_t i = 0; i < map->bucket_count; i++)
		for (struct sink_map_node *node = map->buckets[i]; node != NULL; node = node->next)
			fn(ctx, node->key, node->value);
}

void sink_map_free(struct sink_map *map, void (*free_value)(void *value))
{
	for (size_t i = 0; i < map->bucket_count; i++) {
		struct sink_map_node *node = map->buckets[i];
		while (node != NULL) {
			struct sink_map_node *next = node->next;
			if (free_value != NULL)
				free_value(node->value);
			free(node);
			node = next;
		}
	}
	free(map->buckets);
	*map = (struct sink_map){ 0 };
}
