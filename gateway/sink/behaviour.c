/* The behaviour of an endpoint: reading it from JSON (control.c describes it), and the reply for each
 * request. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/sink/sink.h"
#include "saga/base/clock.h"
#include "saga/base/mem.h"

void sink_behaviour_drop(struct sink_endpoint *endpoint)
{
	for (size_t i = 0; i < endpoint->reply_count; i++) {
		buf_free(&endpoint->replies[i].headers);
		buf_free(&endpoint->replies[i].body);
	}
	free(endpoint->replies);
	endpoint->replies = NULL;
	endpoint->reply_count = 0;
	endpoint->reply_at = 0;
	endpoint->reply_used = 0;
}

static const char *const mode_names[] = {
#define SINK_MODE_NAME(name, text) [name] = (text),
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

/* A string is sent as it is, any other value as JSON. */
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

/* A status outside the range is refused: the answers are counted by status in an array. */
static bool read_status(const json_t *item, uint32_t fallback, uint32_t *ret_status, char why[200])
{
	int64_t status = number(item, "status", fallback);
	if (status != fallback && (status < 100 || status >= SINK_STATUS_MAX)) {
		snprintf(why, 200, "%lld is no HTTP status", (long long)status);
		return false;
	}
	*ret_status = (uint32_t)status;
	return true;
}

/* One entry of "reply". An unknown key is an error, so that a typing mistake in a test is noticed. */
static bool read_reply(json_t *item, struct sink_reply *reply, char why[200])
{
	static const char *const names[] = { "status",      "mode",    "times",   "delay_ms",
										 "at_byte",     "drip_ms", "interim", "headers",
										 "no_continue", "body",    "flap",    NULL };
	if (!json_is_object(item)) {
		snprintf(why, 200, "an entry of \"reply\" is not an object");
		return false;
	}
	if (!known_keys(item, names, why) || !read_mode(item, &reply->mode, why))
		return false;
	if (!read_status(item, 0, &reply->status, why))
		return false;
	reply->times = (uint32_t)number(item, "times", 0);
	reply->delay_ms = number(item, "delay_ms", 0);
	reply->at_byte = (uint64_t)number(item, "at_byte", 0);
	reply->drip_ms = number(item, "drip_ms", 1000);
	reply->interim = (uint32_t)number(item, "interim", 0);
	reply->no_continue = json_is_true(json_object_get(item, "no_continue"));
	read_headers(item, &reply->headers);
	read_body(item, &reply->body);
	return true;
}

static bool read_flap(const json_t *flap, struct sink_flap *to, char why[200])
{
	*to = (struct sink_flap){ .on_requests = (uint32_t)number(flap, "on_requests", 0),
							  .off_requests = (uint32_t)number(flap, "off_requests", 0),
							  .on_ms = number(flap, "on_ms", 0),
							  .off_ms = number(flap, "off_ms", 0),
							  .since_ms = clock_monotonic_ms() };
	return read_status(flap, 503, &to->status, why);
}

/* The body of the request is {"reply": […], "flap": …} or, without "reply", a single reply. */
bool sink_behaviour_set(struct sink_endpoint *endpoint, json_t *behaviour, char why[200])
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
	sink_behaviour_drop(endpoint);
	endpoint->replies = mem_zalloc((count + 1) * sizeof(*endpoint->replies));
	for (size_t i = 0; i < count; i++) {
		endpoint->reply_count++;
		if (!read_reply(list != NULL ? json_array_get(list, i) : behaviour, &endpoint->replies[i], why)) {
			sink_behaviour_drop(endpoint);
			return false;
		}
	}
	if (read_flap(json_object_get(behaviour, "flap"), &endpoint->flap, why))
		return true;
	sink_behaviour_drop(endpoint);
	endpoint->flap = (struct sink_flap){ 0 };
	return false;
}

const struct sink_reply *sink_behaviour_peek(const struct sink_endpoint *endpoint)
{
	return endpoint->reply_at < endpoint->reply_count ? &endpoint->replies[endpoint->reply_at] : NULL;
}

/* A reply without `times` stays until the behaviour is changed. After the last reply that is used up, the
 * endpoint does its default work. */
const struct sink_reply *sink_behaviour_next(struct sink_endpoint *endpoint)
{
	const struct sink_reply *reply = sink_behaviour_peek(endpoint);
	if (reply != NULL && reply->times > 0 && ++endpoint->reply_used >= reply->times) {
		endpoint->reply_at++;
		endpoint->reply_used = 0;
	}
	return reply;
}

/* Flapping counts requests if off_requests is set, else time. The position within the period of on and off
 * decides. */
uint32_t sink_behaviour_flap(struct sink_flap *flap)
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
		at = (uint64_t)(clock_monotonic_ms() - flap->since_ms);
	}
	return period > 0 && at % period >= on ? flap->status : 0;
}
