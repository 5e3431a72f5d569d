/* Exchanges that do not reach a target: refused connections, names that do not resolve, TLS that fails.
 * This program brings its own resolver, which can hang. */
#include "tests/unit/net/net_fixture.h"

#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/net/lookup.h"
#include "saga/base/mem.h"

static sem_t release;
static atomic_uint hanging;
static atomic_uint hung;

__attribute__((visibility("default"))) int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result);

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = NULL;
	void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
	memcpy(&real, &symbol, sizeof(real));
	if (node != NULL && strcmp(node, "nobody.test") == 0)
		return EAI_NONAME;
	if (node != NULL && strcmp(node, "hang.test") == 0) {
		hung++;
		hanging++;
		while (sem_wait(&release) != 0)
			continue;
		hanging--;
		return EAI_AGAIN;
	}
	return real(node, service, hints, result);
}

static int setup(void **state)
{
	(void)state;
	sem_init(&release, 0, 0);
	fixture_open(&net);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_close(&net);
	while (hanging > 0)
		sem_post(&release);
	return 0;
}

static struct exchange_result post_to(const char *url, struct transport_limits limits)
{
	const struct almoner_http http = { TEXT("POST"), fixture_text(url), NULL, 0, TEXT("x") };
	return fixture_http(&net, &http, limits);
}

/* A port on which no program listens. */
static unsigned closed_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	close(fd);
	return ntohs(address.sin_port);
}

static void a_closed_port(void **state)
{
	(void)state;
	AUTO_FREE char *url = mem_printf("http://127.0.0.1:%u/", closed_port());
	struct exchange_result o = post_to(url, fixture_limits(5000));
	assert_int_equal(o.verdict, TRANSPORT_UNREACHABLE);
	assert_non_null(strstr(o.detail, "not reached"));
}

static void an_unknown_host(void **state)
{
	(void)state;
	struct exchange_result o = post_to("http://nobody.test/", fixture_limits(5000));
	assert_int_equal(o.verdict, TRANSPORT_UNREACHABLE);
	assert_non_null(strstr(o.detail, "nobody.test"));
}

static void tls_to_a_peer_that_has_none(void **state)
{
	(void)state;
	AUTO_FREE char *url = mem_printf("https://127.0.0.1:%u/tls", net.sink->http_port);
	struct exchange_result o = post_to(url, fixture_limits(3000));
	assert_int_equal(o.verdict, TRANSPORT_UNREACHABLE);
	assert_int_equal(sink_client_counter(net.sink, "/tls", "requests"), 0);
}

/* The backlog has one place, which is taken: the kernel does not answer further connections. */
static void a_connection_that_is_never_accepted(void **state)
{
	(void)state;
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int fillers[8];
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 0), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	for (int i = 0; i < 8; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		int started = connect(fillers[i], (struct sockaddr *)&address, sizeof(address));
		(void)started; /* under way */
	}
	AUTO_FREE char *url = mem_printf("http://127.0.0.1:%u/", ntohs(address.sin_port));
	struct transport_limits limits = fixture_limits(10000);
	limits.connect_timeout_ms = 200;
	struct exchange_result o = post_to(url, limits);
	assert_int_equal(o.verdict, TRANSPORT_UNREACHABLE);
	assert_in_range(o.duration_ms, 190, 1500);
	for (int i = 0; i < 8; i++)
		close(fillers[i]);
	close(listener);
}

/* The resolver hangs: neither a time-out, nor a cancellation, nor the end of the transfer may wait for it. */
static void a_hanging_resolver_delays_no_other(void **state)
{
	(void)state;
	AUTO_FREE char *good_url = sink_client_url(net.sink, "/meanwhile");
	const struct almoner_http stuck = { TEXT("POST"), TEXT("http://hang.test/"), NULL, 0, TEXT("x") };
	const struct almoner_http good = { TEXT("POST"), fixture_text(good_url), NULL, 0, TEXT("x") };
	struct exchange_result timed_out = { 0 };
	struct exchange_result cancelled = { 0 };
	fixture_submit_http(&net, &stuck, fixture_limits(400), &timed_out);
	void *handle = fixture_submit_http(&net, &stuck, fixture_limits(60000), &cancelled);
	for (int i = 0; i < 20; i++) {
		struct exchange_result o = fixture_http(&net, &good, fixture_limits(5000));
		assert_int_equal(o.verdict, TRANSPORT_REPLY);
		assert_in_range(o.duration_ms, 0, 150);
		fixture_result_free(&o);
	}
	int64_t before_ms = loop_now_ms(net.loop);
	net.port.cancel(net.port.ctx, handle);
	fixture_run_ms(&net, 0);
	assert_in_range(loop_now_ms(net.loop) - before_ms, 0, 150);
	fixture_run_until(&net, &timed_out.calls, 1);
	assert_int_equal(timed_out.verdict, TRANSPORT_UNREACHABLE);
	assert_in_range(timed_out.duration_ms, 390, 800);
	assert_int_equal(cancelled.calls, 0);
	assert_int_equal(hung, 2);
	assert_int_equal(hanging, 2); /* the two look-ups still hang: nothing has waited for them */
}

/* Each look-up that was abandoned leaves a thread behind, so their number is bounded. */
static void lost_lookups_are_few(void **state)
{
	(void)state;
	struct transport_limits limits = fixture_limits(20);
	unsigned before = hung;
	struct almoner_mail mail = { .host = TEXT("hang.test"),
								 .port = 25,
								 .tls = ALMONER_TLS_NONE,
								 .from = TEXT("a@b.example"),
								 .to = TEXT("c@d.example"),
								 .message = TEXT("x\r\n") };
	struct exchange_result o = { 0 };
	for (int i = 0; i < 3 * LOOKUPS_LOST_MAX; i++) {
		o = i % 2 == 0 ? post_to("http://hang.test/", limits) : fixture_mail(&net, &mail, limits);
		assert_int_equal(o.verdict, TRANSPORT_UNREACHABLE);
	}
	assert_non_null(strstr(o.detail, "not answered"));
	assert_in_range(hung - before, LOOKUPS_LOST_MAX, 2 * LOOKUPS_LOST_MAX); /* two targets */
	o = post_to("http://hang.test/", limits);
	assert_non_null(strstr(o.detail, "not answered"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_closed_port),
		cmocka_unit_test(an_unknown_host),
		cmocka_unit_test(tls_to_a_peer_that_has_none),
		cmocka_unit_test(a_connection_that_is_never_accepted),
		cmocka_unit_test(a_hanging_resolver_delays_no_other),
		cmocka_unit_test(lost_lookups_are_few),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
