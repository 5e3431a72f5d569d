#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "saga/base/digest.h"
#include "saga/base/mem.h"
#include "tests/lib/sink.h"

int64_t sink_now_us(void)
{
	struct timespec now;
	int failed = clock_gettime(CLOCK_MONOTONIC, &now);
	assert(failed == 0);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t sink_now_ms(void)
{
	return sink_now_us() / 1000;
}

/* --- places -------------------------------------------------------------------------------------- */

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

struct sink_place *sink_place_of(struct sink *sink, struct str path)
{
	const struct sink_stub *stub = stub_of(path);
	if (stub != NULL)
		path = str_of(stub->path);
	void **slot = sink_map_slot(&sink->places, path);
	if (*slot == NULL) {
		struct sink_place *place = mem_zalloc(sizeof(*place));
		place->path = mem_strndup(path.p, path.len);
		place->stub = stub;
		STAILQ_INIT(&place->entries);
		*slot = place;
		sink_place_reset(place);
	}
	return *slot;
}

static void drop_entries(struct sink_place *place)
{
	struct sink_entry *entry;
	while ((entry = STAILQ_FIRST(&place->entries)) != NULL) {
		STAILQ_REMOVE_HEAD(&place->entries, link);
		buf_free(&entry->data);
		free(entry);
	}
	place->entry_count = 0;
	place->entries_dropped = 0;
}

void sink_place_reset(struct sink_place *place)
{
	drop_entries(place);
	sink_map_free(&place->keys, free);
	place->connections = 0;
	place->requests = 0;
	place->unanswered = 0;
	place->answered = 0;
	place->repeats = 0;
	place->duplicates = 0;
	place->ids = 0;
	place->max_concurrent = place->open;
	memset(place->by_status, 0, sizeof(place->by_status));
	if (place->stub != NULL)
		place->stub->reset(place);
}

static void drop_acts(struct sink_place *place)
{
	for (size_t i = 0; i < place->act_count; i++) {
		buf_free(&place->acts[i].headers);
		buf_free(&place->acts[i].body);
	}
	free(place->acts);
	place->acts = NULL;
	place->act_count = 0;
	place->act_at = 0;
	place->act_used = 0;
}

static void free_place(void *value)
{
	struct sink_place *place = value;
	drop_entries(place);
	drop_acts(place);
	sink_map_free(&place->keys, free);
	json_decref(place->stub_data);
	free(place->path);
	free(place);
}

void sink_places_free(struct sink *sink)
{
	sink_map_free(&sink->places, free_place);
}

/* --- behaviour ----------------------------------------------------------------------------------- */

static const char *const mode_names[] = {
#define SINK_MODE_NAME(name, text) [name] = text,
	SINK_MODES(SINK_MODE_NAME)
#undef SINK_MODE_NAME
};

static bool known_keys(json_t *object, const char *const *names, char why[200])
{
	const char *key;
	json_t *value;
	json_object_foreach(object, key, value)
	{
		size_t i = 0;
		while (names[i] != NULL && strcmp(names[i], key) != 0)
			i++;
		if (names[i] == NULL) {
			snprintf(why, 200, "unknown key \"%.60s\"", key);
			return false;
		}
	}
	return true;
}

static int64_t number(const json_t *object, const char *key, int64_t fallback)
{
	const json_t *value = json_object_get(object, key);
	return json_is_integer(value) ? (int64_t)json_integer_value(value) : fallback;
}

static bool read_mode(const json_t *item, enum sink_mode *ret_mode, char why[200])
{
	const char *name = json_string_value(json_object_get(item, "mode"));
	*ret_mode = SINK_NORMAL;
	if (name == NULL)
		return true;
	for (int i = 0; i < SINK_MODE_COUNT; i++)
		if (strcmp(mode_names[i], name) == 0) {
			*ret_mode = (enum sink_mode)i;
			return true;
		}
	snprintf(why, 200, "unknown mode \"%.60s\"", name);
	return false;
}

static void read_headers(const json_t *item, struct buf *headers)
{
	const char *name;
	json_t *value;
	json_object_foreach(json_object_get(item, "headers"), name, value) buf_printf(
		headers, "%s: %s\r\n", name, json_string_value(value) != NULL ? json_string_value(value) : "");
}

/* A string is the body; anything else is sent as JSON. */
static void read_body(const json_t *item, struct buf *body)
{
	const json_t *value = json_object_get(item, "body");
	if (json_is_string(value)) {
		buf_add(body, json_string_value(value), json_string_length(value));
	} else if (value != NULL) {
		char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
		buf_text(body, text);
		free(text);
	}
}

static bool read_act(json_t *item, struct sink_act *act, char why[200])
{
	static const char *const names[] = { "status",      "mode",    "times",   "delay_ms",
										 "at_byte",     "drip_ms", "interim", "headers",
										 "no_continue", "body",    "flap",    NULL };
	if (!json_is_object(item)) {
		snprintf(why, 200, "an entry of \"reply\" is not an object");
		return false;
	}
	if (!known_keys(item, names, why) || !read_mode(item, &act->mode, why))
		return false;
	int64_t status = number(item, "status", 0);
	if (status != 0 && (status < 100 || status >= SINK_STATUS_MAX)) {
		snprintf(why, 200, "status %lld is none", (long long)status);
		return false;
	}
	act->status = (uint32_t)status;
	act->times = (uint32_t)number(item, "times", 0);
	act->delay_ms = number(item, "delay_ms", 0);
	act->at_byte = (uint64_t)number(item, "at_byte", 0);
	act->drip_ms = number(item, "drip_ms", 1000);
	act->interim = (uint32_t)number(item, "interim", 0);
	act->no_continue = json_is_true(json_object_get(item, "no_continue"));
	read_headers(item, &act->headers);
	read_body(item, &act->body);
	return true;
}

static void read_flap(const json_t *flap, struct sink_flap *to)
{
	*to = (struct sink_flap){ .on_requests = (uint32_t)number(flap, "on_requests", 0),
							  .off_requests = (uint32_t)number(flap, "off_requests", 0),
							  .on_ms = number(flap, "on_ms", 0),
							  .off_ms = number(flap, "off_ms", 0),
							  .status = (uint32_t)number(flap, "status", 503),
							  .since_ms = sink_now_ms() };
}

bool sink_behave(struct sink_place *place, json_t *behaviour, char why[200])
{
	if (!json_is_object(behaviour)) {
		snprintf(why, 200, "a behaviour is a JSON object");
		return false;
	}
	json_t *list = json_object_get(behaviour, "reply");
	static const char *const names[] = { "reply", "flap", NULL };
	if (list != NULL && !known_keys(behaviour, names, why))
		return false;
	size_t count = list != NULL ? json_array_size(list) : 1;
	drop_acts(place);
	place->acts = mem_zalloc((count + 1) * sizeof(*place->acts));
	for (size_t i = 0; i < count; i++) {
		place->act_count++;
		if (!read_act(list != NULL ? json_array_get(list, i) : behaviour, &place->acts[i], why)) {
			drop_acts(place);
			return false;
		}
	}
	read_flap(json_object_get(behaviour, "flap"), &place->flap);
	return true;
}

const struct sink_act *sink_peek_act(const struct sink_place *place)
{
	return place->act_at < place->act_count ? &place->acts[place->act_at] : NULL;
}

/* When the last entry with a number of times is used up, the default behaviour returns. */
const struct sink_act *sink_next_act(struct sink_place *place)
{
	const struct sink_act *act = sink_peek_act(place);
	if (act != NULL && act->times > 0 && ++place->act_used >= act->times) {
		place->act_at++;
		place->act_used = 0;
	}
	return act;
}

uint32_t sink_flap_status(struct sink_flap *flap)
{
	uint64_t on = 0;
	uint64_t period = 0;
	uint64_t at = 0;
	if (flap->off_requests > 0) {
		on = flap->on_requests;
		period = on + flap->off_requests;
		at = flap->seen++;
	} else if (flap->off_ms > 0) {
		on = (uint64_t)flap->on_ms;
		period = on + (uint64_t)flap->off_ms;
		at = (uint64_t)(sink_now_ms() - flap->since_ms);
	}
	return period > 0 && at % period >= on ? flap->status : 0;
}
