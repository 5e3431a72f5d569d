/* http_call gives whole lines, in whatever pieces the answer arrives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/net/http_call.h"
#include "saga/base/mem.h"

/* Answers one request with `text`, `piece` bytes at a time, then closes. */
struct fake_server {
	int listener;
	uint16_t port;
	pthread_t thread;
	const char *text;
	size_t len, piece;
};

static void *run_server(void *ctx)
{
	struct fake_server *t = ctx;
	int fd = accept(t->listener, NULL, NULL);
	char asked[4096];
	(void)!recv(fd, asked, sizeof asked, 0);
	int one = 1;
	setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &one, sizeof one);
	for (size_t sent = 0; sent < t->len;) {
		size_t len = t->len - sent < t->piece ? t->len - sent : t->piece;
		ssize_t n = send(fd, t->text + sent, len, MSG_NOSIGNAL);
		if (n <= 0)
			break;
		sent += (size_t)n;
	}
	close(fd);
	return NULL;
}

static void begin(struct fake_server *t, const char *text, size_t len, size_t piece)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	*t = (struct fake_server){
		.listener = socket(AF_INET, SOCK_STREAM, 0), .text = text, .len = len, .piece = piece
	};
	assert_int_equal(bind(t->listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(t->listener, 1), 0);
	assert_int_equal(getsockname(t->listener, (struct sockaddr *)&address, &size), 0);
	t->port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&t->thread, NULL, run_server, t), 0);
}

static void end(struct fake_server *t)
{
	pthread_join(t->thread, NULL);
	close(t->listener);
}

struct received_lines {
	struct buf lines; /* the lines, joined by "|" */
	size_t count, stop_at;
};

static int on_line(void *ctx, struct str text)
{
	struct received_lines *g = ctx;
	if (g->count++ > 0)
		buf_byte(&g->lines, '|');
	buf_add(&g->lines, text.p, text.len);
	return g->stop_at != 0 && g->count == g->stop_at;
}

static int fetch(const struct fake_server *t, struct received_lines *g, unsigned *ret_status, struct err *err)
{
	char *url AUTO_FREE = mem_printf("http://127.0.0.1:%u/x", t->port);
	return http_call(
		&(struct http_call){
			.method = "GET", .url = url, .timeout_ms = 30000, .line_ctx = g, .line = on_line },
		ret_status, err);
}

#define HEAD "HTTP/1.1 207 Odd\r\nConnection: close\r\n\r\n"

static void any_pieces(void **state)
{
	(void)state;
	static const struct {
		const char *body, *lines;
		size_t count;
	} cases[] = { { "", "", 0 },
				  { "a\n", "a", 1 },
				  { "a", "a", 1 },
				  { "a\nbb\nccc\n", "a|bb|ccc", 3 },
				  { "a\n\nb", "a||b", 3 },
				  { "\n", "", 1 },
				  { "one\r\ntwo\n", "one\r|two", 2 } };
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (size_t piece = 1; piece < 9; piece += 3) {
			char *text AUTO_FREE = mem_printf("%s%s", HEAD, cases[i].body);
			struct fake_server t;
			struct received_lines g = { 0 };
			unsigned status = 0;
			begin(&t, text, strlen(text), piece);
			assert_int_equal(fetch(&t, &g, &status, NULL), 0);
			end(&t);
			assert_int_equal(status, 207);
			assert_int_equal(g.count, cases[i].count);
			assert_string_equal(g.lines.data != NULL ? g.lines.data : "", cases[i].lines);
			buf_free(&g.lines);
		}
	}
}

static void breaking_off(void **state)
{
	(void)state;
	struct fake_server t;
	struct received_lines g = { .stop_at = 2 };
	unsigned status = 0;
	static const char text[] = HEAD "a\nb\nc\nd\n";
	begin(&t, text, sizeof text - 1, sizeof text);
	assert_int_equal(fetch(&t, &g, &status, NULL), 0);
	end(&t);
	assert_string_equal(g.lines.data, "a|b");
	buf_free(&g.lines);
}

static void a_long_line(void **state)
{
	(void)state;
	size_t len = (size_t)8 << 20;
	char *text AUTO_FREE = mem_alloc(len);
	memset(text, 'x', len);
	memcpy(text, HEAD, strlen(HEAD));
	text[len - 1] = '\n';
	struct fake_server t;
	struct received_lines g = { 0 };
	unsigned status = 0;
	begin(&t, text, len, len);
	assert_int_equal(fetch(&t, &g, &status, NULL), 0);
	end(&t);
	assert_int_equal(g.count, 1);
	assert_int_equal(g.lines.len, len - strlen(HEAD) - 1);
	buf_free(&g.lines);
}

/* A line that is longer than the limit is an error; no part of it is given as a line. */
static void too_long_a_line(void **state)
{
	(void)state;
	for (int ended = 0; ended < 2; ended++) {
		size_t len = ((size_t)64 << 20) + 4096;
		char *text AUTO_FREE = mem_alloc(len);
		memset(text, 'x', len);
		memcpy(text, HEAD, strlen(HEAD));
		text[len - 1] = ended == 1 ? '\n' : 'x';
		struct fake_server t;
		struct received_lines g = { 0 };
		unsigned status = 0;
		struct err err = { 0 };
		begin(&t, text, len, len);
		assert_int_equal(fetch(&t, &g, &status, &err), ERR_TOO_BIG);
		end(&t);
		assert_int_equal(g.count, 0);
		assert_non_null(strstr(err.text, "64 MiB"));
	}
}

static void no_server(void **state)
{
	(void)state;
	struct err err = { 0 };
	unsigned status;
	assert_int_equal(http_call(&(struct http_call){ .socket_path = "/tmp/almoner-no-such.sock",
													.method = "GET",
													.url = "http://a/",
													.timeout_ms = 5000 },
							   &status, &err),
					 ERR_CLOSED);
	assert_non_null(strstr(err.text, "almoner-no-such.sock"));
	struct fake_server t; /* accepts a connection and closes it without an answer */
	struct received_lines g = { 0 };
	begin(&t, "", 0, 1);
	assert_int_equal(fetch(&t, &g, &status, &err), ERR_IO);
	end(&t);
	static const char cut[] = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf a line";
	begin(&t, cut, sizeof cut - 1, 7);
	assert_int_equal(fetch(&t, &g, &status, &err), ERR_IO);
	end(&t);
	assert_int_equal(g.count, 0); /* an incomplete line is not given */
	buf_free(&g.lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(any_pieces), cmocka_unit_test(breaking_off),
										cmocka_unit_test(a_long_line), cmocka_unit_test(too_long_a_line),
										cmocka_unit_test(no_server) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
