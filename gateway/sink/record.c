/* Counts requests and keeps their records. */
#include <stdlib.h>

#include "gateway/sink/sink.h"
#include "saga/base/clock.h"
#include "saga/base/mem.h"

static struct sink_key *key_of(struct sink_endpoint *endpoint, struct str key)
{
	void **slot = sink_map_slot(&endpoint->keys, key);
	if (*slot == NULL)
		*slot = mem_zalloc(sizeof(struct sink_key));
	return *slot;
}

/* Gives out an id of the form "PATH-NUMBER"; a repeat with the same idempotency key gets the same one. */
void sink_default_work(struct sink_endpoint *endpoint, const struct sink_request *request,
					   struct sink_answer *answer)
{
	uint64_t id;
	if (request->key.len > 0) {
		struct sink_key *key = key_of(endpoint, request->key);
		if (key->id == 0)
			key->id = ++endpoint->ids;
		id = key->id;
	} else {
		id = ++endpoint->ids;
	}
	answer->status = 200;
	buf_printf(&answer->body, "{\"id\":\"%s-%llu\"}", endpoint->path, (unsigned long long)id);
}

static void count_key(struct sink_endpoint *endpoint, struct str name, uint32_t status)
{
	struct sink_key *key = key_of(endpoint, name);
	if (key->requests++ > 0)
		endpoint->repeats++;
	if (status >= 200 && status < 300 && key->successes++ > 0)
		endpoint->duplicates++;
}

/* The parts of a request are stored in one block, each with its length; stats.c reads them back. */
static void keep_entry(struct sink_endpoint *endpoint, const struct sink_request *request, uint32_t status)
{
	if (endpoint->entry_count >= SINK_ENTRIES_MAX) {
		endpoint->entries_dropped++;
		return;
	}
	struct sink_entry *entry = mem_zalloc(sizeof(*entry));
	entry->at_ms = clock_monotonic_ms();
	entry->status = status;
	const struct str parts[] = { request->method, request->path,    request->query,
								 request->key,    request->headers, request->body };
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		buf_bytes(&entry->data, parts[i].p, parts[i].len);
	STAILQ_INSERT_TAIL(&endpoint->entries, entry, link);
	endpoint->entry_count++;
}

/* The waiting control requests are answered last, when all counters are right. */
void sink_record_request(struct sink *sink, struct sink_endpoint *endpoint,
						 const struct sink_request *request, uint32_t status)
{
	assert(status < SINK_STATUS_MAX);
	endpoint->requests++;
	if (status == 0)
		endpoint->unanswered++;
	else
		endpoint->by_status[status]++;
	if (request->key.len > 0)
		count_key(endpoint, request->key, status);
	if (sink->record)
		keep_entry(endpoint, request, status);
	sink_history_add(sink, endpoint->path, request->key, status, request->body);
	sink_waiters_wake(sink);
}
