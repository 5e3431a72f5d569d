/* The door over real sockets. */
#include "tests/unit/intake/door_fixture.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "saga/base/mem.h"

#define OPEN "\"in\":{\"verify\":\"none\"}"
#define BODY "{\"id\":\"e1\",\"type\":\"t\"}"

static void expect(int fd, int status, const char *body)
{
	struct reply r;
	client_read(fd, &r);
	if (r.status != status || (body != NULL && strcmp(r.body != NULL ? r.body : "", body) != 0))
		fail_msg("wanted %d %s, got %s", status, body != NULL ? body : "", r.text);
}

static void accepts_and_answers(void **state)
{
	struct door d;
	struct reply r;
	(void)state;
	door_open(&d, OPEN, "", "", false);
	int fd = client_connect(&d);
	client_post(fd, "/in/in", "Content-Type: application/json\r\n", BODY);
	client_read(fd, &r);
	assert_int_equal(r.status, 202);
	assert_string_equal(r.body, "{\"saga\":1,\"unrouted\":true}");
	assert_non_null(strstr(r.text, "Content-Type: application/json\r\n"));
	client_post(fd, "/in/in", "", BODY);
	expect(fd, 200, "{\"saga\":1,\"duplicate\":true,\"unrouted\":true}");
	client_post(fd, "/in/in", "", "no json");
	expect(fd, 202, "{\"saga\":2,\"quarantined\":true}");
	assert_int_equal(door_count(&d, "in", INTAKE_ACCEPTED), 2);
	assert_int_equal(door_count(&d, "in", INTAKE_DUPLICATE), 1);
	assert_int_equal(door_count(&d, "in", INTAKE_QUARANTINED), 1);
	assert_int_equal(door_count(&d, "in", INTAKE_UNROUTED), 1);
	(void)close(fd);
	door_close(&d);
}

static void a_source_may_want_200(void **state)
{
	struct door d;
	(void)state;
	door_open(&d, "\"in\":{\"verify\":\"none\",\"answer\":200}", "", "", false);
	int fd = client_connect(&d);
	client_post(fd, "/in/in", "", BODY);
	expect(fd, 200, "{\"saga\":1,\"unrouted\":true}");
	(void)close(fd);
	door_close(&d);
}

