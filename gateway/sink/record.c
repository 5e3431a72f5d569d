/* What came, counted, kept and logged. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/sink/sink.h"
#include "saga/base/digest.h"
#include "saga/base/hex.h"
#include "saga/base/mem.h"
#include "saga/base/reader.h"

static struct sink_key *key_of(struct sink_endpoint *endpoint, struct str key)
{
	void **slot = sink_map_slot(&endpoint->keys, key);
	if (*slot == NULL)
		*slot = mem_zalloc(sizeof(struct sink_key));
	return *slot;
}

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

static void keep_entry(struct sink_endpoint *endpoint, const struct sink_request *request, uint32_t status)
{
	if (endpoint->entry_count >= SINK_ENTRIES_MAX) {
		endpoint->entries_dropped++;
		return;
	}
	struct sink_entry *entry = mem_zalloc(sizeof(*entry));
	entry->at_ms = sink_now_ms();
	entry->status = status;
	const struct str parts[] = { request->method, request->path,    request->query,
								 request->key,    request->headers, request->body };
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		buf_bytes(&entry->data, parts[i].p, parts[i].len);
	STAILQ_INSERT_TAIL(&endpoint->entries, entry, link);
	endpoint->entry_count++;
}

void sink_record_request(struct sink *sink, struct sink_endpoint *endpoint,
						 const struct sink_request *request, uint32_t status)
{
	endpoint->requests++;
	if (status == 0)
		endpoint->unanswered++;
	else
		endpoint->by_status[status]++;
	if (request->key.len > 0)
		count_key(endpoint, request->key, status);
	if (sink->record)
		keep_entry(endpoint, request, status);
	sink_log(sink, endpoint->path, request->key, status, request->body);
	sink_control_wake(sink);
}

/* ---- the history ---- */

void sink_log(struct sink *sink, const char *path, struct str key, uint32_t status, struct str body)
{
	if (sink->log_fd < 0)
		return;
	uint8_t digest[DIGEST_BYTES];
	char hex[2 * DIGEST_BYTES + 1];
	digest_bytes(body.p != NULL ? body.p : "", body.len, digest);
	hex_encode(digest, DIGEST_BYTES, hex);
	json_t *line = json_pack("{s:I, s:I, s:s, s:s%, s:i, s:s}", "at_ms", (json_int_t)sink_now_ms(), "at_us",
							 (json_int_t)sink_now_us(), "path", path, "key", key.p != NULL ? key.p : "",
							 key.len, "status", (int)status, "digest", hex);
	assert(line != NULL);
	AUTO_FREE char *text = json_dumps(line, JSON_COMPACT);
	json_decref(line);
	AUTO_BUF struct buf out = { 0 };
	buf_text(&out, text);
	buf_byte(&out, '\n');
	if (write(sink->log_fd, out.data, out.len) != (ssize_t)out.len)
		abort(); /* a history with holes proves nothing */
}

/* ---- telling ---- */

static json_t *text_json(struct str text)
{
	json_t *value = json_stringn(text.p != NULL ? text.p : "", text.len);
	if (value != NULL)
		return value;
	AUTO_FREE char *hex = mem_alloc(2 * text.len + 1);
	hex_encode((const uint8_t *)text.p, text.len, hex);
	return json_pack("{s:s}", "hex", hex); /* not UTF-8 */
}

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
		json_object_set_new(object, name, text_json(value));
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
		json_object_set_new(object, names[i], text_json(reader_bytes(&r)));
	json_object_set_new(object, "headers", headers_json(reader_bytes(&r)));
	json_object_set_new(object, "body", text_json(reader_bytes(&r)));
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

json_t *sink_endpoint_stats(struct sink_endpoint *endpoint, bool entries)
{
	json_t *stats = json_pack(
		"{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "path", endpoint->path, "connections",
		(json_int_t)endpoint->connections, "answered", (json_int_t)endpoint->answered, "requests",
		(json_int_t)endpoint->requests, "unanswered", (json_int_t)endpoint->unanswered, "distinct_keys",
		(json_int_t)endpoint->keys.count, "repeats", (json_int_t)endpoint->repeats, "duplicates",
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
