/* A loop, a transfer and a sink; requests are carried out to their end. */
#ifndef ALMONER_TEST_NET_FIXTURE_H
#define ALMONER_TEST_NET_FIXTURE_H

#include "gateway/net/loop.h"
#include "gateway/net/transfer.h"
#include "tests/lib/sink_client.h"

struct net {
	struct loop *loop;
	struct transfer *transfer;
	struct transport port;
	struct sink_child *sink;
};

/* What came of a request; owns its copies. */
struct outcome {
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

void net_open(struct net *net);
void net_close(struct net *net);

/* Runs the loop until `*calls` has reached `n`; fails the test after 20 s. */
void net_run_until(struct net *net, const unsigned *calls, unsigned n);
/* Runs it for so many milliseconds; returns the turns it took. */
uint64_t net_run_ms(struct net *net, int64_t ms);

struct transport_limits net_limits(int64_t timeout_ms);
struct almoner_text net_text(const char *text);

void *net_submit_http(struct net *net, const struct almoner_http *http, struct transport_limits limits,
					  struct outcome *outcome);
void *net_submit_mail(struct net *net, const struct almoner_mail *mail, struct transport_limits limits,
					  struct outcome *outcome);

/* POST of `body` to a path of the sink, to its end. Free with outcome_free. */
struct outcome net_post(struct net *net, const char *path, const char *body, struct transport_limits limits);
struct outcome net_http(struct net *net, const struct almoner_http *http, struct transport_limits limits);
struct outcome net_mail(struct net *net, const struct almoner_mail *mail, struct transport_limits limits);
void outcome_free(struct outcome *outcome);

#endif
