/* A peer that sends bytes without a request: bytes on an idle connection must never be taken for the
 * answer to the next request. The peer runs in a thread of this program. */
#include "tests/unit/net/net_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "saga/base/mem.h"

#define TEXT(literal)  ((struct almoner_text){ .p = (literal), .len = sizeof(literal) - 1 })
#define REPLY(word)    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" word
#define SEND(fd, text) assert_int_equal(send((fd), (text), strlen(text), MSG_NOSIGNAL), strlen(text))

static struct {
	int listener;
	unsigned port;
	pthread_t thread;
	const char *unrequested; /* sent on the first connection when `send_now` is posted; NULL: closed */
	sem_t send_now;
	sem_t sent;
	atomic_uint connections;
	atomic_uint requests;
} peer;

/* The body of each request is "x". */
static bool read_request(int fd)
{
	char text[4096];
	size_t len = 0;
	while (len < sizeof(text) - 1) {
		ssize_t n = recv(fd, text + len, sizeof(text) - 1 - len, 0);
		if (n <= 0)
			return false;
		len += (size_t)n;
		text[len] = '\0';
		const char *blank = strstr(text, "\r\n\r\n");
		if (blank != NULL && blank[4] == 'x')
			return true;
	}
	return false;
}

static void serve_first(int fd)
{
	if (!read_request(fd))
		return;
	peer.requests++;
	SEND(fd, REPLY("first"));
	sem_wait(&peer.send_now);
	if (peer.unrequested != NULL)
		SEND(fd, peer.unrequested);
	else
		shutdown(fd, SHUT_WR);
	sem_post(&peer.sent);
	while (read_request(fd)) /* counted and never answered */
		peer.requests++;
}

static void *serve(void *ctx)
{
	(void)ctx;
	int fd = accept(peer.listener, NULL, NULL);
	peer.connections++;
	serve_first(fd);
	close(fd);
	fd = accept(peer.listener, NULL, NULL);
	peer.connections++;
	if (read_request(fd)) {
		peer.requests++;
		SEND(fd, REPLY("again"));
	}
	close(fd);
	return NULL;
}

static void start_peer(const char *unrequested)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	peer.unrequested = unrequested;
	peer.connections = 0;
	peer.requests = 0;
	assert_int_equal(sem_init(&peer.send_now, 0, 0), 0);
	assert_int_equal(sem_init(&peer.sent, 0, 0), 0);
	peer.listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(peer.listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(peer.listener, 16), 0);
	assert_int_equal(getsockname(peer.listener, (struct sockaddr *)&address, &len), 0);
	peer.port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&peer.thread, NULL, serve, NULL), 0);
}

static void expect_answer(struct net_fixture *f, const char *body)
{
	AUTO_FREE char *url = mem_printf("http://127.0.0.1:%u/x", peer.port);
	const struct almoner_http http = { TEXT("POST"), fixture_text(url), NULL, 0, TEXT("x") };
	struct exchange_result o = fixture_http(f, &http, fixture_limits(5000));
	assert_int_equal(o.verdict, TRANSPORT_REPLY);
	assert_string_equal(o.body, body);
	fixture_result_free(&o);
}

static void the_next_request_is_not_answered_by(const char *unrequested)
{
	struct net_fixture f;
	start_peer(unrequested);
	fixture_open(&f);
	expect_answer(&f, "first");
	sem_post(&peer.send_now);
	sem_wait(&peer.sent);
	fixture_run_ms(&f, 50); /* the loop sees the bytes */
	expect_answer(&f, "again");
	assert_int_equal(peer.connections, 2);
	fixture_close(&f);
	pthread_join(peer.thread, NULL);
	close(peer.listener);
	assert_int_equal(peer.requests, 2);
}

static void an_unrequested_reply(void **state)
{
	(void)state;
	the_next_request_is_not_answered_by(REPLY("wrong"));
}

/* Many servers end an idle connection like this. */
static void an_unrequested_408(void **state)
{
	(void)state;
	the_next_request_is_not_answered_by("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
}

static void a_closed_connection(void **state)
{
	(void)state;
	the_next_request_is_not_answered_by(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unrequested_reply),
		cmocka_unit_test(an_unrequested_408),
		cmocka_unit_test(a_closed_connection),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
