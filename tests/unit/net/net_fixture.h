/* A loop, a transfer and a sink; requests run to their end. */
#ifndef ALMONER_TEST_NET_FIXTURE_H
#define ALMONER_TEST_NET_FIXTURE_H

/* cmocka.h needs these headers before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/net/loop.h"
#include "gateway/net/transfer.h"
#include "tests/support/sink_client.h"

/* A struct almoner_text of a string literal. */
#define TEXT(literal) ((struct almoner_text){ .p = (literal), .len = sizeof(literal) - 1 })

struct net_fixture {
	struct loop *loop;
	struct transfer *transfer;
	struct transport port;
	struct sink_child *sink;
	uint64_t turns; /* of the loop, while the fixture ran it */
};

/* The result of a request; owns its copies. */
struct exchange_result {
	unsigned calls;
	enum transport_verdict verdict;
	uint32_t status;
	char *body;
	size_t body_len;
	bool truncated;
	size_t header_count;
	char *header_x; /* value of the reply's X-Test, NULL without one */
	int64_t retry_after_ms;
	int64_t duration_ms;
	char detail[200];
};

void fixture_open(struct net_fixture *f);
void fixture_close(struct net_fixture *f);

/* Runs the loop until `*calls` has reached `n`; fails the test after 20 s. */
void fixture_run_until(struct net_fixture *f, const unsigned *calls, unsigned n);
/* Runs the loop for `ms` milliseconds; returns how many turns the loop took. */
uint64_t fixture_run_ms(struct net_fixture *f, int64_t ms);
/* Exchanges that were submitted and are neither delivered nor cancelled. */
size_t fixture_in_flight(const struct net_fixture *f);

struct transport_limits fixture_limits(int64_t timeout_ms);
struct almoner_text fixture_text(const char *text);

void *fixture_submit_http(struct net_fixture *f, const struct almoner_http *http,
						  struct transport_limits limits, struct exchange_result *outcome);
void *fixture_submit_mail(struct net_fixture *f, const struct almoner_mail *mail,
						  struct transport_limits limits, struct exchange_result *outcome);

/* POST of `body` to a path of the sink, to its end. Free with fixture_result_free. */
struct exchange_result fixture_post(struct net_fixture *f, const char *path, const char *body,
									struct transport_limits limits);
struct exchange_result fixture_http(struct net_fixture *f, const struct almoner_http *http,
									struct transport_limits limits);
struct exchange_result fixture_mail(struct net_fixture *f, const struct almoner_mail *mail,
									struct transport_limits limits);
void fixture_result_free(struct exchange_result *outcome);

/* What most test programs use: one loop, transfer and receiver for each test. */
extern struct net_fixture net;
int fixture_setup(void **state);
int fixture_teardown(void **state);

#endif
