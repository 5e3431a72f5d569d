/* The intake server over real sockets. */
#include "tests/unit/intake/server_fixture.h"

#include "tests/support/thread_names.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "saga/base/clock.h"
#include "saga/base/mem.h"

#define OPEN "\"in\":{\"verify\":\"none\"}"
#define BODY "{\"id\":\"e1\",\"type\":\"t\"}"

static void accepts_and_answers(void **state)
{
	struct server_fixture d;
	struct reply r;
	(void)state;
	server_fixture_open(&d, OPEN, "", "", false);
	int fd = client_connect(&d);
	client_post(fd, "/in/in", "Content-Type: application/json\r\n", BODY);
	client_read(fd, &r);
	assert_int_equal(r.status, 202);
	assert_string_equal(r.body, "{\"saga\":1,\"unrouted\":true}");
	assert_non_null(strstr(r.text, "Content-Type: application/json\r\n"));
	client_post(fd, "/in/in", "", BODY);
	client_expect(fd, 200, "{\"saga\":1,\"duplicate\":true,\"unrouted\":true}");
	client_post(fd, "/in/in", "", "no json");
	client_expect(fd, 202, "{\"saga\":2,\"quarantined\":true}");
	assert_int_equal(server_fixture_count(&d, "in", INTAKE_ACCEPTED), 2);
	assert_int_equal(server_fixture_count(&d, "in", INTAKE_DUPLICATE), 1);
	assert_int_equal(server_fixture_count(&d, "in", INTAKE_QUARANTINED), 1);
	assert_int_equal(server_fixture_count(&d, "in", INTAKE_UNROUTED), 1);
	(void)close(fd);
	server_fixture_close(&d);
}

static void a_source_may_want_200(void **state)
{
	struct server_fixture d;
	(void)state;
	server_fixture_open(&d, "\"in\":{\"verify\":\"none\",\"answer\":200}", "", "", false);
	int fd = client_connect(&d);
	client_post(fd, "/in/in", "", BODY);
	client_expect(fd, 200, "{\"saga\":1,\"unrouted\":true}");
	(void)close(fd);
	server_fixture_close(&d);
}

