#include "tests/unit/intake/server_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "saga/base/mem.h"
#include "saga/journal/intake_port.h"

#define PATIENCE_MS 20000

/* ---- the journal ---- */

static struct accept_result answer_of(struct scripted_journal *s, const struct accept *a)
{
	struct accept_result r = { .unrouted = a->kind == ACCEPT_SAGA && a->start.unrouted,
							   .quarantined = a->start.own_reason == REASON_QUARANTINED,
							   .related = a->kind == ACCEPT_RELATED };
	for (size_t i = 0; i < s->committed; i++) {
		if (memcmp(s->keys[i], a->dedup, STORE_KEY_BYTES) == 0) {
			r.saga = (int64_t)i + 1;
			r.duplicate = true;
			return r;
		}
	}
	assert_true(s->committed < HELD_MAX);
	memcpy(s->keys[s->committed++], a->dedup, STORE_KEY_BYTES);
	r.saga = r.related ? 0 : (int64_t)s->committed;
	return r;
}

/* Called under the lock; `done` is called without it. */
static void commit_held(struct scripted_journal *s)
{
	while (s->held_count > 0) {
		struct accept *a = s->held[0];
		memmove(s->held, s->held + 1, --s->held_count * sizeof s->held[0]);
		struct accept_result r = answer_of(s, a);
		pthread_mutex_unlock(&s->lock);
		a->done(a->ctx, a, &r);
		pthread_mutex_lock(&s->lock);
	}
}

static void *committer(void *arg)
{
	struct scripted_journal *s = arg;
	pthread_mutex_lock(&s->lock);
	while (!s->ending) {
		if (s->mode == JOURNAL_COMMIT)
			commit_held(s);
		if (!s->ending)
			pthread_cond_wait(&s->moved, &s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static int take(void *ctx, struct accept *a)
{
	struct scripted_journal *s = ctx;
	pthread_mutex_lock(&s->lock);
	int rc = s->mode == JOURNAL_REJECT || s->held_count == HELD_MAX ? ERR_FULL : 0;
	if (rc == 0)
		s->held[s->held_count++] = a;
	pthread_cond_broadcast(&s->moved);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

void scripted_journal_mode(struct scripted_journal *s, enum journal_mode mode)
{
	pthread_mutex_lock(&s->lock);
	s->mode = mode;
	pthread_cond_broadcast(&s->moved);
	pthread_mutex_unlock(&s->lock);
}

void scripted_journal_wait_held(struct scripted_journal *s, size_t count)
{
	struct timespec until;
	int rc = 0;
	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_MS / 1000;
	pthread_mutex_lock(&s->lock);
	while (s->held_count < count && rc == 0)
		rc = pthread_cond_timedwait(&s->moved, &s->lock, &until);
	pthread_mutex_unlock(&s->lock);
	assert_int_equal(rc, 0);
}

void scripted_journal_release(struct scripted_journal *s)
{
	pthread_mutex_lock(&s->lock);
	commit_held(s);
	pthread_mutex_unlock(&s->lock);
}

/* ---- the server ---- */

static int64_t now_ms(void *ctx)
{
	return atomic_load(&((struct server_fixture *)ctx)->now_ms);
}

static bool ready(void *ctx, const char **why)
{
	*why = "disk low";
	return !atomic_load(&((struct server_fixture *)ctx)->not_ready);
}

static int64_t quarantined(void *ctx, const char *source)
{
	(void)source;
	return atomic_load(&((struct server_fixture *)ctx)->quarantined);
}

static void refused(void *ctx, const char *source, const char *address, int status, const char *why)
{
	struct server_fixture *d = ctx;
	(void)source;
	(void)status;
	(void)why;
	pthread_mutex_lock(&d->script.lock);
	snprintf(d->last_address, sizeof d->last_address, "%s", address);
	pthread_mutex_unlock(&d->script.lock);
	(void)atomic_fetch_add(&d->refusals, 1);
}

struct config *server_fixture_config(const char *sources, const char *limits, const char *more)
{
	char *json AUTO_FREE = mem_printf(
		"{\"listen\":{\"intake\":\"127.0.0.1:0\"},\"store\":{\"url\":\"sqlite:x.db\"},\"limits\":{%s},"
		"\"sources\":{%s}%s}",
		limits, sources, more);
	return fixture_config(json);
}

void server_fixture_open(struct server_fixture *d, const char *sources, const char *limits, const char *more,
						 bool own_sweep)
{
	memset(d, 0, sizeof *d);
	atomic_init(&d->now_ms, 1000000);
	pthread_mutex_init(&d->script.lock, NULL);
	pthread_cond_init(&d->script.moved, NULL);
	assert_int_equal(pthread_create(&d->script.thread, NULL, committer, &d->script), 0);
	const struct intake_server_options options = {
		.journal = { &d->script, take, NULL },
		.hooks = { d, ready, quarantined, refused },
		.clock = own_sweep ? clock_system() : (struct clock){ d, now_ms, now_ms },
		.own_sweep = own_sweep,
	};
	struct config *config = server_fixture_config(sources, limits, more);
	struct err err = { 0 };
	if (intake_server_start(config, &options, &d->intake, &err) != 0)
		fail_msg("%s", err.text);
	config_unref(config);
	assert_int_not_equal(intake_server_port(d->intake), 0);
}

void server_fixture_close(struct server_fixture *d)
{
	intake_server_stop(d->intake);
	pthread_mutex_lock(&d->script.lock);
	d->script.ending = true;
	commit_held(&d->script);
	pthread_cond_broadcast(&d->script.moved);
	pthread_mutex_unlock(&d->script.lock);
	assert_int_equal(pthread_join(d->script.thread, NULL), 0);
	pthread_cond_destroy(&d->script.moved);
	pthread_mutex_destroy(&d->script.lock);
}

void server_fixture_sweep(struct server_fixture *d, int64_t later_ms)
{
	int64_t now = atomic_fetch_add(&d->now_ms, later_ms) + later_ms;
	intake_server_sweep(d->intake, now);
}

struct count_lookup {
	const char *source;
	enum intake_counter what;
	uint64_t found;
};

static void find_count(void *ctx, const struct intake_source_counters *c)
{
	struct count_lookup *l = ctx;
	if (strcmp(c->source, l->source) == 0)
		l->found = c->counts[l->what];
}

uint64_t server_fixture_count(struct server_fixture *d, const char *source, enum intake_counter what)
{
	struct count_lookup l = { source, what, 0 };
	intake_counters_each(d->intake, &l, find_count);
	return l.found;
}

/* ---- the client ---- */

int client_connect(struct server_fixture *d)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(intake_server_port(d->intake)) };
	assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &to.sin_addr), 1);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

void client_send(int fd, const char *text)
{
	size_t len = strlen(text);
	while (len > 0) {
		ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);
		if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
			return; /* the reply, if any, says why */
		assert_true(sent > 0);
		text += sent;
		len -= (size_t)sent;
	}
}

