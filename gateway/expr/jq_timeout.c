#include "gateway/expr/jq_timeout.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <time.h>

#include "gateway/expr/expr.h"
#include "saga/base/mem.h"

#define CHECK_EVERY_MS 50
/* After so many looks at which nobody was evaluating the watcher sleeps until it is called. */
#define CHECKS_BEFORE_SLEEP 20

struct jq_timeout_slot {
	LIST_ENTRY(jq_timeout_slot) link;
	pthread_mutex_t lock;
	clockid_t cpu_clock;
	jq_state *running; /* NULL: nothing */
	unsigned long evaluation;
	bool stopped;
	/* The watcher's own: the evaluation it saw last, and the thread's CPU time then. */
	unsigned long last_evaluation;
	int64_t last_cpu_ms;
};

/* Process-wide by nature: one watcher for all threads, started by the first evaluation. */
static struct {
	pthread_once_t once;
	pthread_mutex_t lock; /* guards the list and the sleep */
	pthread_cond_t woken;
	LIST_HEAD(, jq_timeout_slot) slots;
	atomic_bool asleep;
} timer = { .once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER, .woken = PTHREAD_COND_INITIALIZER };

static int64_t cpu_ms(clockid_t clock)
{
	struct timespec t;
	if (clock_gettime(clock, &t) != 0)
		return 0;
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Looks at one slot; true when it is evaluating. */
static bool check_slot(struct jq_timeout_slot *slot)
{
	(void)pthread_mutex_lock(&slot->lock);
	bool busy = slot->running != NULL;
	if (busy && slot->last_evaluation != slot->evaluation) {
		slot->last_evaluation = slot->evaluation;
		slot->last_cpu_ms = cpu_ms(slot->cpu_clock);
	} else if (busy && !slot->stopped && cpu_ms(slot->cpu_clock) - slot->last_cpu_ms >= EXPR_CPU_LIMIT_MS) {
		jq_halt(slot->running, jv_invalid(), jv_invalid());
		slot->stopped = true;
	}
	(void)pthread_mutex_unlock(&slot->lock);
	return busy;
}

static bool check_slots(void)
{
	bool busy = false;
	struct jq_timeout_slot *slot;
	LIST_FOREACH(slot, &timer.slots, link)
	busy = check_slot(slot) || busy;
	return busy;
}

static void sleep_until_woken(void)
{
	atomic_store(&timer.asleep, true);
	/* Whoever began before the flag stood is seen here; whoever comes later sees the flag. */
	if (check_slots())
		atomic_store(&timer.asleep, false);
	while (atomic_load(&timer.asleep))
		(void)pthread_cond_wait(&timer.woken, &timer.lock);
}

static void *run_timer(void *unused)
{
	(void)unused;
	pthread_setname_np(pthread_self(), "jq-timeout"); /* the name that top, gdb and profilers show */
	unsigned idle = 0;
	(void)pthread_mutex_lock(&timer.lock);
	for (;;) {
		idle = check_slots() ? 0 : idle + 1;
		if (idle >= CHECKS_BEFORE_SLEEP) {
			sleep_until_woken();
			idle = 0;
		}
		(void)pthread_mutex_unlock(&timer.lock);
		const struct timespec pause = { .tv_nsec = CHECK_EVERY_MS * 1000000L };
		(void)nanosleep(&pause, NULL);
		(void)pthread_mutex_lock(&timer.lock);
	}
	return NULL;
}

static void start_timer_thread(void)
{
	sigset_t all, old_mask;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old_mask);
	pthread_attr_t attr;
	pthread_t thread;
	int rc = pthread_attr_init(&attr);
	if (rc == 0)
		rc = pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (rc == 0)
		rc = pthread_create(&thread, &attr, run_timer, NULL);
	assert(rc == 0); /* without a watcher a program could hang intake for ever */
	(void)pthread_attr_destroy(&attr);
	(void)pthread_sigmask(SIG_SETMASK, &old_mask, NULL);
}

struct jq_timeout_slot *jq_timeout_open(void)
{
	(void)pthread_once(&timer.once, start_timer_thread);
	struct jq_timeout_slot *slot = mem_zalloc(sizeof *slot);
	(void)pthread_mutex_init(&slot->lock, NULL);
	if (pthread_getcpuclockid(pthread_self(), &slot->cpu_clock) != 0)
		slot->cpu_clock = CLOCK_MONOTONIC;
	(void)pthread_mutex_lock(&timer.lock);
	LIST_INSERT_HEAD(&timer.slots, slot, link);
	(void)pthread_mutex_unlock(&timer.lock);
	return slot;
}

void jq_timeout_close(struct jq_timeout_slot *slot)
{
	if (slot == NULL)
		return;
	(void)pthread_mutex_lock(&timer.lock);
	LIST_REMOVE(slot, link);
	(void)pthread_mutex_unlock(&timer.lock);
	(void)pthread_mutex_destroy(&slot->lock);
	free(slot);
}

void jq_timeout_begin(struct jq_timeout_slot *slot, jq_state *jq)
{
	(void)pthread_mutex_lock(&slot->lock);
	slot->running = jq;
	slot->evaluation++;
	slot->stopped = false;
	(void)pthread_mutex_unlock(&slot->lock);
	if (!atomic_load(&timer.asleep))
		return;
	(void)pthread_mutex_lock(&timer.lock);
	atomic_store(&timer.asleep, false);
	(void)pthread_cond_signal(&timer.woken);
	(void)pthread_mutex_unlock(&timer.lock);
}

bool jq_timeout_end(struct jq_timeout_slot *slot)
{
	(void)pthread_mutex_lock(&slot->lock);
	slot->running = NULL;
	bool stopped = slot->stopped;
	(void)pthread_mutex_unlock(&slot->lock);
	return stopped;
}
