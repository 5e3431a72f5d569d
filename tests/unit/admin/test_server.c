/* The API over a real unix socket: bodies, streams, streams that fail, clients that hang up. */
#include "tests/unit/admin/admin_fixture.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/admin/server.h"
#include "gateway/net/http_call.h"
#include "saga/base/mem.h"

struct server_fixture {
	struct admin_fixture *journal_fixture;
	struct admin_server *server;
	char *path;
};

static int setup(void **state)
{
	struct server_fixture *s = mem_zalloc(sizeof *s);
	void *journal_fixture = NULL;
	if (admin_fixture_setup(&journal_fixture) != 0)
		return -1;
	s->journal_fixture = journal_fixture;
	s->path = mem_printf("%s/a.sock", s->journal_fixture->journal_fixture->dir);
	*state = s;
	return 0;
}

static void serve(struct server_fixture *s)
{
	char *items[] = { s->path };
	struct err err = { 0 };
	struct config_list paths = { items, 1 };
	if (admin_server_start(&s->journal_fixture->api, &paths, &s->server, &err) != 0)
		fail_msg("%s", err.text);
}

static int teardown(void **state)
{
	struct server_fixture *s = *state;
	admin_server_stop(s->server);
	assert_int_equal(access(s->path, F_OK), -1);
	void *journal_fixture = s->journal_fixture;
	free(s->path);
	free(s);
	return admin_fixture_teardown(&journal_fixture);
}

struct received_lines {
	size_t lines;
	size_t enough; /* the client hangs up after this many lines */
	char last[4096];
};

static int on_line(void *ctx, struct str text)
{
	struct received_lines *got = ctx;
	got->lines++;
	size_t len = text.len < sizeof got->last - 1 ? text.len : sizeof got->last - 1;
	memcpy(got->last, text.p, len);
	got->last[len] = '\0';
	return got->enough != 0 && got->lines == got->enough;
}

static unsigned call(struct server_fixture *s, const char *method, const char *path, struct str body,
					 struct received_lines *got)
{
	char *url AUTO_FREE = mem_printf("http://almoner%s", path);
	unsigned status = 0;
	struct err err = { 0 };
	int rc = http_call(&(struct http_call){ .socket_path = s->path,
											.method = method,
											.url = url,
											.body = body,
											.timeout_ms = 30000,
											.line_ctx = got,
											.line = on_line },
					   &status, &err);
	if (rc != 0)
		fail_msg("%s", err.text);
	return status;
}

static void make_sagas(struct server_fixture *s, int count)
{
	fixture_use_plan(s->journal_fixture->journal_fixture, "crm", POLICY_CONTINUE);
	for (int n = 0; n < count; n++) {
		char id[16];
		snprintf(id, sizeof id, "e%d", n);
		fixture_finish(s->journal_fixture->journal_fixture,
					   fixture_accept_id(s->journal_fixture->journal_fixture, id), CRM, OUTCOME_OK);
	}
}

static void streams_and_bodies(void **state)
{
	struct server_fixture *s = *state;
	make_sagas(s, 300);
	admin_fixture_thread(s->journal_fixture);
	serve(s);
	struct received_lines got = { 0 };
	assert_int_equal(call(s, "GET", "/v1/sagas", STR(""), &got), 200);
	assert_int_equal(got.lines, 300);
	got = (struct received_lines){ .enough = 3 }; /* the client hangs up in the middle of the stream */
	assert_int_equal(call(s, "GET", "/v1/sagas", STR(""), &got), 200);
	got = (struct received_lines){ 0 };
	assert_int_equal(call(s, "POST", "/v1/targets/crm/pause", STR("{\"reason\":\"t\"}"), &got), 200);
	got = (struct received_lines){ 0 };
	assert_int_equal(call(s, "GET", "/v1/log", STR(""), &got), 200);
	char who[32];
	snprintf(who, sizeof who, "uid %u", getuid());
	assert_non_null(strstr(got.last, who)); /* the uid of the peer is the actor */
	got = (struct received_lines){ 0 };
	assert_int_equal(call(s, "GET", "/v1/sagas?donor=a%26state%3Dx", STR(""), &got), 200);
	assert_int_equal(got.lines, 0); /* the query is cut at "&" before it is decoded */
}

static void too_large(void **state)
{
	struct server_fixture *s = *state;
	admin_fixture_thread(s->journal_fixture);
	serve(s);
	size_t len = ((size_t)1 << 20) + 1;
	char *body AUTO_FREE = mem_alloc(len);
	memset(body, ' ', len);
	struct received_lines got = { 0 };
	assert_int_equal(call(s, "POST", "/v1/sagas/1/resume", (struct str){ body, len }, &got), 413);
	assert_non_null(strstr(got.last, "1 MiB"));
}

