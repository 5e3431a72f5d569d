/* What is tried on a connector. */
#include "tests/conformance/conformance.h"

#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"

#define EXCHANGES_MAX 6
#define HUGE_BYTES    ((size_t)6 << 20)

struct conformance_run {
	struct driver *d;
	const struct suite *suite;
	struct findings *f;
	uint64_t random;
	char *huge;
	char *echo; /* a body that repeats our secrets */
};

/* ---- random numbers: xorshift, from a seed that is printed ---- */

static uint64_t draw(struct conformance_run *r, uint64_t below)
{
	r->random ^= r->random << 13;
	r->random ^= r->random >> 7;
	r->random ^= r->random << 17;
	return r->random % below;
}

/* ---- replies ---- */

static const char *const garbage[] = {
	"",
	"{",
	"[]",
	"null",
	"0",
	"\"x\"",
	"<html><h1>502</h1></html>",
	"{\"id\":null}",
	"{\"id\":{}}",
	"\xFF\xFE\x01",
	"{\"id\":\"\\u0000\"}",
	"{\"a\":1e999}",
};
#define GARBAGE_COUNT (sizeof garbage / sizeof *garbage)

static struct almoner_reply reply_of(uint32_t status, const char *body)
{
	return (struct almoner_reply){ .size = sizeof(struct almoner_reply),
								   .status = status,
								   .body = driver_text(body) };
}

/* A body of the suite with some bytes changed, or cut off; the caller frees it. */
static char *damaged(struct conformance_run *r, const char *body)
{
	char *copy = mem_strdup(body);
	size_t len = strlen(copy);
	if (len == 0)
		return copy;
	if (draw(r, 2) == 0) {
		copy[draw(r, len)] = '\0';
		return copy;
	}
	for (uint64_t i = 0; i <= draw(r, 4); i++)
		copy[draw(r, len)] = (char)(1 + draw(r, 255));
	return copy;
}

static uint32_t any_status(struct conformance_run *r)
{
	static const uint32_t usual[] = { 200, 200, 200, 201, 250, 400, 401, 403,
									  404, 409, 429, 500, 502, 503, 504 };
	if (draw(r, 4) == 0)
		return 100 + (uint32_t)draw(r, 500);
	return usual[draw(r, sizeof usual / sizeof *usual)];
}

/* If the body is an own copy, *owned points to it and the caller frees it; otherwise *owned is NULL. */
static struct almoner_reply any_reply(struct conformance_run *r, char **owned)
{
	struct almoner_reply reply = reply_of(any_status(r), NULL);
	uint64_t kind = draw(r, 8);
	*owned = NULL;
	if (kind < 5 && r->suite->reply_count > 0)
		*owned = kind < 4 ? mem_strdup(r->suite->replies[draw(r, r->suite->reply_count)])
						  : damaged(r, r->suite->replies[draw(r, r->suite->reply_count)]);
	reply.body = driver_text(*owned != NULL ? *owned : kind == 7 ? r->echo : garbage[draw(r, GARBAGE_COUNT)]);
	if (draw(r, 16) == 0)
		reply.body = driver_text(NULL);
	reply.truncated = draw(r, 16) == 0;
	reply.retry_after_ms = draw(r, 8) == 0 ? (int64_t)draw(r, 100000) : 0;
	return reply;
}

/* ---- events ---- */

/* Calls `use` with variants of the event: once without the member `key` of `holder`, and once with each of
 * the other values in its place. `holder` is a part of `event`. */
static void vary_member(struct conformance_run *r, json_t *event, json_t *holder, const char *key,
						void (*use)(struct conformance_run *, const char *))
{
	static const char *const others[] = { "null",
										  "0",
										  "-1",
										  "1e300",
										  "true",
										  "\"\"",
										  "\"x\\r\\nBcc: y\\\"'<>{{a}}\"",
										  "[]",
										  "{}",
										  "[[[]]]",
										  "\"\xF0\x9F\x8E\x81\"",
										  "9223372036854775807",
										  "\"..\"",
										  "\"2026-99-99T99:99:99Z\"" };
	json_t *old = json_incref(json_object_get(holder, key));
	for (size_t i = 0; i <= sizeof others / sizeof *others; i++) {
		if (i == 0)
			(void)json_object_del(holder, key);
		else
			(void)json_object_set_new(holder, key, json_loads(others[i - 1], JSON_DECODE_ANY, NULL));
		char *text AUTO_FREE = json_dumps(event, JSON_COMPACT);
		use(r, text);
	}
	(void)json_object_set_new(holder, key, old);
}

/* Varies the members of one object and of the objects in it. The names are collected first, because the
 * object changes meanwhile. */
static void vary_object(struct conformance_run *r, json_t *event, json_t *holder,
						void (*use)(struct conformance_run *, const char *))
{
	json_t *names = json_array();
	const char *key = NULL;
	json_t *value = NULL;
	json_object_foreach(holder, key, value)(void) json_array_append_new(names, json_string(key));
	for (size_t i = 0; i < json_array_size(names); i++) {
		key = json_string_value(json_array_get(names, i));
		if (json_is_object(json_object_get(holder, key)))
			vary_object(r, event, json_object_get(holder, key), use);
		vary_member(r, event, holder, key, use);
	}
	json_decref(names);
}

/* ---- what is tried ---- */

static const uint32_t purposes[] = { ALMONER_DO, ALMONER_UNDO, ALMONER_LOOKUP };
#define PURPOSE_COUNT (sizeof purposes / sizeof *purposes)

/* True if the connector says that it can do this: only then the gateway asks for it. */
static bool able(const struct conformance_run *r, uint32_t purpose)
{
	uint32_t can = instance_traits(r->d->instance)->capabilities;
	return purpose == ALMONER_DO || (purpose == ALMONER_UNDO && (can & ALMONER_CAN_UNDO) != 0) ||
		   (purpose == ALMONER_LOOKUP && (can & ALMONER_CAN_LOOKUP) != 0);
}

