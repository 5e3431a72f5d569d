/* The counters and records of an endpoint as JSON, for the control interface. */
#include <stdio.h>
#include <string.h>

#include "gateway/sink/sink.h"
#include "saga/base/mem.h"
#include "saga/base/reader.h"

/* Raw header lines as an object; of several headers with one name the last stays. */
static json_t *headers_json(struct str headers)
{
	json_t *object = json_object();
	const char *p = headers.p;
	const char *end = headers.p + headers.len;
	while (p < end) {
		const char *stop = sink_find_text((struct str){ .p = p, .len = (size_t)(end - p) }, "\r\n");
		const char *colon = memchr(p, ':', (size_t)((stop != NULL ? stop : end) - p));
		if (stop == NULL || colon == NULL)
			break;
		AUTO_FREE char *name = mem_strndup(p, (size_t)(colon - p));
		colon++;
		while (colon < stop && *colon == ' ')
			colon++;
		struct str value = { .p = colon, .len = (size_t)(stop - colon) };
		json_object_set_new(object, name, sink_text_json(value));
		p = stop + 2;
	}
	return object;
}

static json_t *entry_json(const struct sink_entry *entry)
{
	static const char *const names[] = { "method", "path", "query", "key" };
	json_t *object = json_object();
	struct reader r = reader_of(entry->data.data, entry->data.len);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		json_object_set_new(object, names[i], sink_text_json(reader_bytes(&r)));
	json_object_set_new(object, "headers", headers_json(reader_bytes(&r)));
	json_object_set_new(object, "body", sink_text_json(reader_bytes(&r)));
	json_object_set_new(object, "status", json_integer((json_int_t)entry->status));
	json_object_set_new(object, "at_ms", json_integer((json_int_t)entry->at_ms));
	return object;
}

static json_t *statuses_json(const struct sink_endpoint *endpoint)
{
	json_t *object = json_object();
	for (size_t i = 0; i < SINK_STATUS_MAX; i++) {
		char name[24];
		if (endpoint->by_status[i] == 0)
			continue;
		snprintf(name, sizeof(name), "%zu", i);
		json_object_set_new(object, name, json_integer((json_int_t)endpoint->by_status[i]));
	}
	return object;
}

static json_t *entries_json(const struct sink_endpoint *endpoint)
{
	json_t *list = json_array();
	struct sink_entry *entry;
	STAILQ_FOREACH(entry, &endpoint->entries, link)
	json_array_append_new(list, entry_json(entry));
	return list;
}

/* A control request can wait for each of these counters: `?wait=NAME`. */
json_t *sink_endpoint_stats(struct sink_endpoint *endpoint, bool entries)
{
	json_t *stats = json_pack(
		"{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "path", endpoint->path, "connections",
		(json_int_t)endpoint->connections, "answered", (json_int_t)endpoint->answered, "requests",
		(json_int_t)endpoint->requests, "unanswered", (json_int_t)endpoint->unanswered, "distinct_keys",
		(json_int_t)sink_map_count(&endpoint->keys), "repeats", (json_int_t)endpoint->repeats, "duplicates",
		(json_int_t)endpoint->duplicates, "open", (json_int_t)endpoint->open, "max_concurrent",
		(json_int_t)endpoint->max_concurrent, "entries_dropped", (json_int_t)endpoint->entries_dropped,
		"by_status", statuses_json(endpoint));
	assert(stats != NULL);
	if (endpoint->stub != NULL)
		json_object_set_new(stats, "stub", endpoint->stub->stats(endpoint, entries));
	if (entries)
		json_object_set_new(stats, "entries", entries_json(endpoint));
	return stats;
}