static int (*real_list)(void *ctx, const struct saga_filter *filter, int64_t before, int64_t budget_ms,
						struct saga **sagas, size_t capacity, size_t *ret, int64_t *ret_next,
						struct err *err);

static int failing_list(void *ctx, const struct saga_filter *filter, int64_t before, int64_t budget_ms,
						struct saga **sagas, size_t capacity, size_t *ret, int64_t *ret_next, struct err *err)
{
	if (before != INT64_MAX)
		return err_set(err, ERR_IO, "the disk \xff is gone");
	return real_list(ctx, filter, before, budget_ms, sagas, capacity, ret, ret_next, err);
}

static int open_failing_reader(void *ctx, struct store_reader *ret, struct err *err)
{
	struct admin_fixture *a = ctx;
	int rc = store_sqlite_open_reader(a->journal_fixture->path, NULL, ret, err);
	if (rc == 0) {
		real_list = ret->saga_list;
		ret->saga_list = failing_list;
	}
	return rc;
}

/* A stream that fails after some rows: the status was sent already, so the error is the last line. */
static void broken_stream(void **state)
{
	struct server_fixture *s = *state;
	make_sagas(s, 100);
	s->journal_fixture->api.open_reader = open_failing_reader;
	admin_fixture_thread(s->journal_fixture);
	serve(s);
	struct received_lines got = { 0 };
	assert_int_equal(call(s, "GET", "/v1/sagas", STR(""), &got), 200);
	assert_true(got.lines > 1 && got.lines < 100);
	assert_string_equal(got.last, "{\"error\":\"the disk ? is gone\"}");
}

static int connected(const struct server_fixture *s)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	memcpy(to.sun_path, s->path, strlen(s->path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

static void ask_too_much(const struct server_fixture *s)
{
	struct buf ask = { 0 };
	buf_text(&ask, "GET /v1/status?");
	for (size_t i = 0; i < 3000; i++)
		buf_text(&ask, "a=b&");
	buf_text(&ask, " HTTP/1.1\r\nHost: a\r\n\r\n");
	int fd = connected(s);
	assert_int_equal(send(fd, ask.data, ask.len, MSG_NOSIGNAL), (ssize_t)ask.len);
	buf_free(&ask);
	char reply[512];
	while (recv(fd, reply, sizeof reply, 0) > 0)
		;
	close(fd);
}

/* More arguments than libmicrohttpd has memory for: it ends the connection, and no memory is lost. */
static void endless_query(void **state)
{
	struct server_fixture *s = *state;
	admin_fixture_thread(s->journal_fixture);
	serve(s);
	for (size_t i = 0; i < 20; i++)
		ask_too_much(s);
	size_t before = mallinfo2().uordblks;
	for (size_t i = 0; i < 100; i++)
		ask_too_much(s);
	size_t after = mallinfo2().uordblks;
	assert_true(after < before + ((size_t)256 << 10));
	struct received_lines got = { 0 };
	assert_int_equal(call(s, "GET", "/v1/status", STR(""), &got), 200);
}

/* Clients that connect and send nothing, or stop in the middle, must not keep the server from stopping. */
static void silent_clients(void **state)
{
	struct server_fixture *s = *state;
	make_sagas(s, 300);
	admin_fixture_thread(s->journal_fixture);
	serve(s);
	int clients[8];
	for (size_t i = 0; i < 8; i++) {
		clients[i] = connected(s);
		static const char ask[] = "GET /v1/log HTTP/1.1\r\nHost: a\r\n\r\n";
		size_t len = i % 2 == 0 ? 0 : i % 4 == 1 ? 10 : sizeof ask - 1;
		assert_int_equal(write(clients[i], ask, len), (ssize_t)len);
	}
	admin_server_stop(s->server);
	s->server = NULL;
	for (size_t i = 0; i < 8; i++)
		close(clients[i]);
}

static void two_servers(void **state)
{
	struct server_fixture *s = *state;
	serve(s);
	struct admin_server *second = NULL;
	char *items[] = { s->path };
	struct err err = { 0 };
	struct config_list paths = { items, 1 };
	assert_int_equal(admin_server_start(&s->journal_fixture->api, &paths, &second, &err), ERR_BUSY);
	char *many[9];
	for (size_t i = 0; i < 9; i++)
		many[i] = s->path;
	paths = (struct config_list){ many, 9 };
	assert_int_equal(admin_server_start(&s->journal_fixture->api, &paths, &second, &err), ERR_INVALID);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { T(streams_and_bodies), T(too_large),      T(broken_stream),
										T(endless_query),      T(silent_clients), T(two_servers) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