static void wrong_doors(void **state)
{
	struct door d;
	struct reply r;
	(void)state;
	door_open(&d, OPEN ",\"held\":{\"verify\":\"none\",\"paused\":true}", "", "", false);
	int fd = client_connect(&d);
	client_send(fd, "GET /in/nobody HTTP/1.1\r\nHost: x\r\n\r\n");
	expect(fd, 404, "{\"error\":\"no such source\"}");
	client_send(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	expect(fd, 404, "{\"error\":\"nothing here\"}");
	client_send(fd, "GET /in/in HTTP/1.1\r\nHost: x\r\n\r\n");
	client_read(fd, &r);
	assert_int_equal(r.status, 405);
	assert_non_null(strstr(r.text, "Allow: POST\r\n"));
	(void)close(fd);
	fd = client_connect(&d);
	client_post(fd, "/in/nobody", "", BODY);
	expect(fd, 404, NULL);
	(void)close(fd);
	fd = client_connect(&d);
	client_post(fd, "/in/held", "", BODY);
	client_read(fd, &r);
	assert_int_equal(r.status, 503);
	assert_non_null(strstr(r.text, "Retry-After: 60\r\n"));
	(void)close(fd);
	door_close(&d);
}

static void health(void **state)
{
	struct door d;
	(void)state;
	door_open(&d, OPEN, "", "", false);
	int fd = client_connect(&d);
	client_send(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
	expect(fd, 200, "{\"alive\":true}");
	client_send(fd, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
	expect(fd, 200, "{\"ready\":true}");
	atomic_store(&d.not_ready, true);
	client_send(fd, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
	expect(fd, 503, "{\"ready\":false,\"why\":\"disk low\"}");
	client_send(fd, "DELETE /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
	expect(fd, 405, NULL);
	(void)close(fd);
	door_close(&d);
}

static void refuses_without_a_reason(void **state)
{
	struct door d;
	(void)state;
	door_open(&d, "\"in\":{\"preset\":\"github\",\"secrets\":[\"s\"]}", "", "", false);
	int fd = client_connect(&d);
	client_post(fd, "/in/in", "X-Hub-Signature-256: sha256=00\r\n", BODY);
	expect(fd, 401, "{\"error\":\"not verified\"}");
	client_post(fd, "/in/in", "", BODY);
	expect(fd, 401, "{\"error\":\"not verified\"}");
	assert_int_equal(door_count(&d, "in", INTAKE_UNVERIFIED), 2);
	assert_int_equal(atomic_load(&d.refusals), 2);
	assert_string_equal(d.last_address, "127.0.0.1");
	(void)close(fd);
	door_close(&d);
}

static void pipelined_and_chunked(void **state)
{
	struct door d;
	(void)state;
	door_open(&d, OPEN, "", "", false);
	int fd = client_connect(&d);
	client_send(fd,
				"POST /in/in HTTP/1.1\r\nHost: x\r\nContent-Length: 21\r\n\r\n{\"id\":\"a\",\"type\":\"t\"}"
				"POST /in/in HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
				"5\r\n{\"id\"\r\n10\r\n:\"b\",\"type\":\"t\"}\r\n0\r\n\r\n"
				"POST /in/in HTTP/1.1\r\nHost: x\r\nContent-Length: 21\r\n\r\n{\"id\":\"a\",\"type\":\"t\"}");
	expect(fd, 202, "{\"saga\":1,\"unrouted\":true}");
	expect(fd, 202, "{\"saga\":2,\"unrouted\":true}");
	expect(fd, 200, "{\"saga\":1,\"duplicate\":true,\"unrouted\":true}");
	(void)close(fd);
	door_close(&d);
}

static void too_large(void **state)
{
	struct door d;
	(void)state;
	door_open(&d, OPEN, "\"body\":\"1KiB\"", "", false);
	/* By what it says … */
	int fd = client_connect(&d);
	client_send(fd, "POST /in/in HTTP/1.1\r\nHost: x\r\nContent-Length: 1025\r\n\r\n");
	expect(fd, 413, "{\"error\":\"too large\"}");
	(void)close(fd);
	/* … by what comes … */
	fd = client_connect(&d);
	client_send(fd, "POST /in/in HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
	char chunk[600] = "200\r\n";
	memset(chunk + 5, ' ', 512);
	memcpy(chunk + 517, "\r\n", 3);
	for (int i = 0; i < 3; i++)
		client_send(fd, chunk);
	client_send(fd, "0\r\n\r\n");
	expect(fd, 413, "{\"error\":\"too large\"}");
	(void)close(fd);
	/* … and nobody reads for ever. */
	fd = client_connect(&d);
	client_send(fd, "POST /in/in HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 2000; i++)
		client_send(fd, chunk);
	assert_true(client_closed(fd));
	(void)close(fd);
	assert_int_equal(door_count(&d, "in", INTAKE_TOO_LARGE), 2);
	/* Exactly the limit is fine. */
	char body[1025];
	memset(body, ' ', 1024);
	memcpy(body, BODY, sizeof BODY - 1);
	body[1024] = '\0';
	fd = client_connect(&d);
	client_post(fd, "/in/in", "", body);
	expect(fd, 202, NULL);
	(void)close(fd);
	door_close(&d);
}

static void header_floods(void **state)
{
	struct door d;
	struct reply r;
	(void)state;
	door_open(&d, OPEN, "\"headers\":\"16KiB\"", "", false);
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
	/* One endless line. */
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
	expect(fd, 202, NULL);
	(void)close(fd);
	door_close(&d);
}

/* A byte a second would never time out in the library: each one starts its clock anew. */
static void slow_senders_lose_their_socket(void **state)
{
	static const char *const starts[] = { "", "POST /in/in HTTP/1.1\r\nX-Slow: ",
										  "POST /in/in HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{" };
	struct door d;
	(void)state;
	door_open(&d, OPEN, "\"request_timeout\":\"30s\"", "", false);
	for (size_t i = 0; i < 3; i++) {
		int fd = client_connect(&d);
		client_send(fd, starts[i]);
		/* Another one's answer shows that the server has seen this one. */
		int other = client_connect(&d);
		client_post(other, "/in/in", "", BODY);
		expect(other, i == 0 ? 202 : 200, NULL);
		(void)close(other);
		while (intake_gauges(d.intake).connections == 0)
			(void)sched_yield();
		for (int s = 0; s < 29; s++) {
			client_send(fd, i == 0 ? "" : "x");
			door_sweep(&d, 1000);
		}
		assert_int_equal(send(fd, "x", i > 0, MSG_NOSIGNAL), i > 0);
		door_sweep(&d, 2000);
		assert_true(client_closed(fd));
		(void)close(fd);
	}
	assert_true(door_count(&d, "", INTAKE_SLOW) >= 3);
	door_close(&d);
}

/* The deadline is for requests; who waits for the commit waits for us. */
static void late_commits_are_answered_503(void **state)
{
	struct door d;
	struct reply r;
	(void)state;
	door_open(&d, OPEN, "\"commit_wait\":\"5s\"", "", false);
	script_mode(&d.script, LOG_HOLD);
	int fd = client_connect(&d);
	client_post(fd, "/in/in", "", BODY);
	script_wait_held(&d.script, 1);
	door_sweep(&d, 4999);
	assert_int_equal(intake_gauges(d.intake).waiting, 1);
	door_sweep(&d, 1);
	client_read(fd, &r);
	assert_int_equal(r.status, 503);
	assert_non_null(strstr(r.text, "Retry-After: 5\r\n"));
	assert_string_equal(r.body, "{\"error\":\"not recorded in time, send it again\"}");
	assert_int_equal(door_count(&d, "in", INTAKE_LATE), 1);
	/* The commit comes after all; the sender comes again and is told. */
	script_release(&d.script);
	script_mode(&d.script, LOG_COMMIT);
	client_post(fd, "/in/in", "", BODY);
	expect(fd, 200, "{\"saga\":1,\"duplicate\":true,\"unrouted\":true}");
	(void)close(fd);
	door_close(&d);
}

static void a_full_log_is_503(void **state)
{
	struct door d;
	struct reply r;
	(void)state;
	door_open(&d, OPEN, "", "", false);
	script_mode(&d.script, LOG_REFUSE);
	int fd = client_connect(&d);
	client_post(fd, "/in/in", "", BODY);
	client_read(fd, &r);
	assert_int_equal(r.status, 503);
	assert_non_null(strstr(r.text, "Retry-After: 5\r\n"));
	script_mode(&d.script, LOG_COMMIT);
	client_post(fd, "/in/in", "", BODY);
	expect(fd, 202, NULL);
	(void)close(fd);
	door_close(&d);
}

static void the_quarantine_has_a_cap(void **state)
{
	struct door d;
	(void)state;
	door_open(&d, OPEN, "\"quarantine_cap\":10", "", false);
	atomic_store(&d.quarantined, 10);
	int fd = client_connect(&d);
	client_post(fd, "/in/in", "", "garbage");
	expect(fd, 503, NULL);
	client_post(fd, "/in/in", "", BODY); /* what is usable still gets in */
	expect(fd, 202, NULL);
	(void)close(fd);
	door_close(&d);
}

static void senders_that_leave(void **state)
{
	struct door d;
	(void)state;
	door_open(&d, OPEN, "", "", false);
	script_mode(&d.script, LOG_HOLD);
	for (size_t i = 0; i < 20; i++) {
		char *body AUTO_FREE = mem_printf("{\"id\":\"%zu\",\"type\":\"t\"}", i);
		int fd = client_connect(&d);
		client_post(fd, "/in/in", "", body);
		script_wait_held(&d.script, i + 1);
		/* A reset, not a polite end: the answer has nowhere to go. */
		const struct linger hard = { .l_onoff = 1 };
		assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
		(void)close(fd);
	}
	script_release(&d.script);
	assert_int_equal(door_count(&d, "in", INTAKE_ACCEPTED), 20);
	script_mode(&d.script, LOG_COMMIT);
	int fd = client_connect(&d);
	client_post(fd, "/in/in", "", BODY);
	expect(fd, 202, "{\"saga\":21,\"unrouted\":true}");
	(void)close(fd);
	door_close(&d);
}

static void connections_per_address(void **state)
{
	struct door d;
	int fds[4];
	(void)state;
	door_open(&d, OPEN, "\"connections\":3", "", false);
	for (int i = 0; i < 3; i++) {
		fds[i] = client_connect(&d);
		client_send(fds[i], "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
		expect(fds[i], 200, NULL);
	}
	fds[3] = client_connect(&d);
	assert_true(client_closed(fds[3]));
	assert_int_equal(door_count(&d, "", INTAKE_BUSY), 1);
	/* One goes, another may come: as soon as the server has seen it go. */
	(void)close(fds[0]);
	(void)close(fds[3]);
	while (intake_gauges(d.intake).connections > 2)
		(void)sched_yield();
	fds[0] = client_connect(&d);
	client_send(fds[0], "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
	expect(fds[0], 200, NULL);
	for (int i = 0; i < 3; i++)
		(void)close(fds[i]);
	door_close(&d);
}

static void senders_behind_a_proxy(void **state)
{
	struct door d;
	int fds[4];
	(void)state;
	door_open(&d, OPEN, "\"connections\":2", ",\"trusted_proxies\":[\"127.0.0.0/8\"]", false);
	script_mode(&d.script, LOG_HOLD);
	for (size_t i = 0; i < 4; i++)
		fds[i] = client_connect(&d); /* the proxy itself is not capped */
	for (size_t i = 0; i < 2; i++) {
		char *body AUTO_FREE = mem_printf("{\"id\":\"%zu\",\"type\":\"t\"}", i);
		client_post(fds[i], "/in/in", "X-Forwarded-For: 203.0.113.5\r\n", body);
		script_wait_held(&d.script, i + 1);
	}
	client_post(fds[2], "/in/in", "X-Forwarded-For: 203.0.113.5\r\n", BODY);
	expect(fds[2], 503, "{\"error\":\"too many requests from this address\"}");
	assert_string_equal(d.last_address, "203.0.113.5");
	client_post(fds[3], "/in/in", "X-Forwarded-For: 203.0.113.6\r\n", BODY);
	script_wait_held(&d.script, 3);
	script_release(&d.script);
	expect(fds[0], 202, NULL);
	expect(fds[1], 202, NULL);
	expect(fds[3], 202, NULL);
	/* Their share is free again. */
	script_mode(&d.script, LOG_COMMIT);
	client_post(fds[0], "/in/in", "X-Forwarded-For: 203.0.113.5\r\n", BODY);
	expect(fds[0], 200, NULL);
	for (size_t i = 0; i < 4; i++)
		(void)close(fds[i]);
	door_close(&d);
}

static void new_rules_for_new_requests(void **state)
{
	struct door d;
	struct err err = { 0 };
	(void)state;
	door_open(&d, "\"old\":{\"verify\":\"none\",\"answer\":200}", "", "", false);
	script_mode(&d.script, LOG_HOLD);
	int fd = client_connect(&d), other = client_connect(&d);
	client_post(fd, "/in/old", "", BODY);
	script_wait_held(&d.script, 1);
	struct config *config = door_config("\"new\":{\"verify\":\"none\"}", "", "");
	assert_int_equal(intake_set_config(d.intake, config, &err), 0);
	config_unref(config);
	script_mode(&d.script, LOG_COMMIT);
	expect(fd, 200, "{\"saga\":1,\"unrouted\":true}"); /* as it was when it came */
	client_post(other, "/in/new", "", "{\"id\":\"n\",\"type\":\"t\"}");
	expect(other, 202, NULL);
	client_post(fd, "/in/old", "", BODY);
	expect(fd, 404, NULL);
	assert_int_equal(door_count(&d, "old", INTAKE_ACCEPTED), 1);
	assert_int_equal(door_count(&d, "new", INTAKE_ACCEPTED), 1);
	(void)close(fd);
	(void)close(other);
	door_close(&d);
}

/* The library aborts when it is stopped while a connection is suspended. */
static void stopping_with_waiting_senders(void **state)
{
	struct door d;
	int fds[8];
	(void)state;
	door_open(&d, OPEN, "", "", false);
	script_mode(&d.script, LOG_HOLD);
	for (size_t i = 0; i < 8; i++) {
		char *body AUTO_FREE = mem_printf("{\"id\":\"%zu\",\"type\":\"t\"}", i);
		fds[i] = client_connect(&d);
		client_post(fds[i], "/in/in", "", body);
	}
	int idle = client_connect(&d);
	client_send(idle, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
	expect(idle, 200, NULL);
	script_wait_held(&d.script, 8);
	intake_quiesce(d.intake);
	intake_quiesce(d.intake);
	client_post(idle, "/in/in", "", BODY);
	expect(idle, 503, "{\"error\":\"stopping\"}");
	/* The log is flushed: everybody is told what became of their event. */
	script_release(&d.script);
	assert_true(intake_wait_idle(d.intake, 10000));
	for (size_t i = 0; i < 8; i++) {
		expect(fds[i], 202, NULL);
		(void)close(fds[i]);
	}
	(void)close(idle);
	door_close(&d);
}

/* And if the log never answers, they are told to come again; what it says after that hurts nobody. */
static void stopping_without_the_log(void **state)
{
	struct door d;
	int fds[8];
	(void)state;
	door_open(&d, OPEN, "", "", false);
	script_mode(&d.script, LOG_HOLD);
	for (size_t i = 0; i < 8; i++) {
		char *body AUTO_FREE = mem_printf("{\"id\":\"%zu\",\"type\":\"t\"}", i);
		fds[i] = client_connect(&d);
		client_post(fds[i], "/in/in", "", body);
	}
	script_wait_held(&d.script, 8);
	intake_quiesce(d.intake);
	assert_false(intake_wait_idle(d.intake, 1));
	for (size_t i = 0; i < 8; i++)
		expect(fds[i], 503, NULL);
	door_close(&d); /* stops, then commits what was held */
	for (size_t i = 0; i < 8; i++)
		(void)close(fds[i]);
}

/* The server's own thread keeps the deadlines when asked to. */
static void its_own_sweeper(void **state)
{
	struct door d;
	(void)state;
	door_open(&d, OPEN, "\"request_timeout\":\"1s\",\"commit_wait\":\"1s\"", "", true);
	script_mode(&d.script, LOG_HOLD);
	int slow = client_connect(&d), waiting = client_connect(&d);
	client_send(slow, "POST /in/in HT");
	client_post(waiting, "/in/in", "", BODY);
	expect(waiting, 503, NULL);
	assert_true(client_closed(slow));
	(void)close(slow);
	(void)close(waiting);
	door_close(&d);
}

struct sender {
	struct door *door;
	unsigned number;
	unsigned answered;
};

static void *send_many(void *arg)
{
	struct sender *s = arg;
	int fd = client_connect(s->door);
	for (unsigned i = 0; i < 30; i++) {
		struct reply r;
		char *body AUTO_FREE = mem_printf("{\"id\":\"%u-%u\",\"type\":\"t\"}", s->number, i);
		client_post(fd, "/in/in", "", body);
		client_read(fd, &r);
		s->answered += r.status == 202;
	}
	(void)close(fd);
	return NULL;
}

static void many_at_once(void **state)
{
	struct door d;
	struct sender senders[16];
	pthread_t threads[16];
	(void)state;
	door_open(&d, OPEN, "", "", true);
	for (unsigned i = 0; i < 16; i++) {
		senders[i] = (struct sender){ &d, i, 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, send_many, &senders[i]), 0);
	}
	for (unsigned i = 0; i < 16; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(senders[i].answered, 30);
	}
	assert_int_equal(door_count(&d, "in", INTAKE_ACCEPTED), 480);
	door_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_and_answers),
		cmocka_unit_test(a_source_may_want_200),
		cmocka_unit_test(wrong_doors),
		cmocka_unit_test(health),
		cmocka_unit_test(refuses_without_a_reason),
		cmocka_unit_test(pipelined_and_chunked),
		cmocka_unit_test(too_large),
		cmocka_unit_test(header_floods),
		cmocka_unit_test(slow_senders_lose_their_socket),
		cmocka_unit_test(late_commits_are_answered_503),
		cmocka_unit_test(a_full_log_is_503),
		cmocka_unit_test(the_quarantine_has_a_cap),
		cmocka_unit_test(senders_that_leave),
		cmocka_unit_test(connections_per_address),
		cmocka_unit_test(senders_behind_a_proxy),
		cmocka_unit_test(new_rules_for_new_requests),
		cmocka_unit_test(stopping_with_waiting_senders),
		cmocka_unit_test(stopping_without_the_log),
		cmocka_unit_test(its_own_sweeper),
		cmocka_unit_test(many_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
