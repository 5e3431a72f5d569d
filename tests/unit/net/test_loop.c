#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "gateway/net/loop.h"

struct seen {
	struct loop *loop;
	char order[64];
	size_t len;
	unsigned turns;
	unsigned stop_after;
	unsigned signals;
	int64_t until_ms;
};

static int64_t clock_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void note(struct seen *s, char what)
{
	if (s->len + 1 < sizeof(s->order))
		s->order[s->len++] = what;
}

static void on_gather(void *ctx)
{
	note(ctx, 'g');
}

static void on_decide(void *ctx)
{
	struct seen *s = ctx;
	note(s, 'd');
	if (++s->turns == s->stop_after || (s->until_ms != 0 && clock_ms() >= s->until_ms))
		loop_stop(s->loop);
}

static void on_send(void *ctx)
{
	note(ctx, 's');
}

static void on_readable(void *ctx, int fd, unsigned events)
{
	char byte;
	assert_int_equal(events, LOOP_READ);
	assert_int_equal(read(fd, &byte, 1), 1);
	note(ctx, 'r');
}

static void open_loop(struct seen *s)
{
	struct err err;
	s->loop = loop_create(&err);
	assert_non_null(s->loop);
	loop_set_hook(s->loop, LOOP_GATHER, on_gather, s);
	loop_set_hook(s->loop, LOOP_DECIDE, on_decide, s);
	loop_set_hook(s->loop, LOOP_SEND, on_send, s);
}

static void each_hook_runs_once_a_turn_after_the_descriptors(void **state)
{
	(void)state;
	struct seen s = { .stop_after = 2 };
	int a[2];
	int b[2];
	open_loop(&s);
	assert_int_equal(pipe(a), 0);
	assert_int_equal(pipe(b), 0);
	struct loop_io *io_a = loop_io_add(s.loop, a[0], LOOP_READ, on_readable, &s);
	struct loop_io *io_b = loop_io_add(s.loop, b[0], LOOP_READ, on_readable, &s);
	assert_int_equal(write(a[1], "x", 1), 1);
	assert_int_equal(write(b[1], "x", 1), 1);
	loop_run(s.loop);
	assert_string_equal(s.order, "gdsrrgds");
	loop_io_remove(io_a);
	loop_io_remove(io_b);
	loop_destroy(s.loop);
	for (int i = 0; i < 2; i++) {
		close(a[i]);
		close(b[i]);
	}
}

static void many_wakes_make_one_turn(void **state)
{
	(void)state;
	struct seen s = { .stop_after = 2 };
	open_loop(&s);
	for (int i = 0; i < 1000; i++)
		loop_wake(s.loop);
	loop_run(s.loop); /* one before the first wait, one for the wake-ups */
	assert_int_equal(s.turns, 2);

	s.stop_after = 0;
	s.until_ms = clock_ms() + 50;
	loop_set_deadline_ms(s.loop, 50);
	loop_run(s.loop);
	assert_in_range(s.turns, 4, 5); /* no wake-up of the thousand was left over */
	loop_destroy(s.loop);
}

static void *wake_from_thread(void *ctx)
{
	struct seen *s = ctx;
	loop_wake(s->loop);
	return NULL;
}

static void another_thread_wakes_a_loop_that_waits_for_ever(void **state)
{
	(void)state;
	struct seen s = { .stop_after = 2 };
	pthread_t thread;
	open_loop(&s);
	assert_int_equal(pthread_create(&thread, NULL, wake_from_thread, &s), 0);
	loop_run(s.loop);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(s.turns, 2);
	loop_destroy(s.loop);
}

