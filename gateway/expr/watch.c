#include "gateway/expr/watch.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <time.h>

#include "gateway/expr/expr.h"
#include "saga/base/mem.h"

#define LOOK_EVERY_MS 50
/* After so many looks at which nobody was evaluating the watcher sleeps until it is called. */
#define LOOKS_BEFORE_SLEEP 20

struct watch_slot {
	LIST_ENTRY(watch_slot) link;
	pthread_mutex_t lock;
	clockid_t cpu_clock;
	jq_state *running; /* NULL: nothing */
	unsigned long evaluation;
	bool stopped;
	/* The watcher's own: the evaluation it saw last, and the thread's CPU time then. */
	unsigned long seen;
	int64_t seen_at_ms;
};

/* Process-wide by nature: one watcher for all threads, started by the first evaluation. */
static struct {
	pthread_once_t once;
	pthread_mutex_t lock; /* guards the list and the sleep */
	pthread_cond_t called;
	LIST_HEAD(, watch_slot) slots;
	atomic_bool asleep;
} watcher = { .once = PTHREAD_ONCE_INIT,
			  .lock = PTHREAD_MUTEX_INITIALIZER,
			  .called = PTHREAD_COND_INITIALIZER };

static int64_t cpu_ms(clockid_t clock)
{
	struct timespec t;
	if (clock_gettime(clock, &t) != 0)
		return 0;
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Looks at one slot; true when it is evaluating. */
static bool look_at(struct watch_slot *slot)
{
	(void)pthread_mutex_lock(&slot->lock);
	bool busy = slot->running != NULL;
	if (busy && slot->seen != slot->evaluation) {
		slot->seen = slot->evaluation;
		slot->seen_at_ms = cpu_ms(slot->cpu_clock);
	} else if (busy && !slot->stopped && cpu_ms(slot->cpu_clock) - slot->seen_at_ms >= EXPR_CPU_LIMIT_MS) {
		jq_halt(slot->running, jv_invalid(), jv_invalid());
		slot->stopped = true;
	}
	(void)pthread_mutex_unlock(&slot->lock);
	return busy;
}

static bool look_at_all(void)
{
	bool busy = false;
	struct watch_slot *slot;
	LIST_FOREACH(slot, &watcher.slots, link)
	busy = look_at(slot) || busy;
	return busy;
}

static void sleep_until_called(void)
{
	atomic_store(&watcher.asleep, true);
	/* Whoever began before the flag stood is seen here; whoever comes later sees the flag. */
	if (look_at_all())
		atomic_store(&watcher.asleep, false);
	while (atomic_load(&watcher.asleep))
		(void)pthread_cond_wait(&watcher.called, &watcher.lock);
}

static void *watch(void *unused)
{
	(void)unused;
	unsigned idle = 0;
	(void)pthread_mutex_lock(&watcher.lock);
	for (;;) {
		idle = look_at_all() ? 0 : idle + 1;
		if (idle >= LOOKS_BEFORE_SLEEP) {
			sleep_until_called();
			idle = 0;
		}
		(void)pthread_mutex_unlock(&watcher.lock);
		const struct timespec pause = { .tv_nsec = LOOK_EVERY_MS * 1000000L };
		(void)nanosleep(&pause, NULL);
		(void)pthread_mutex_lock(&watcher.lock);
	}
	return NULL;
}

static void start_watcher(void)
{
	sigset_t all, before;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_t attr;
	pthread_t thread;
	int rc = pthread_attr_init(&attr);
	if (rc == 0)
		rc = pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (rc == 0)
		rc = pthread_create(&thread, &attr, watch, NULL);
	assert(rc == 0); /* without a watcher a program could hang intake for ever */
	(void)pthread_attr_destroy(&attr);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct watch_slot *watch_open(void)
{
	(void)pthread_once(&watcher.once, start_watcher);
	struct watch_slot *slot = mem_zalloc(sizeof *slot);
	(void)pthread_mutex_init(&slot->lock, NULL);
	if (pthread_getcpuclockid(pthread_self(), &slot->cpu_clock) != 0)
		slot->cpu_clock = CLOCK_MONOTONIC;
	(void)pthread_mutex_lock(&watcher.lock);
	LIST_INSERT_HEAD(&watcher.slots, slot, link);
	(void)pthread_mutex_unlock(&watcher.lock);
	return slot;
}

void watch_close(struct watch_slot *slot)
{
	if (slot == NULL)
		return;
	(void)pthread_mutex_lock(&watcher.lock);
	LIST_REMOVE(slot, link);
	(void)pthread_mutex_unlock(&watcher.lock);
	(void)pthread_mutex_destroy(&slot->lock);
	free(slot);
}

void watch_begin(struct watch_slot *slot, jq_state *jq)
{
	(void)pthread_mutex_lock(&slot->lock);
	slot->running = jq;
	slot->evaluation++;
	slot->stopped = false;
	(void)pthread_mutex_unlock(&slot->lock);
	if (!atomic_load(&watcher.asleep))
		return;
	(void)pthread_mutex_lock(&watcher.lock);
	atomic_store(&watcher.asleep, false);
	(void)pthread_cond_signal(&watcher.called);
	(void)pthread_mutex_unlock(&watcher.lock);
}

bool watch_end(struct watch_slot *slot)
{
	(void)pthread_mutex_lock(&slot->lock);
	slot->running = NULL;
	bool stopped = slot->stopped;
	(void)pthread_mutex_unlock(&slot->lock);
	return stopped;
}
