#include "gateway/expr/jq_timeout.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <time.h>

#include "gateway/expr/expr.h"
#include "saga/base/mem.h"

/* How often the timer thread looks. A stopped program has run for EXPR_CPU_LIMIT_MS and up to two of
 * these. Chosen. */
#define CHECK_EVERY_MS 50
/* The timer thread sleeps until it is woken when this number of its looks in a row found no evaluation.
 * Chosen. */
#define CHECKS_BEFORE_SLEEP 20

struct jq_timeout_slot {
	LIST_ENTRY(jq_timeout_slot) link;
	pthread_mutex_t lock;
	clockid_t cpu_clock;      /* of the evaluating thread */
	jq_state *running;        /* NULL: no evaluation */
	unsigned long evaluation; /* its number */
	bool stopped;
	/* Only the timer thread uses these: the evaluation it saw last, and the thread's CPU time then. */
	unsigned long last_evaluation;
	int64_t last_cpu_ms;
};

/* One timer thread serves all threads of the process, so its state is global. The first evaluation starts
 * it. */
static struct {
	pthread_once_t once;
	pthread_mutex_t lock; /* guards `slots`, and `woken` waits with it */
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

/* Looks at one slot and stops its evaluation when the time is over. Returns whether an evaluation is
 * running. */
static bool check_slot(struct jq_timeout_slot *slot)
{
	pthread_mutex_lock(&slot->lock);
	bool busy = slot->running != NULL;
	if (busy && slot->last_evaluation != slot->evaluation) {
		slot->last_evaluation = slot->evaluation;
		slot->last_cpu_ms = cpu_ms(slot->cpu_clock);
	} else if (busy && !slot->stopped && cpu_ms(slot->cpu_clock) - slot->last_cpu_ms >= EXPR_CPU_LIMIT_MS) {
		jq_halt(slot->running, jv_invalid(), jv_invalid());
		slot->stopped = true;
	}
	pthread_mutex_unlock(&slot->lock);
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
	/* An evaluation that began before the flag was set is seen here; one that begins later sees the flag
	 * and wakes us. */
	if (check_slots())
		atomic_store(&timer.asleep, false);
	while (atomic_load(&timer.asleep))
		pthread_cond_wait(&timer.woken, &timer.lock);
}

/* The lock is free while the thread pauses, so opening and closing slots never waits for it. */
static void *run_timer(void *unused)
{
	(void)unused;
	pthread_setname_np(pthread_self(), "jq-timeout"); /* the name that top, gdb and profilers show */
	unsigned idle = 0;
	pthread_mutex_lock(&timer.lock);
	for (;;) {
		idle = check_slots() ? 0 : idle + 1;
		if (idle >= CHECKS_BEFORE_SLEEP) {
			sleep_until_woken();
			idle = 0;
		}
		pthread_mutex_unlock(&timer.lock);
		const struct timespec pause = { .tv_nsec = CHECK_EVERY_MS * 1000000L };
		nanosleep(&pause, NULL);
		pthread_mutex_lock(&timer.lock);
	}
	return NULL;
}

/* Blocks all signals in the new thread: the daemon's signals must reach its own threads. */
static void start_timer_thread(void)
{
	sigset_t all, old_mask;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old_mask);
	pthread_attr_t attr;
	pthread_t thread;
	int rc = pthread_attr_init(&attr);
	if (rc == 0)
		rc = pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (rc == 0)
		rc = pthread_create(&thread, &attr, run_timer, NULL);
	assert(rc == 0); /* without this thread a program could block intake for ever */
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &old_mask, NULL);
}

struct jq_timeout_slot *jq_timeout_open(void)
{
	pthread_once(&timer.once, start_timer_thread);
	struct jq_timeout_slot *slot = mem_zalloc(sizeof *slot);
	pthread_mutex_init(&slot->lock, NULL);
	if (pthread_getcpuclockid(pthread_self(), &slot->cpu_clock) != 0)
		slot->cpu_clock = CLOCK_MONOTONIC;
	pthread_mutex_lock(&timer.lock);
	LIST_INSERT_HEAD(&timer.slots, slot, link);
	pthread_mutex_unlock(&timer.lock);
	return slot;
}

void jq_timeout_close(struct jq_timeout_slot *slot)
{
	if (slot == NULL)
		return;
	pthread_mutex_lock(&timer.lock);
	LIST_REMOVE(slot, link);
	pthread_mutex_unlock(&timer.lock);
	pthread_mutex_destroy(&slot->lock);
	free(slot);
}

void jq_timeout_begin(struct jq_timeout_slot *slot, jq_state *jq)
{
	pthread_mutex_lock(&slot->lock);
	slot->running = jq;
	slot->evaluation++;
	slot->stopped = false;
	pthread_mutex_unlock(&slot->lock);
	if (!atomic_load(&timer.asleep))
		return;
	pthread_mutex_lock(&timer.lock);
	atomic_store(&timer.asleep, false);
	pthread_cond_signal(&timer.woken);
	pthread_mutex_unlock(&timer.lock);
}

bool jq_timeout_end(struct jq_timeout_slot *slot)
{
	pthread_mutex_lock(&slot->lock);
	slot->running = NULL;
	bool stopped = slot->stopped;
	pthread_mutex_unlock(&slot->lock);
	return stopped;
}
