#include "gateway/net/loop.h"

#include <ev.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>

#include "saga/base/clock.h"
#include "saga/base/mem.h"

#define NS_PER_MS 1000000
#define NEVER     INT64_MAX
/* Added to each timer. A timer that fires slightly early costs a turn in which nothing is due; 0.1 ms of
 * delay costs nothing. Chosen; no measurement. */
#define TIMER_SLACK_S 0.0001
/* A wake-up this late counts as a stall: longer than any turn takes, and than a busy machine delays a
 * thread. Chosen; no measurement. */
#define STALL_NS (SECOND_MS * NS_PER_MS)

struct loop_hook {
	void (*fn)(void *ctx);
	void *ctx;
};

struct loop_signal {
	ev_signal watcher;
	void (*fn)(void *ctx, int signum);
	void *ctx;
};

struct loop_io {
	ev_io watcher;
	struct loop *loop;
	void (*fn)(void *ctx, int fd, unsigned events);
	void *ctx;
};

struct loop {
	struct ev_loop *ev;
	ev_prepare before_sleep;
	ev_check after_sleep;
	ev_async wake;
	ev_timer timer;
	struct loop_hook hooks[LOOP_PHASES];
	int64_t deadlines_ns[LOOP_DEADLINES]; /* absolute, monotonic */
	int64_t wait_began_ns;                /* when the last wait began */
	void (*on_stall)(void *ctx, int64_t stalled_ms);
	void *on_stall_ctx;
	int64_t armed_ns; /* the deadline to which the timer is set; NEVER: the timer is stopped */
	int64_t now_ns;
	bool stopping;
	struct loop_signal signals[LOOP_SIGNALS_MAX];
	size_t signal_count;
};

/* A deadline causes one turn; an owner that still waits sets it again. So a deadline that its owner forgot
 * cannot make the loop spin. */
static void drop_reached_deadlines(struct loop *loop)
{
	for (size_t i = 0; i < LOOP_DEADLINES; i++)
		if (loop->deadlines_ns[i] <= loop->now_ns)
			loop->deadlines_ns[i] = NEVER;
}

/* Sets the one timer to the nearest deadline, unless the timer is set to it already. */
static void arm_timer(struct loop *loop)
{
	int64_t nearest = NEVER;
	for (size_t i = 0; i < LOOP_DEADLINES; i++)
		if (loop->deadlines_ns[i] < nearest)
			nearest = loop->deadlines_ns[i];
	if (nearest == loop->armed_ns)
		return;

	ev_timer_stop(loop->ev, &loop->timer);
	loop->armed_ns = nearest;
	if (nearest == NEVER)
		return;
	int64_t left_ns = nearest - clock_monotonic_ns();
	/* libev counts from the time that it read after the last wait, so that time must be updated first. */
	ev_now_update(loop->ev);
	ev_timer_set(&loop->timer, left_ns <= 0 ? 0.0 : (double)left_ns / 1e9 + TIMER_SLACK_S, 0.0);
	ev_timer_start(loop->ev, &loop->timer);
}

/* One turn: all hooks, after the descriptor callbacks and before the next wait. */
static void on_before_sleep(struct ev_loop *ev, ev_prepare *watcher, int revents)
{
	(void)revents;
	struct loop *loop = watcher->data;
	loop->now_ns = clock_monotonic_ns();
	drop_reached_deadlines(loop);
	for (size_t phase = 0; phase < LOOP_PHASES; phase++)
		if (loop->hooks[phase].fn != NULL)
			loop->hooks[phase].fn(loop->hooks[phase].ctx);
	if (loop->stopping)
		ev_break(ev, EVBREAK_ONE);
	else
		arm_timer(loop);
	loop->wait_began_ns = clock_monotonic_ns();
}

/* This watcher has the highest priority, so it runs before all descriptor callbacks of the turn: a reply
 * that arrived during a stall can still count as in time. */
static void on_after_sleep(struct ev_loop *ev, ev_check *watcher, int revents)
{
	(void)ev;
	(void)revents;
	struct loop *loop = watcher->data;
	int64_t now_ns = clock_monotonic_ns();
	if (loop->on_stall != NULL && loop->armed_ns != NEVER && now_ns - loop->armed_ns > STALL_NS)
		loop->on_stall(loop->on_stall_ctx, (now_ns - loop->wait_began_ns) / NS_PER_MS);
}

/* Nothing to do: the wake-up ends the wait, and the hooks of the turn do the work. */
static void on_wake(struct ev_loop *ev, ev_async *watcher, int revents)
{
	(void)ev;
	(void)watcher;
	(void)revents;
}

static void on_timer(struct ev_loop *ev, ev_timer *watcher, int revents)
{
	(void)ev;
	(void)revents;
	struct loop *loop = watcher->data;
	loop->armed_ns = NEVER;
}

/* EVFLAG_NOENV: libev must not take its back end from the environment. */
struct loop *loop_create(struct err *err)
{
	struct ev_loop *ev = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
	if (ev == NULL) {
		err_set(err, ERR_SYSTEM, "no event loop: the kernel gave no epoll descriptor (too many open files?)");
		return NULL;
	}
	signal(SIGPIPE, SIG_IGN);

	struct loop *loop = mem_zalloc(sizeof(*loop));
	loop->ev = ev;
	loop->armed_ns = NEVER;
	loop->now_ns = clock_monotonic_ns();
	for (size_t i = 0; i < LOOP_DEADLINES; i++)
		loop->deadlines_ns[i] = NEVER;

