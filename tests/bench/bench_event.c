/* Measures the payload of events (saga/model/event_codec.h): bytes before and after, and microseconds of CPU to pack
 * and to unpack one.
 *
 *     bench_event [STORE]
 *
 * Without a store: the event that almoner-load sends, the same with noise in place of its filling, and noise alone.
 * With one: the events of its sagas, by source. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "saga/base/mem.h"
#include "saga/model/event_codec.h"
#include "saga/store/store_sqlite.h"

#define ROUNDS     5   /* the fastest counts: another process can only add to a time */
#define REPEATS    400 /* of one event, so that the clock's own time does not count */
#define BODY_BYTES 600
#define SOURCES    64
#define PAGE       100

struct event_cost {
	char name[64];
	size_t events;
	size_t text_bytes; /* of the eight texts */
	size_t payload_bytes;
	double pack_us;
	double unpack_us;
};

static void give_up(const char *what, const struct err *err)
{
	fprintf(stderr, "bench_event: %s: %s\n", what, err != NULL ? err->text : "it cannot be used");
	exit(1);
}

static double cpu_us(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* ---- one event ---- */

static double time_pack(const struct event_image *image, struct buf *payload)
{
	double began = cpu_us();
	for (int i = 0; i < REPEATS; i++) {
		buf_clear(payload);
		event_codec_pack(image, payload);
	}
	return (cpu_us() - began) / REPEATS;
}

static double time_unpack(const struct buf *payload)
{
	double began = cpu_us();
	for (int i = 0; i < REPEATS; i++) {
		struct event_image image;
		struct err err = { 0 };
		char *text = NULL;
		if (event_codec_unpack(buf_str(payload), &image, &text, &err) != 0)
			give_up("unpacking", &err);
		free(text);
	}
	return (cpu_us() - began) / REPEATS;
}

static double smaller(double a, double b)
{
	return a < b ? a : b;
}

static void add_event(struct event_cost *c, const struct event_image *image)
{
	const struct event_fields *f = &image->fields;
	struct buf payload AUTO_BUF = { 0 };
	double pack = 1e9;
	double unpack = 1e9;
	for (int i = 0; i < ROUNDS; i++) {
		pack = smaller(pack, time_pack(image, &payload));
		unpack = smaller(unpack, time_unpack(&payload));
	}
	c->events++;
	c->text_bytes += f->raw.len + f->canonical.len + f->source.len + f->event_id.len + f->type.len +
					 f->gift.len + f->donor.len + f->content_type.len;
	c->payload_bytes += payload.len;
	c->pack_us += pack;
	c->unpack_us += unpack;
}

static void print_cost(const struct event_cost *c)
{
	double n = (double)c->events;
	printf("%-28s %7zu %8.0f %8.0f %8.2f %8.2f\n", c->name, c->events, (double)c->text_bytes / n,
		   (double)c->payload_bytes / n, c->pack_us / n, c->unpack_us / n);
}

/* ---- made events ---- */

/* The body of almoner-load (load.c); `filling` NULL: its own x. */
static void load_body(struct buf *body, const char *amount, const char *filling)
{
	buf_printf(body,
			   "{\"id\":\"load-77\",\"type\":\"donation.created\",\"gift\":\"gift-load-77\","
			   "\"occurred_at\":\"2026-03-01T12:00:00Z\",\"donor\":{\"email\":\"donor-load-77@example.org\","
			   "\"name\":\"Anna Example\",\"phone\":\"+39 06 5550 0000\",\"address\":{\"street\":"
			   "\"Via dei Volsci 12\",\"city\":\"Roma\",\"postcode\":\"00185\",\"country\":\"IT\"}},"
			   "\"amount\":{\"minor\":2500,\"currency\":\"EUR\"%s},\"fund\":\"general\",\"campaign\":"
			   "\"spring-appeal\",\"recurring\":false,\"note\":\"",
			   amount);
	for (size_t i = 0; body->len + 2 < BODY_BYTES + strlen(amount); i++)
		buf_byte(body, filling != NULL ? (uint8_t)filling[i] : 'x');
	buf_text(body, "\"}");
}

/* Letters and digits; the same on every run. */
static void make_noise(char *to, size_t len, unsigned alphabet)
{
	static const char characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";
	uint64_t x = 88172645463325252u;
	for (size_t i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		to[i] = alphabet == 256 ? (char)(x >> 32) : characters[(x >> 32) % alphabet];
	}
}

static void measure_made(const char *name, struct str raw, struct str canonical)
{
	struct event_cost c = { 0 };
	snprintf(c.name, sizeof c.name, "%s", name);
	const struct event_image image = { .fields = { .source = STR("internal"),
												   .event_id = STR("load-77"),
												   .type = STR("donation.created"),
												   .gift = STR("gift-load-77"),
												   .donor = STR("donor-load-77@example.org"),
												   .content_type = STR("application/json"),
												   .raw = raw,
												   .canonical = canonical },
									   .received_ms = 1700000000000 };
	add_event(&c, &image);
	print_cost(&c);
}

static void measure_load(const char *name, const char *filling)
{
	struct buf raw AUTO_BUF = { 0 };
	struct buf canonical AUTO_BUF = { 0 };
	load_body(&raw, "", filling);
	load_body(&canonical, ",\"value\":\"25.00\"", filling);
	measure_made(name, buf_str(&raw), buf_str(&canonical));
}

/* ---- the events of a store ---- */

static struct event_cost *cost_of(struct event_cost *costs, const char *source)
{
	size_t at = 0;
	while (at < SOURCES && costs[at].name[0] != '\0' && strcmp(costs[at].name, source) != 0)
		at++;
	if (at == SOURCES)
		give_up("too many sources", NULL);
	snprintf(costs[at].name, sizeof costs[at].name, "%s", source);
	return &costs[at];
}

static void add_stored(struct store_reader *r, int64_t saga, struct event_cost *costs)
{
	struct event *e = NULL;
	struct err err = { 0 };
	if (r->event_get(r->ctx, saga, &e, &err) != 0)
		give_up("reading an event", &err);
	struct event_image image = { .fields = e->f, .received_ms = e->received_ms };
	memcpy(image.salt, e->salt, sizeof image.salt);
	add_event(cost_of(costs, e->f.source.p), &image);
	event_unref(e);
}

static void measure_store(const char *path)
{
	static struct event_cost costs[SOURCES];
	const struct saga_filter all = { .state = -1, .outcome = -1, .reason = -1 };
	struct store_reader r;
	struct err err = { 0 };
	if (store_sqlite_open_reader(path, NULL, &r, &err) != 0)
		give_up(path, &err);
	for (int64_t before = INT64_MAX; before != 0;) {
		struct saga *sagas[PAGE];
		size_t count = 0;
		if (r.saga_list(r.ctx, &all, before, 1000, sagas, PAGE, &count, &before, &err) != 0)
			give_up("listing sagas", &err);
		for (size_t i = 0; i < count; i++) {
			add_stored(&r, sagas[i]->id, costs);
			saga_destroy(sagas[i]);
		}
	}
	r.close(r.ctx);
	for (size_t i = 0; i < SOURCES && costs[i].events > 0; i++)
		print_cost(&costs[i]);
}

int main(int argc, char **argv)
{
	char noise[BODY_BYTES];
	printf("%-28s %7s %8s %8s %8s %8s\n", "means", "events", "texts", "payload", "pack us", "unpack us");
	if (argc > 1) {
		measure_store(argv[1]);
		return 0;
	}
	measure_load("almoner-load", NULL);
	make_noise(noise, sizeof noise, 64);
	measure_load("almoner-load, filled by noise", noise);
	make_noise(noise, sizeof noise, 256);
	measure_made("noise of 600 bytes", (struct str){ noise, sizeof noise }, STR(""));
	return 0;
}