static void wrong_paths(void **state)
{
	struct server_fixture d;
	struct reply r;
	(void)state;
	server_fixture_open(&d, OPEN ",\"held\":{\"verify\":\"none\",\"paused\":true}", "", "", false);
	int fd = client_connect(&d);
	client_send(fd, "GET /in/nobody HTTP/1.1\r\nHost: x\r\n\r\n");
	client_expect(fd, 404, "{\"error\":\"no such source\"}");
	client_send(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	client_expect(fd, 404, "{\"error\":\"nothing here\"}");
	client_send(fd, "GET /in/in HTTP/1.1\r\nHost: x\r\n\r\n");
	client_read(fd, &r);
	assert_int_equal(r.status, 405);
	assert_non_null(strstr(r.text, "Allow: POST\r\n"));
	(void)close(fd);
	fd = client_connect(&d);
	client_post(fd, "/in/nobody", "", BODY);
	client_expect(fd, 404, NULL);
	(void)close(fd);
	fd = client_connect(&d);
	client_post(fd, "/in/held", "", BODY);
	client_read(fd, &r);
	assert_int_equal(r.status, 503);
	assert_non_null(strstr(r.text, "Retry-After: 60\r\n"));
	(void)close(fd);
	server_fixture_close(&d);
}

static void health(void **state)
{
	struct server_fixture d;
	(void)state;
	server_fixture_open(&d, OPEN, "", "", false);
	int fd = client_connect(&d);
	client_send(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
	client_expect(fd, 200, "{\"alive\":true}");
	client_send(fd, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
	client_expect(fd, 200, "{\"ready\":true}");
	atomic_store(&d.not_ready, true);
	client_send(fd, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
	client_expect(fd, 503, "{\"ready\":false,\"why\":\"disk low\"}");
	client_send(fd, "DELETE /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
	client_expect(fd, 405, NULL);
	(void)close(fd);
	server_fixture_close(&d);
}

static void refuses_without_a_reason(void **state)
{
	struct server_fixture d;
	(void)state;
	server_fixture_open(&d, "\"in\":{\"preset\":\"github\",\"secrets\":[\"s\"]}", "", "", false);
	int fd = client_connect(&d);
	client_post(fd, "/in/in", "X-Hub-Signature-256: sha256=00\r\n", BODY);
	client_expect(fd, 401, "{\"error\":\"not verified\"}");
	client_post(fd, "/in/in", "", BODY);
	client_expect(fd, 401, "{\"error\":\"not verified\"}");
	assert_int_equal(server_fixture_count(&d, "in", INTAKE_UNVERIFIED), 2);
	assert_int_equal(atomic_load(&d.refusals), 2);
	assert_string_equal(d.last_address, "127.0.0.1");
	(void)close(fd);
	server_fixture_close(&d);
}

static void pipelined_and_chunked(void **state)
{
	struct server_fixture d;
	(void)state;
	server_fixture_open(&d, OPEN, "", "", false);
	int fd = client_connect(&d);
	client_send(fd,
				"POST /in/in HTTP/1.1\r\nHost: x\r\nContent-Length: 21\r\n\r\n{\"id\":\"a\",\"type\":\"t\"}"
				"POST /in/in HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
				"5\r\n{\"id\"\r\n10\r\n:\"b\",\"type\":\"t\"}\r\n0\r\n\r\n"
				"POST /in/in HTTP/1.1\r\nHost: x\r\nContent-Length: 21\r\n\r\n{\"id\":\"a\",\"type\":\"t\"}");
	client_expect(fd, 202, "{\"saga\":1,\"unrouted\":true}");
	client_expect(fd, 202, "{\"saga\":2,\"unrouted\":true}");
	client_expect(fd, 200, "{\"saga\":1,\"duplicate\":true,\"unrouted\":true}");
	(void)close(fd);
	server_fixture_close(&d);
}

/* limits.request_timeout is for arriving requests; a request that waits for its commit has
 * limits.commit_wait. */
static void late_commits_are_answered_503(void **state)
{
	struct server_fixture d;
	struct reply r;
	(void)state;
	server_fixture_open(&d, OPEN, "\"commit_wait\":\"5s\"", "", false);
	scripted_journal_mode(&d.script, JOURNAL_HOLD);
	int fd = client_connect(&d);
	client_post(fd, "/in/in", "", BODY);
	scripted_journal_wait_held(&d.script, 1);
	server_fixture_sweep(&d, 4999);
	assert_int_equal(intake_server_gauges(d.intake).waiting, 1);
	server_fixture_sweep(&d, 1);
	client_read(fd, &r);
	assert_int_equal(r.status, 503);
	assert_non_null(strstr(r.text, "Retry-After: 5\r\n"));
	assert_string_equal(r.body, "{\"error\":\"not recorded in time, send it again\"}");
	assert_int_equal(server_fixture_count(&d, "in", INTAKE_LATE), 1);
	/* The commit comes late; the sender's retry is answered as a duplicate. */
	scripted_journal_release(&d.script);
	scripted_journal_mode(&d.script, JOURNAL_COMMIT);
	client_post(fd, "/in/in", "", BODY);
	client_expect(fd, 200, "{\"saga\":1,\"duplicate\":true,\"unrouted\":true}");
	(void)close(fd);
	server_fixture_close(&d);
}

static void a_full_log_is_503(void **state)
{
	struct server_fixture d;
	struct reply r;
	(void)state;
	server_fixture_open(&d, OPEN, "", "", false);
	scripted_journal_mode(&d.script, JOURNAL_REJECT);
	int fd = client_connect(&d);
	client_post(fd, "/in/in", "", BODY);
	client_read(fd, &r);
	assert_int_equal(r.status, 503);
	assert_non_null(strstr(r.text, "Retry-After: 5\r\n"));
	scripted_journal_mode(&d.script, JOURNAL_COMMIT);
	client_post(fd, "/in/in", "", BODY);
	client_expect(fd, 202, NULL);
	(void)close(fd);
	server_fixture_close(&d);
}

static void senders_that_leave(void **state)
{
	struct server_fixture d;
	(void)state;
	server_fixture_open(&d, OPEN, "", "", false);
	scripted_journal_mode(&d.script, JOURNAL_HOLD);
	for (size_t i = 0; i < 20; i++) {
		char *body AUTO_FREE = mem_printf("{\"id\":\"%zu\",\"type\":\"t\"}", i);
		int fd = client_connect(&d);
		client_post(fd, "/in/in", "", body);
		scripted_journal_wait_held(&d.script, i + 1);
		/* A reset instead of an orderly end: the answer cannot be delivered. */
		const struct linger hard = { .l_onoff = 1 };
		assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
		(void)close(fd);
	}
	scripted_journal_release(&d.script);
	assert_int_equal(server_fixture_count(&d, "in", INTAKE_ACCEPTED), 20);
	scripted_journal_mode(&d.script, JOURNAL_COMMIT);
	int fd = client_connect(&d);
	client_post(fd, "/in/in", "", BODY);
	client_expect(fd, 202, "{\"saga\":21,\"unrouted\":true}");
	(void)close(fd);
	server_fixture_close(&d);
}

static void new_rules_for_new_requests(void **state)
{
	struct server_fixture d;
	struct err err = { 0 };
	(void)state;
	server_fixture_open(&d, "\"old\":{\"verify\":\"none\",\"answer\":200}", "", "", false);
	scripted_journal_mode(&d.script, JOURNAL_HOLD);
	int fd = client_connect(&d), other = client_connect(&d);
	client_post(fd, "/in/old", "", BODY);
	scripted_journal_wait_held(&d.script, 1);
	struct config *config = server_fixture_config("\"new\":{\"verify\":\"none\"}", "", "");
	assert_int_equal(intake_server_set_config(d.intake, config, &err), 0);
	config_unref(config);
	scripted_journal_mode(&d.script, JOURNAL_COMMIT);
	client_expect(fd, 200,
				  "{\"saga\":1,\"unrouted\":true}"); /* by the rules of the moment when the request began */
	client_post(other, "/in/new", "", "{\"id\":\"n\",\"type\":\"t\"}");
	client_expect(other, 202, NULL);
	client_post(fd, "/in/old", "", BODY);
	client_expect(fd, 404, NULL);
	assert_int_equal(server_fixture_count(&d, "old", INTAKE_ACCEPTED), 1);
	assert_int_equal(server_fixture_count(&d, "new", INTAKE_ACCEPTED), 1);
	(void)close(fd);
	(void)close(other);
	server_fixture_close(&d);
}

/* libmicrohttpd aborts when it is stopped while a connection is suspended. */
static void stopping_with_waiting_senders(void **state)
{
	struct server_fixture d;
	int fds[8];
	(void)state;
	server_fixture_open(&d, OPEN, "", "", false);
	scripted_journal_mode(&d.script, JOURNAL_HOLD);
	for (size_t i = 0; i < 8; i++) {
		char *body AUTO_FREE = mem_printf("{\"id\":\"%zu\",\"type\":\"t\"}", i);
		fds[i] = client_connect(&d);
		client_post(fds[i], "/in/in", "", body);
	}
	int idle = client_connect(&d);
	client_send(idle, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
	client_expect(idle, 200, NULL);
	scripted_journal_wait_held(&d.script, 8);
	intake_server_quiesce(d.intake);
	intake_server_quiesce(d.intake);
	client_post(idle, "/in/in", "", BODY);
	client_expect(idle, 503, "{\"error\":\"stopping\"}");
	int late = client_connect(&d);
	assert_true(client_closed(late)); /* new connections are refused */
	(void)close(late);
	/* The journal commits what it has: every sender gets its answer. */
	scripted_journal_release(&d.script);
	assert_true(intake_server_wait_idle(d.intake, 10000));
	for (size_t i = 0; i < 8; i++) {
		client_expect(fds[i], 202, NULL);
		(void)close(fds[i]);
	}
	(void)close(idle);
	server_fixture_close(&d);
}

/* 'S' in its state: the main thread, whose number is that of the process, waits. */
static bool main_thread_waits(void)
{
	char path[64], text[256] = "";
	snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)getpid());
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof text, file));
	assert_int_equal(fclose(file), 0);
	const char *name_end = strrchr(text, ')');
	return name_end != NULL && name_end[2] == 'S';
}

static void *release_when_waiting(void *arg)
{
	while (!main_thread_waits())
		sched_yield();
	scripted_journal_release(arg);
	return NULL;
}

/* The wait ends with the last answer, not with its time. */
static void the_last_answer_ends_the_wait(void **state)
{
	struct server_fixture d;
	pthread_t journal;
	(void)state;
	server_fixture_open(&d, OPEN, "", "", false);
	scripted_journal_mode(&d.script, JOURNAL_HOLD);
	int fd = client_connect(&d);
	client_post(fd, "/in/in", "", BODY);
	scripted_journal_wait_held(&d.script, 1);
	assert_int_equal(pthread_create(&journal, NULL, release_when_waiting, &d.script), 0);
	int64_t began_ms = clock_monotonic_ms();
	assert_true(intake_server_wait_idle(d.intake, 20000));
	assert_in_range(clock_monotonic_ms() - began_ms, 0, 10000);
	assert_int_equal(pthread_join(journal, NULL), 0);
	client_expect(fd, 202, NULL);
	(void)close(fd);
	server_fixture_close(&d);
}

/* If the journal never commits, the senders get a 503; a commit after that does no harm. */
static void stopping_without_the_log(void **state)
{
	struct server_fixture d;
	int fds[8];
	(void)state;
	server_fixture_open(&d, OPEN, "", "", false);
	scripted_journal_mode(&d.script, JOURNAL_HOLD);
	for (size_t i = 0; i < 8; i++) {
		char *body AUTO_FREE = mem_printf("{\"id\":\"%zu\",\"type\":\"t\"}", i);
		fds[i] = client_connect(&d);
		client_post(fds[i], "/in/in", "", body);
	}
	scripted_journal_wait_held(&d.script, 8);
	intake_server_quiesce(d.intake);
	assert_false(intake_server_wait_idle(d.intake, 1));
	for (size_t i = 0; i < 8; i++)
		client_expect(fds[i], 503, NULL);
	server_fixture_close(&d); /* stops the server, then commits what was held */
	for (size_t i = 0; i < 8; i++)
		(void)close(fds[i]);
}

/* With own_sweep the server's own thread keeps the deadlines. */
static void its_own_sweeper(void **state)
{
	struct server_fixture d;
	(void)state;
	server_fixture_open(&d, OPEN, "\"request_timeout\":\"1s\",\"commit_wait\":\"1s\"", "", true);
	assert_true(thread_name_appears("sweeper"));
	scripted_journal_mode(&d.script, JOURNAL_HOLD);
	int slow = client_connect(&d), waiting = client_connect(&d);
	client_send(slow, "POST /in/in HT");
	client_post(waiting, "/in/in", "", BODY);
	client_expect(waiting, 503, NULL);
	assert_true(client_closed(slow));
	(void)close(slow);
	(void)close(waiting);
	server_fixture_close(&d);
}

struct sender {
	struct server_fixture *fixture;
	unsigned number;
	unsigned answered;
};

static void *send_many(void *arg)
{
	struct sender *s = arg;
	int fd = client_connect(s->fixture);
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
	struct server_fixture d;
	struct sender senders[16];
	pthread_t threads[16];
	(void)state;
	server_fixture_open(&d, OPEN, "", "", true);
	for (unsigned i = 0; i < 16; i++) {
		senders[i] = (struct sender){ &d, i, 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, send_many, &senders[i]), 0);
	}
	for (unsigned i = 0; i < 16; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(senders[i].answered, 30);
	}
	assert_int_equal(server_fixture_count(&d, "in", INTAKE_ACCEPTED), 480);
	server_fixture_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_and_answers),
		cmocka_unit_test(a_source_may_want_200),
		cmocka_unit_test(wrong_paths),
		cmocka_unit_test(health),
		cmocka_unit_test(refuses_without_a_reason),
		cmocka_unit_test(pipelined_and_chunked),
		cmocka_unit_test(late_commits_are_answered_503),
		cmocka_unit_test(a_full_log_is_503),
		cmocka_unit_test(senders_that_leave),
		cmocka_unit_test(new_rules_for_new_requests),
		cmocka_unit_test(stopping_with_waiting_senders),
		cmocka_unit_test(the_last_answer_ends_the_wait),
		cmocka_unit_test(stopping_without_the_log),
		cmocka_unit_test(its_own_sweeper),
		cmocka_unit_test(many_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