	ev_prepare_init(&loop->before_sleep, on_before_sleep);
	ev_check_init(&loop->after_sleep, on_after_sleep);
	ev_set_priority(&loop->after_sleep, EV_MAXPRI);
	ev_async_init(&loop->wake, on_wake);
	ev_init(&loop->timer, on_timer);
	loop->before_sleep.data = loop;
	loop->after_sleep.data = loop;
	loop->timer.data = loop;
	ev_prepare_start(ev, &loop->before_sleep);
	ev_check_start(ev, &loop->after_sleep);
	ev_async_start(ev, &loop->wake);
	return loop;
}

void loop_destroy(struct loop *loop)
{
	if (loop == NULL)
		return;
	for (size_t i = 0; i < loop->signal_count; i++)
		ev_signal_stop(loop->ev, &loop->signals[i].watcher);
	ev_timer_stop(loop->ev, &loop->timer);
	ev_async_stop(loop->ev, &loop->wake);
	ev_prepare_stop(loop->ev, &loop->before_sleep);
	ev_check_stop(loop->ev, &loop->after_sleep);
	ev_loop_destroy(loop->ev);
	free(loop);
}

void loop_run(struct loop *loop)
{
	ev_run(loop->ev, 0);
	loop->stopping = false;
}

void loop_stop(struct loop *loop)
{
	loop->stopping = true;
}

void loop_wake(struct loop *loop)
{
	ev_async_send(loop->ev, &loop->wake);
}

void loop_set_hook(struct loop *loop, enum loop_phase phase, void (*fn)(void *ctx), void *ctx)
{
	assert(phase < LOOP_PHASES);
	loop->hooks[phase] = (struct loop_hook){ .fn = fn, .ctx = ctx };
}

void loop_on_stall(struct loop *loop, void (*fn)(void *ctx, int64_t stalled_ms), void *ctx)
{
	loop->on_stall = fn;
	loop->on_stall_ctx = ctx;
}

void loop_set_deadline_ms(struct loop *loop, int64_t from_now_ms)
{
	loop_set_deadline_of(loop, LOOP_DEADLINE_ENGINE, from_now_ms);
}

void loop_set_deadline_of(struct loop *loop, enum loop_deadline owner, int64_t from_now_ms)
{
	assert(owner < LOOP_DEADLINES);
	int64_t now_ns = clock_monotonic_ns();
	if (from_now_ms < 0 || from_now_ms > (NEVER - now_ns) / NS_PER_MS)
		loop->deadlines_ns[owner] = NEVER;
	else
		loop->deadlines_ns[owner] = now_ns + from_now_ms * NS_PER_MS;
}

int64_t loop_now_ms(const struct loop *loop)
{
	return loop->now_ns / NS_PER_MS;
}

static void on_signal(struct ev_loop *ev, ev_signal *watcher, int revents)
{
	(void)ev;
	(void)revents;
	struct loop_signal *slot = watcher->data;
	slot->fn(slot->ctx, watcher->signum);
}

void loop_on_signal(struct loop *loop, int signum, void (*fn)(void *ctx, int signum), void *ctx)
{
	assert(loop->signal_count < LOOP_SIGNALS_MAX);
	struct loop_signal *slot = &loop->signals[loop->signal_count++];
	slot->fn = fn;
	slot->ctx = ctx;
	ev_signal_init(&slot->watcher, on_signal, signum);
	slot->watcher.data = slot;
	ev_signal_start(loop->ev, &slot->watcher);
}

static int to_ev(unsigned events)
{
	return ((events & LOOP_READ) != 0 ? EV_READ : 0) | ((events & LOOP_WRITE) != 0 ? EV_WRITE : 0);
}

/* The callback may call loop_io_remove, which frees `io`, so `io` is not touched after it. */
static void on_io(struct ev_loop *ev, ev_io *watcher, int revents)
{
	(void)ev;
	struct loop_io *io = watcher->data;
	unsigned events =
		((revents & EV_READ) != 0 ? LOOP_READ : 0u) | ((revents & EV_WRITE) != 0 ? LOOP_WRITE : 0u);
	io->fn(io->ctx, watcher->fd, events);
}

struct loop_io *loop_io_add(struct loop *loop, int fd, unsigned events,
							void (*fn)(void *ctx, int fd, unsigned events), void *ctx)
{
	assert(fd >= 0 && events <= (LOOP_READ | LOOP_WRITE));
	struct loop_io *io = mem_zalloc(sizeof(*io));
	io->loop = loop;
	io->fn = fn;
	io->ctx = ctx;
	ev_io_init(&io->watcher, on_io, fd, to_ev(events));
	io->watcher.data = io;
	if (events != 0)
		ev_io_start(loop->ev, &io->watcher);
	return io;
}

void loop_io_set(struct loop_io *io, unsigned events)
{
	assert(events <= (LOOP_READ | LOOP_WRITE));
	ev_io_stop(io->loop->ev, &io->watcher);
	ev_io_modify(&io->watcher, to_ev(events));
	if (events != 0)
		ev_io_start(io->loop->ev, &io->watcher);
}

void loop_io_remove(struct loop_io *io)
{
	if (io == NULL)
		return;
	ev_io_stop(io->loop->ev, &io->watcher);
	free(io);
}
