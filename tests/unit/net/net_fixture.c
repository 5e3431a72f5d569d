
#include "tests/unit/net/net_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gateway/net/transfer_internal.h"
#include "saga/base/mem.h"

#define GUARD_MS 20000

void fixture_open(struct net_fixture *f)
{
	struct err err = { 0 };
	f->turns = 0;
	f->loop = loop_create(&err);
	assert_non_null(f->loop);
	f->transfer = transfer_create(f->loop, &err);
	if (f->transfer == NULL)
		print_error("%s\n", err.text);
	assert_non_null(f->transfer);
	f->port = transfer_transport(f->transfer);
	f->sink = sink_client_start(NULL);
}

void fixture_close(struct net_fixture *f)
{
	transfer_destroy(f->transfer);
	loop_destroy(f->loop);
	sink_client_stop(f->sink);
}

struct run_wait {
	struct net_fixture *f;
	const unsigned *calls;
	unsigned n;
	int64_t until_ms;
	bool late;
};

static void on_turn(void *ctx)
{
	struct run_wait *w = ctx;
	w->f->turns++;
	w->late = loop_now_ms(w->f->loop) >= w->until_ms;
	if ((w->calls != NULL && *w->calls >= w->n) || w->late)
		loop_stop(w->f->loop);
}

static bool run(struct net_fixture *f, const unsigned *calls, unsigned n, int64_t ms)
{
	struct run_wait w = { .f = f, .calls = calls, .n = n, .until_ms = INT64_MAX };
	loop_set_hook(f->loop, LOOP_DECIDE, on_turn, &w);
	loop_set_deadline_ms(f->loop, ms);
	/* loop_now_ms is as old as the last turn, which may be long ago */
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	w.until_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + ms;
	loop_run(f->loop);
	loop_set_hook(f->loop, LOOP_DECIDE, NULL, NULL);
	loop_set_deadline_ms(f->loop, -1);
	return !w.late;
}

void fixture_run_until(struct net_fixture *f, const unsigned *calls, unsigned n)
{
	bool in_time = run(f, calls, n, GUARD_MS);
	assert_true(in_time || *calls >= n);
}

uint64_t fixture_run_ms(struct net_fixture *f, int64_t ms)
{
	uint64_t before = f->turns;
	run(f, NULL, 0, ms);
	return f->turns - before;
}

size_t fixture_in_flight(const struct net_fixture *f)
{
	const struct exchange_list *const lists[] = { &f->transfer->running, &f->transfer->smtp_running,
												  &f->transfer->failed_locally };
	size_t count = 0;
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		const struct exchange *x;
		TAILQ_FOREACH(x, lists[i], link)
		count++;
	}
	return count;
}

struct transport_limits fixture_limits(int64_t timeout_ms)
{
	return (struct transport_limits){ .connect_timeout_ms = timeout_ms,
									  .timeout_ms = timeout_ms,
									  .reply_cap_bytes = 64 * 1024 };
}

struct almoner_text fixture_text(const char *text)
{
	return (struct almoner_text){ .p = text, .len = text != NULL ? strlen(text) : 0 };
}

static void on_done(void *ctx, const struct transport_result *result)
{
	struct exchange_result *o = ctx;
	o->calls++;
	o->verdict = result->verdict;
	o->duration_ms = result->duration_ms;
	memcpy(o->detail, result->detail, sizeof(o->detail));
	if (result->verdict != TRANSPORT_REPLY)
		return;
	const struct almoner_reply *reply = &result->reply;
	assert_int_equal(reply->body.p[reply->body.len], '\0');
	o->status = reply->status;
	o->body = mem_strndup(reply->body.p, reply->body.len);
	o->body_len = reply->body.len;
	o->truncated = reply->truncated != 0;
	o->retry_after_ms = reply->retry_after_ms;
	o->header_count = reply->header_count;
	for (size_t i = 0; i < reply->header_count; i++)
		if (strcmp(reply->headers[i].name.p, "X-Test") == 0)
			o->header_x = mem_strdup(reply->headers[i].value.p);
}

void *fixture_submit_http(struct net_fixture *f, const struct almoner_http *http,
						  struct transport_limits limits, struct exchange_result *outcome)
{
	const struct transport_request request = { .target = 1,
											   .kind = ALMONER_SEND_HTTP,
											   .http = http,
											   .limits = limits,
											   .ctx = outcome,
											   .done = on_done };
	void *handle = f->port.submit(f->port.ctx, &request);
	assert_non_null(handle);
	assert_int_equal(outcome->calls, 0); /* never from inside submit */
	return handle;
}

void *fixture_submit_mail(struct net_fixture *f, const struct almoner_mail *mail,
						  struct transport_limits limits, struct exchange_result *outcome)
{
	const struct transport_request request = { .target = 2,
											   .kind = ALMONER_SEND_MAIL,
											   .mail = mail,
											   .limits = limits,
											   .ctx = outcome,
											   .done = on_done };
	void *handle = f->port.submit(f->port.ctx, &request);
	assert_non_null(handle);
	assert_int_equal(outcome->calls, 0);
	return handle;
}

struct exchange_result fixture_http(struct net_fixture *f, const struct almoner_http *http,
									struct transport_limits limits)
{
	struct exchange_result outcome = { 0 };
	fixture_submit_http(f, http, limits, &outcome);
	fixture_run_until(f, &outcome.calls, 1);
	assert_int_equal(outcome.calls, 1);
	return outcome;
}

struct exchange_result fixture_mail(struct net_fixture *f, const struct almoner_mail *mail,
									struct transport_limits limits)
{
	struct exchange_result outcome = { 0 };
	fixture_submit_mail(f, mail, limits, &outcome);
	fixture_run_until(f, &outcome.calls, 1);
	assert_int_equal(outcome.calls, 1);
	return outcome;
}

struct exchange_result fixture_post(struct net_fixture *f, const char *path, const char *body,
									struct transport_limits limits)
{
	AUTO_FREE char *url = sink_client_url(f->sink, path);
	const struct almoner_http http = { .method = fixture_text("POST"),
									   .url = fixture_text(url),
									   .body = fixture_text(body) };
	return fixture_http(f, &http, limits);
}

void fixture_result_free(struct exchange_result *outcome)
{
	free(outcome->body);
	free(outcome->header_x);
	*outcome = (struct exchange_result){ 0 };
}

struct net_fixture net;

int fixture_setup(void **state)
{
	(void)state;
	fixture_open(&net);
	return 0;
}

int fixture_teardown(void **state)
{
	(void)state;
	fixture_close(&net);
	return 0;
}
