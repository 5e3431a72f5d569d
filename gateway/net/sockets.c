/* libcurl stops watching a connection after each request and watches it again for the next one. Passed on
 * to the kernel, that would cost a system call each time. So a connection that has carried a request stays
 * watched for reading until it is closed, also while it is idle.
 *
 * If an idle connection becomes readable, the peer has closed it, or has sent bytes that no request asked
 * for: many servers end an idle connection with a 408. libcurl 7.88 would take those bytes for the answer
 * to the next request. So this file shuts the connection down; libcurl notices that when it wants to use
 * it again.
 *
 * Only established connections are treated this way, because libcurl closes them through on_close. libcurl
 * closes a socket that never carried a request, and the resolver's sockets, without calling on_close; so
 * those are watched exactly as libcurl asks. */
#include "gateway/net/sockets.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/net/exchange.h"
#include "gateway/net/lookup.h"
#include "gateway/net/loop.h"
#include "saga/base/mem.h"

struct socket_slot {
	struct loop_io *io;
	unsigned watched_events;
	bool idle; /* no request of libcurl uses the connection at present */
};

struct sockets {
	struct loop *loop;
	CURLM *multi;
	struct socket_slot *slots; /* indexed by descriptor */
	size_t slot_count;
};

static struct socket_slot *slot_of(struct sockets *s, curl_socket_t fd)
{
	assert(fd >= 0);
	size_t index = (size_t)fd;
	if (index >= s->slot_count) {
		size_t count = index < 32 ? 64 : index * 2;
		s->slots = mem_grow(s->slots, count * sizeof(*s->slots));
		for (size_t i = s->slot_count; i < count; i++)
			s->slots[i] = (struct socket_slot){ 0 };
		s->slot_count = count;
	}
	return &s->slots[index];
}

static void slot_close(struct socket_slot *slot)
{
	loop_io_remove(slot->io);
	*slot = (struct socket_slot){ 0 };
}

/* An idle connection became readable. Peeks first: libcurl may have read the bytes in the same turn, as
 * the end of the reply, and then the connection is good. */
static void close_idle(struct socket_slot *slot, int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	shutdown(fd, SHUT_RDWR); /* shutdown fails only if the connection is closed already */
	loop_io_set(slot->io, 0);
	slot->watched_events = 0;
}

static void on_io(void *ctx, int fd, unsigned events)
{
	struct sockets *s = ctx;
	struct socket_slot *slot = slot_of(s, fd);
	if (slot->idle) {
		close_idle(slot, fd);
		return;
	}
	int mask = ((events & LOOP_READ) != 0 ? CURL_CSELECT_IN : 0) |
			   ((events & LOOP_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
	int running = 0;
	CURLMcode code = curl_multi_socket_action(s->multi, fd, mask, &running);
	assert(code == CURLM_OK);
}

static void set_events(struct sockets *s, struct socket_slot *slot, curl_socket_t fd, unsigned events)
{
	if (slot->io == NULL)
		slot->io = loop_io_add(s->loop, fd, events, on_io, s);
	else if (slot->watched_events != events)
		loop_io_set(slot->io, events);
	slot->watched_events = events;
}

/* Has libcurl sent, or been about to send, a request over the connection that `easy` uses? */
static bool is_established(CURL *easy)
{
	struct exchange *x = NULL;
	CURLcode code = curl_easy_getinfo(easy, CURLINFO_PRIVATE, &x);
	return code == CURLE_OK && x != NULL && x->connected;
}

/* libcurl no longer watches the socket: either its connection is idle now, or it was never established. */
static void release_socket(struct sockets *s, struct socket_slot *slot, CURL *easy, curl_socket_t fd)
{
	if (!is_established(easy)) {
		slot_close(slot);
		return;
	}
	slot->idle = true;
	if (slot->io != NULL && slot->watched_events != LOOP_READ)
		set_events(s, slot, fd, LOOP_READ);
}

/* libcurl asks to watch a socket for other events, or to stop watching it. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
	(void)socket_ctx;
	struct sockets *s = ctx;
	struct socket_slot *slot = slot_of(s, fd);
	if (what == CURL_POLL_REMOVE) {
		release_socket(s, slot, easy, fd);
		return 0;
	}
	slot->idle = false;
	set_events(s, slot, fd,
			   ((what & CURL_POLL_IN) != 0 ? LOOP_READ : 0u) |
				   ((what & CURL_POLL_OUT) != 0 ? LOOP_WRITE : 0u));
	return 0;
}

/* The receive buffer, and so the most that one connection can bring into one turn of the loop. With the
 * kernel's own size a target that sends without end fills megabytes, which are all read in one turn while
 * the other targets wait. Measured by ten_gigabytes in tests/bench/neighbours.py. */
#define RECEIVE_BYTES 65536

/* libcurl opens a connection for this exchange, so a look-up of the name, if one was needed, was answered. */
static curl_socket_t on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
	(void)purpose;
	struct exchange *x = ctx;
	x->connected = false;
	if (x->looking_up)
		lookups_answered(x->lookups);
	x->looking_up = false;
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	if (fd < 0)
		return CURL_SOCKET_BAD;
	const int bytes = RECEIVE_BYTES;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) != 0) {
		close(fd);
		return CURL_SOCKET_BAD;
	}
	/* The kernel reuses descriptors: what the slot says is about an earlier socket. Normally on_close has
	 * cleared the slot already. */
	slot_close(slot_of(x->sockets, fd));
	return fd;
}

/* `ctx` is the sockets and not the exchange, because a connection may outlive the exchange that opened it. */
static int on_close(void *ctx, curl_socket_t fd)
{
	struct sockets *s = ctx;
	slot_close(slot_of(s, fd));
	return close(fd);
}

struct sockets *sockets_create(struct loop *loop, CURLM *multi)
{
	struct sockets *s = mem_zalloc(sizeof(*s));
	s->loop = loop;
	s->multi = multi;
	CURLMcode code = curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	assert(code == CURLM_OK);
	code = curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, s);
	assert(code == CURLM_OK);
	return s;
}

void sockets_destroy(struct sockets *s)
{
	for (size_t i = 0; i < s->slot_count; i++)
		slot_close(&s->slots[i]);
	free(s->slots);
	free(s);
}

CURLcode sockets_attach(struct sockets *s, struct exchange *x)
{
	CURLcode code = curl_easy_setopt(x->easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_OPENSOCKETDATA, x);
	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_CLOSESOCKETDATA, s);
	return code;
}