static void run_conversation(struct conformance_run *r, uint32_t purpose, const char *event,
							 const struct almoner_reply *replies, size_t count, bool may_fail)
{
	struct conversation conversation = {
		.purpose = purpose, .event = event, .replies = replies, .reply_count = count, .may_fail = may_fail
	};
	conversation_run(r->d, r->suite, &conversation, r->f);
}

/* Every status with every kind of body, as the reply to the first exchange and to the second one. */
static void every_status(struct conformance_run *r)
{
	for (uint32_t status = 100; status < 600; status++) {
		for (size_t g = 0; g < GARBAGE_COUNT + 2; g++) {
			const char *body = g < GARBAGE_COUNT ? garbage[g] : g == GARBAGE_COUNT ? r->echo : NULL;
			struct almoner_reply one = reply_of(status, body);
			for (size_t p = 0; p < PURPOSE_COUNT; p++)
				if (able(r, purposes[p]))
					run_conversation(r, purposes[p], r->suite->event, &one, 1, false);
		}
		for (size_t i = 0; i < r->suite->reply_count; i++) {
			struct almoner_reply two[] = { reply_of(200, r->suite->replies[i]), reply_of(status, r->echo) };
			for (size_t p = 0; p < PURPOSE_COUNT; p++)
				if (able(r, purposes[p]))
					run_conversation(r, purposes[p], r->suite->event, two, 2, false);
		}
	}
}

static void huge_reply(struct conformance_run *r)
{
	struct almoner_reply reply = reply_of(200, r->huge);
	run_conversation(r, ALMONER_DO, r->suite->event, &reply, 1, false);
	reply.status = 400;
	reply.truncated = 1;
	run_conversation(r, ALMONER_DO, r->suite->event, &reply, 1, false);
}

static void use_event(struct conformance_run *r, const char *event)
{
	struct almoner_reply good = reply_of(200, r->suite->reply_count > 0 ? r->suite->replies[0] : "{}");
	struct almoner_reply replies[] = { good, good };
	for (size_t p = 0; p < PURPOSE_COUNT; p++)
		if (able(r, purposes[p]))
			run_conversation(r, purposes[p], event, replies, 2, false);
}

static void every_event(struct conformance_run *r)
{
	static const char *const hopeless[] = { "",  "{",     "[]",   "null",
											"5", "\"x\"", "\xFF", "{\"donor\":5,\"amount\":[]}" };
	json_t *event = json_loads(r->suite->event, 0, NULL);
	vary_object(r, event, event, use_event);
	json_decref(event);
	for (size_t i = 0; i < sizeof hopeless / sizeof *hopeless; i++)
		for (size_t p = 0; p < PURPOSE_COUNT; p++)
			if (able(r, purposes[p]))
				run_conversation(r, purposes[p], hopeless[i], NULL, 0, true);
}

/* Checkpoints that the connector never wrote, and attempts that end right after they began. */
static void odd_starts(struct conformance_run *r)
{
	static const char *const checkpoints[] = { "",
											   "{",
											   "[]",
											   "{\"customer\":null}",
											   "{\"contact\":-1}",
											   "{\"contact\":{}}",
											   "{\"customer\":\"\\u0001\"}" };
	for (size_t i = 0; i < sizeof checkpoints / sizeof *checkpoints; i++) {
		struct conversation conversation = { .purpose = ALMONER_DO,
											 .event = r->suite->event,
											 .checkpoint = checkpoints[i] };
		conversation_run(r->d, r->suite, &conversation, r->f);
	}
	for (size_t p = 0; p < PURPOSE_COUNT; p++) {
		driver_step(r->d, r->suite->event);
		r->d->step.purpose = purposes[p];
		if (driver_begin(r->d) == 0)
			driver_end(r->d);
		else if (able(r, purposes[p]))
			conformance_finding(r->f, "could not begin purpose %u: %s", purposes[p], r->d->error.text);
	}
}

static void random_conversation(struct conformance_run *r)
{
	struct almoner_reply replies[EXCHANGES_MAX];
	char *owned[EXCHANGES_MAX];
	size_t count = draw(r, EXCHANGES_MAX + 1);
	uint32_t purpose = purposes[draw(r, PURPOSE_COUNT)];
	for (size_t i = 0; i < count; i++)
		replies[i] = any_reply(r, &owned[i]);
	if (able(r, purpose))
		run_conversation(r, purpose, r->suite->event, replies, count, false);
	for (size_t i = 0; i < count; i++)
		free(owned[i]);
}

static char *make_echo(const struct suite *suite)
{
	struct buf text = { 0 };
	buf_text(&text, "you said ");
	for (size_t i = 0; i < suite->canary_count; i++)
		buf_printf(&text, "%s, ", suite->canaries[i]);
	return buf_take(&text);
}

static char *make_huge(void)
{
	char *huge = mem_alloc(HUGE_BYTES + 1);
	memset(huge, '[', HUGE_BYTES);
	huge[HUGE_BYTES] = '\0';
	return huge;
}

void conformance_run(struct driver *d, const struct suite *suite, uint64_t seed, size_t rounds,
					 struct findings *f)
{
	struct conformance_run r = {
		.d = d, .suite = suite, .f = f, .random = seed | 1, .huge = make_huge(), .echo = make_echo(suite)
	};
	odd_starts(&r);
	every_status(&r);
	every_event(&r);
	huge_reply(&r);
	for (size_t i = 0; i < rounds; i++)
		random_conversation(&r);
	free(r.huge);
	free(r.echo);
}