static void a_deadline_is_kept_to_the_millisecond(void **state)
{
	(void)state;
	static const int64_t spans_ms[] = { 1, 7, 40, 250 };
	for (size_t i = 0; i < sizeof(spans_ms) / sizeof(spans_ms[0]); i++) {
		struct seen s = { .stop_after = 2 };
		open_loop(&s);
		int64_t before_ms = clock_ms();
		loop_set_deadline_ms(s.loop, spans_ms[i]);
		loop_run(s.loop);
		int64_t took_ms = clock_ms() - before_ms;
		assert_int_equal(s.turns, 2); /* one wait, not a series of short ones */
		assert_in_range(took_ms, spans_ms[i], spans_ms[i] + 60);
		loop_destroy(s.loop);
	}
}

static void a_deadline_of_zero_does_not_wait(void **state)
{
	(void)state;
	struct seen s = { .stop_after = 2 };
	open_loop(&s);
	loop_set_deadline_ms(s.loop, 0);
	int64_t before_ms = clock_ms();
	loop_set_deadline_of(s.loop, LOOP_DEADLINE_TRANSFER, 5000);
	loop_wake(s.loop);
	loop_run(s.loop);
	assert_in_range(clock_ms() - before_ms, 0, 500);
	loop_destroy(s.loop);
}

static void a_forgotten_deadline_does_not_spin(void **state)
{
	(void)state;
	struct seen s = { .until_ms = clock_ms() + 120 };
	open_loop(&s);
	loop_set_deadline_ms(s.loop, 1);
	loop_set_deadline_of(s.loop, LOOP_DEADLINE_TRANSFER, 120);
	loop_run(s.loop);
	assert_in_range(s.turns, 2, 4);
	loop_destroy(s.loop);
}

static void minus_one_takes_a_deadline_away(void **state)
{
	(void)state;
	struct seen s = { .until_ms = clock_ms() + 60 };
	open_loop(&s);
	loop_set_deadline_ms(s.loop, 10);
	loop_set_deadline_ms(s.loop, -1);
	loop_set_deadline_of(s.loop, LOOP_DEADLINE_TRANSFER, 60);
	loop_run(s.loop);
	assert_in_range(s.turns, 2, 3);
	loop_destroy(s.loop);
}

static void on_term(void *ctx, int signum)
{
	struct seen *s = ctx;
	assert_int_equal(signum, SIGHUP);
	s->signals++;
	loop_stop(s->loop);
}

static void a_signal_reaches_its_callback(void **state)
{
	(void)state;
	struct seen s = { 0 };
	open_loop(&s);
	loop_on_signal(s.loop, SIGHUP, on_term, &s);
	assert_int_equal(kill(getpid(), SIGHUP), 0);
	loop_run(s.loop);
	assert_int_equal(s.signals, 1);
	loop_destroy(s.loop);
}

static struct loop_io *self_io;

static void on_readable_unwatch(void *ctx, int fd, unsigned events)
{
	(void)fd;
	(void)events;
	loop_io_remove(self_io);
	loop_stop(((struct seen *)ctx)->loop);
}

static void a_watcher_may_take_itself_away(void **state)
{
	(void)state;
	struct seen s = { 0 };
	int fds[2];
	open_loop(&s);
	assert_int_equal(pipe(fds), 0);
	self_io = loop_io_add(s.loop, fds[0], 0, on_readable_unwatch, &s);
	loop_io_set(self_io, LOOP_READ);
	assert_int_equal(write(fds[1], "x", 1), 1);
	loop_run(s.loop);
	loop_destroy(s.loop);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_hook_runs_once_a_turn_after_the_descriptors),
		cmocka_unit_test(many_wakes_make_one_turn),
		cmocka_unit_test(another_thread_wakes_a_loop_that_waits_for_ever),
		cmocka_unit_test(a_deadline_is_kept_to_the_millisecond),
		cmocka_unit_test(a_deadline_of_zero_does_not_wait),
		cmocka_unit_test(a_forgotten_deadline_does_not_spin),
		cmocka_unit_test(minus_one_takes_a_deadline_away),
		cmocka_unit_test(a_signal_reaches_its_callback),
		cmocka_unit_test(a_watcher_may_take_itself_away),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