void client_post(int fd, const char *path, const char *headers, const char *body)
{
	char *text AUTO_FREE = mem_printf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n%s\r\n%s", path,
									  strlen(body), headers, body);
	client_send(fd, text);
}

/* One byte, or -1 at the end of the stream. */
static int next_byte(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	unsigned char byte;
	if (poll(&p, 1, PATIENCE_MS) != 1)
		fail_msg("no answer in time");
	return recv(fd, &byte, 1, 0) == 1 ? byte : -1;
}

void client_read(int fd, struct reply *ret)
{
	size_t len = 0, want = sizeof ret->text - 1;
	*ret = (struct reply){ 0 };
	while (len < want) {
		int byte = next_byte(fd);
		if (byte < 0)
			break;
		ret->text[len++] = (char)byte;
		if (ret->body == NULL && len >= 4 && memcmp(ret->text + len - 4, "\r\n\r\n", 4) == 0) {
			ret->body = ret->text + len;
			const char *length = strcasestr(ret->text, "\r\nContent-Length: ");
			want = length != NULL ? len + strtoul(length + 18, NULL, 10) : len;
			assert_true(want < sizeof ret->text);
		}
	}
	if (ret->body != NULL)
		(void)sscanf(ret->text, "HTTP/1.1 %d", &ret->status);
}

bool client_closed(int fd)
{
	return next_byte(fd) < 0;
}

void client_expect(int fd, int status, const char *body)
{
	struct reply r;
	client_read(fd, &r);
	if (r.status != status || (body != NULL && strcmp(r.body != NULL ? r.body : "", body) != 0))
		fail_msg("wanted %d %s, got %s", status, body != NULL ? body : "", r.text);
}
