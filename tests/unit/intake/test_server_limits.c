/* The limits of the intake server over real sockets: sizes, times, numbers. */
#include "tests/unit/intake/server_fixture.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "saga/base/mem.h"

#define OPEN "\"in\":{\"verify\":\"none\"}"
#define BODY "{\"id\":\"e1\",\"type\":\"t\"}"

static void too_large(void **state)
{
	struct server_fixture d;
	(void)state;
	server_fixture_open(&d, OPEN, "\"body\":\"1KiB\"", "", false);
	/* The announced length is too large. */
	int fd = client_connect(&d);
	client_send(fd, "POST /in/in HTTP/1.1\r\nHost: x\r\nContent-Length: 1025\r\n\r\n");
	client_expect(fd, 413, "{\"error\":\"too large\"}");
	assert_true(client_closed(fd)); /* at once, although the server still reads for a while */
	(void)close(fd);
	/* The body is too large, without an announced length. */
	fd = client_connect(&d);
	client_send(fd, "POST /in/in HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
	char chunk[600] = "200\r\n";
	memset(chunk + 5, ' ', 512);
	memcpy(chunk + 517, "\r\n", 3);
	for (int i = 0; i < 3; i++)
		client_send(fd, chunk);
	client_send(fd, "0\r\n\r\n");
	client_expect(fd, 413, "{\"error\":\"too large\"}");
	(void)close(fd);
	/* A body without end is cut off. */
	fd = client_connect(&d);
	client_send(fd, "POST /in/in HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 2000; i++)
		client_send(fd, chunk);
	assert_true(client_closed(fd));
	(void)close(fd);
	assert_int_equal(server_fixture_count(&d, "in", INTAKE_TOO_LARGE), 2);
	/* A body of exactly the limit is accepted. */
	char body[1025];
	memset(body, ' ', 1024);
	memcpy(body, BODY, sizeof BODY - 1);
	body[1024] = '\0';
	fd = client_connect(&d);
	client_post(fd, "/in/in", "", body);
	client_expect(fd, 202, NULL);
	(void)close(fd);
	server_fixture_close(&d);
}

static void header_floods(void **state)
{
	struct server_fixture d;
	struct reply r;
	(void)state;
	server_fixture_open(&d, OPEN, "\"headers\":\"16KiB\"", "", false);
	AUTO_BUF struct buf big = { 0 };
	buf_text(&big, "POST /in/in HTTP/1.1\r\nHost: x\r\n");
	for (int i = 0; i < 4000; i++)
		buf_printf(&big, "X-Flood-%d: %040d\r\n", i, i);
	int fd = client_connect(&d);
	client_send(fd, big.data);
	client_read(fd, &r);
	if (r.status != 0)
		assert_int_equal(r.status, 431);
	(void)close(fd);
	/* A header line without end. */
	buf_clear(&big);
	buf_text(&big, "GET /");
	for (int i = 0; i < 100000; i++)
		buf_byte(&big, 'a');
	fd = client_connect(&d);
	client_send(fd, big.data);
	client_read(fd, &r);
	assert_true(r.status == 0 || r.status == 414 || r.status == 431);
	(void)close(fd);
	fd = client_connect(&d);
	client_post(fd, "/in/in", "", BODY);
	client_expect(fd, 202, NULL);
	(void)close(fd);
	server_fixture_close(&d);
}

/* A sender of one byte a second: libmicrohttpd's own time-out would never end it, because each byte starts
 * it again. */
static void slow_senders_lose_their_socket(void **state)
{
	static const char *const starts[] = { "", "POST /in/in HTTP/1.1\r\nX-Slow: ",
										  "POST /in/in HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{" };
	struct server_fixture d;
	(void)state;
	server_fixture_open(&d, OPEN, "\"request_timeout\":\"30s\"", "", false);
	for (size_t i = 0; i < 3; i++) {
		int fd = client_connect(&d);
		client_send(fd, starts[i]);
		/* The answer to another request shows that the server has seen this connection. */
		int other = client_connect(&d);
		client_post(other, "/in/in", "", BODY);
		client_expect(other, i == 0 ? 202 : 200, NULL);
		(void)close(other);
		while (intake_server_gauges(d.intake).connections == 0)
			(void)sched_yield();
		for (int s = 0; s < 29; s++) {
			client_send(fd, i == 0 ? "" : "x");
			server_fixture_sweep(&d, 1000);
		}
		assert_int_equal(send(fd, "x", i > 0, MSG_NOSIGNAL), i > 0);
		server_fixture_sweep(&d, 2000);
		assert_true(client_closed(fd));
		(void)close(fd);
	}
	assert_true(server_fixture_count(&d, "", INTAKE_SLOW) >= 3);
	server_fixture_close(&d);
}

static void wait_reading(struct server_fixture *d, int64_t bytes)
{
	while (intake_server_gauges(d->intake).reading_bytes != bytes)
		(void)sched_yield();
}

/* Bodies that are arriving take memory, so their sum is bounded. */
static void bodies_under_way_have_a_cap(void **state)
{
	enum { PART = 512 * 1024 - 16 };
	struct server_fixture d;
	struct reply r;
	int fds[2];
	(void)state;
	server_fixture_open(&d, OPEN, "\"body\":\"512KiB\",\"queue_bytes\":\"1MiB\"", "", false);
	AUTO_BUF struct buf half = { 0 };
	buf_printf(&half, "POST /in/in HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", PART + 16);
	for (int i = 0; i < PART; i++)
		buf_byte(&half, ' ');
	for (int i = 0; i < 2; i++) {
		fds[i] = client_connect(&d);
		client_send(fds[i], half.data);
		wait_reading(&d, (int64_t)PART * (i + 1));
	}
	int fd = client_connect(&d);
	client_post(fd, "/in/in", "", BODY "                     ");
	client_read(fd, &r);
	assert_int_equal(r.status, 503);
	assert_non_null(strstr(r.text, "Retry-After: "));
	wait_reading(&d, (int64_t)PART * 2); /* a rejected body takes no memory */
	/* A request that was cut off and one that was accepted both free their memory. */
	(void)close(fds[0]);
	wait_reading(&d, PART);
	client_send(fds[1], "{\"id\":\"0123456\"");
	client_send(fds[1], "}");
	client_read(fds[1], &r);
	wait_reading(&d, 0);
	client_post(fd, "/in/in", "", BODY);
	client_expect(fd, 202, NULL);
	wait_reading(&d, 0);
	(void)close(fds[1]);
	(void)close(fd);
	server_fixture_close(&d);
}

static void the_quarantine_has_a_cap(void **state)
{
	struct server_fixture d;
	(void)state;
	server_fixture_open(&d, OPEN, "\"quarantine_cap\":10", "", false);
	atomic_store(&d.quarantined, 10);
	int fd = client_connect(&d);
	client_post(fd, "/in/in", "", "garbage");
	client_expect(fd, 503, NULL);
	client_post(fd, "/in/in", "", BODY); /* usable events are still accepted */
	client_expect(fd, 202, NULL);
	(void)close(fd);
	server_fixture_close(&d);
}

static void connections_per_address(void **state)
{
	struct server_fixture d;
	int fds[4];
	(void)state;
	server_fixture_open(&d, OPEN, "\"connections\":3", "", false);
	for (int i = 0; i < 3; i++) {
		fds[i] = client_connect(&d);
		client_send(fds[i], "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
		client_expect(fds[i], 200, NULL);
	}
	fds[3] = client_connect(&d);
	assert_true(client_closed(fds[3]));
	assert_int_equal(server_fixture_count(&d, "", INTAKE_BUSY), 1);
	/* When one connection is closed another is accepted, once the server has seen the end of the first. */
	(void)close(fds[0]);
	(void)close(fds[3]);
	while (intake_server_gauges(d.intake).connections > 2)
		(void)sched_yield();
	fds[0] = client_connect(&d);
	client_send(fds[0], "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
	client_expect(fds[0], 200, NULL);
	for (int i = 0; i < 3; i++)
		(void)close(fds[i]);
	server_fixture_close(&d);
}

static void senders_behind_a_proxy(void **state)
{
	struct server_fixture d;
	int fds[4];
	(void)state;
	server_fixture_open(&d, OPEN, "\"connections\":2", ",\"trusted_proxies\":[\"127.0.0.0/8\"]", false);
	scripted_journal_mode(&d.script, JOURNAL_HOLD);
	for (size_t i = 0; i < 4; i++)
		fds[i] = client_connect(&d); /* connections of the proxy itself are not limited */
	for (size_t i = 0; i < 2; i++) {
		char *body AUTO_FREE = mem_printf("{\"id\":\"%zu\",\"type\":\"t\"}", i);
		client_post(fds[i], "/in/in", "X-Forwarded-For: 203.0.113.5\r\n", body);
		scripted_journal_wait_held(&d.script, i + 1);
	}
	client_post(fds[2], "/in/in", "X-Forwarded-For: 203.0.113.5\r\n", BODY);
	client_expect(fds[2], 503, "{\"error\":\"too many requests from this address\"}");
	assert_string_equal(d.last_address, "203.0.113.5");
	client_post(fds[3], "/in/in", "X-Forwarded-For: 203.0.113.6\r\n", BODY);
	scripted_journal_wait_held(&d.script, 3);
	scripted_journal_release(&d.script);
	client_expect(fds[0], 202, NULL);
	client_expect(fds[1], 202, NULL);
	client_expect(fds[3], 202, NULL);
	/* The sender's share is free again. */
	scripted_journal_mode(&d.script, JOURNAL_COMMIT);
	client_post(fds[0], "/in/in", "X-Forwarded-For: 203.0.113.5\r\n", BODY);
	client_expect(fds[0], 200, NULL);
	for (size_t i = 0; i < 4; i++)
		(void)close(fds[i]);
	server_fixture_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(too_large),
		cmocka_unit_test(header_floods),
		cmocka_unit_test(slow_senders_lose_their_socket),
		cmocka_unit_test(bodies_under_way_have_a_cap),
		cmocka_unit_test(the_quarantine_has_a_cap),
		cmocka_unit_test(connections_per_address),
		cmocka_unit_test(senders_behind_a_proxy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
