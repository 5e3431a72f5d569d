/* The endpoints: one for each path, made when its first request or behaviour arrives. */
#include <stdlib.h>
#include <string.h>

#include "gateway/sink/sink.h"
#include "saga/base/mem.h"

static const struct sink_stub *const stubs[] = { &sink_quickbooks, &sink_civicrm };

static const struct sink_stub *stub_of(struct str path)
{
	for (size_t i = 0; i < sizeof(stubs) / sizeof(stubs[0]); i++) {
		size_t len = strlen(stubs[i]->path);
		if (path.len >= len && memcmp(path.p, stubs[i]->path, len) == 0 &&
			(path.len == len || path.p[len] == '/'))
			return stubs[i];
	}
	return NULL;
}

/* The data of a stub belongs to one endpoint, so that its counters are in one place. */
struct sink_endpoint *sink_endpoint_of(struct sink *sink, struct str path)
{
	const struct sink_stub *stub = stub_of(path);
	if (stub != NULL)
		path = str_of(stub->path);
	void **slot = sink_map_slot(&sink->endpoints, path);
	if (*slot == NULL) {
		struct sink_endpoint *endpoint = mem_zalloc(sizeof(*endpoint));
		endpoint->path = mem_strndup(path.p, path.len);
		endpoint->stub = stub;
		STAILQ_INIT(&endpoint->entries);
		*slot = endpoint;
		sink_endpoint_reset(endpoint);
	}
	return *slot;
}

static void drop_entries(struct sink_endpoint *endpoint)
{
	struct sink_entry *entry;
	while ((entry = STAILQ_FIRST(&endpoint->entries)) != NULL) {
		STAILQ_REMOVE_HEAD(&endpoint->entries, link);
		buf_free(&entry->data);
		free(entry);
	}
	endpoint->entry_count = 0;
	endpoint->entries_dropped = 0;
}

/* `open` stays: these requests still run and decrease it when they end. */
void sink_endpoint_reset(struct sink_endpoint *endpoint)
{
	drop_entries(endpoint);
	sink_map_free(&endpoint->keys, free);
	endpoint->connections = 0;
	endpoint->requests = 0;
	endpoint->unanswered = 0;
	endpoint->answered = 0;
	endpoint->repeats = 0;
	endpoint->duplicates = 0;
	endpoint->ids = 0;
	endpoint->max_concurrent = endpoint->open;
	memset(endpoint->by_status, 0, sizeof(endpoint->by_status));
	if (endpoint->stub != NULL)
		endpoint->stub->reset(endpoint);
}

static void free_endpoint(void *value)
{
	struct sink_endpoint *endpoint = value;
	drop_entries(endpoint);
	sink_behaviour_drop(endpoint);
	sink_map_free(&endpoint->keys, free);
	json_decref(endpoint->stub_data);
	free(endpoint->path);
	free(endpoint);
}

void sink_endpoints_free(struct sink *sink)
{
	sink_map_free(&sink->endpoints, free_endpoint);
}
