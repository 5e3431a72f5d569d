#include "gateway/plugin/blackbox.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gateway/plugin/blackbox_file.h"
#include "saga/base/mapped.h"
#include "saga/base/mem.h"

#define ALT_STACK_BYTES 32768

static const int fatal_signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
#define FATAL_COUNT (sizeof fatal_signals / sizeof *fatal_signals)

struct watchdog {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop;
	int64_t limit_ms;
};

struct blackbox {
	struct blackbox_file *file; /* the mapped pages */
	struct watchdog watchdog;
	struct sigaction before[FATAL_COUNT];
};

/* A signal handler is given nothing but the signal: it needs one way to the mapped pages. Set by
 * blackbox_open, cleared by blackbox_close. */
static struct blackbox_file *_Atomic mapped;

/* The kernel's name of this thread, asked for once. */
static pid_t self_tid(void)
{
	static _Thread_local pid_t tid;
	if (tid == 0)
		tid = (pid_t)syscall(SYS_gettid);
	return tid;
}

/* ---- entering and leaving ---- */

/* An overflown stack can only be told from another one; the kernel keeps it per thread. */
static void use_alternate_stack(void)
{
	static _Thread_local char stack[ALT_STACK_BYTES];
	static _Thread_local bool done;
	if (done)
		return;
	/* A thread that has one already (sanitizers give one to each) keeps it: they free what they find. */
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof stack };
	stack_t present = { 0 };
	if (sigaltstack(NULL, &present) == 0 && (present.ss_flags & SS_DISABLE) != 0)
		(void)sigaltstack(&alternate, NULL);
	done = true;
}

static int take_slot(struct blackbox_file *file, uint32_t tid)
{
	for (int i = 0; i < BLACKBOX_SLOTS; i++) {
		uint32_t free_tid = 0;
		if (atomic_compare_exchange_strong(&file->slots[i].tid, &free_tid, tid))
			return i;
	}
	return -1;
}

int blackbox_enter(struct blackbox *box, const struct blackbox_call *call)
{
	if (box == NULL)
		return -1;
	use_alternate_stack();
	/* More threads than slots: the call goes on unwatched rather than waiting. */
	int slot = take_slot(box->file, (uint32_t)self_tid());
	if (slot < 0)
		return -1;
	struct blackbox_slot *s = &box->file->slots[slot];
	s->call = *call;
	atomic_fetch_add_explicit(&s->calls, 1, memory_order_relaxed);
	atomic_store_explicit(&s->state, SLOT_ENTERED, memory_order_release);
	return slot;
}

void blackbox_leave(struct blackbox *box, int slot)
{
	if (box == NULL || slot < 0)
		return;
	struct blackbox_slot *s = &box->file->slots[slot];
	uint32_t entered = SLOT_ENTERED;
	/* A call the watchdog has already given up on stays marked: the process is ending. */
	if (atomic_compare_exchange_strong(&s->state, &entered, SLOT_FREE))
		atomic_store_explicit(&s->tid, 0, memory_order_release);
}

/* ---- the handler: async-signal-safe ---- */

static void on_fatal_signal(int signal_number)
{
	struct blackbox_file *file = atomic_load(&mapped);
	uint32_t tid = (uint32_t)syscall(SYS_gettid);
	for (int i = 0; file != NULL && i < BLACKBOX_SLOTS; i++) {
		struct blackbox_slot *s = &file->slots[i];
		uint32_t entered = SLOT_ENTERED;
		/* Another thread's call is not to blame for this thread's death. */
		if (atomic_load(&s->tid) != tid)
			continue;
		s->signal = (uint32_t)signal_number;
		(void)atomic_compare_exchange_strong(&s->state, &entered, SLOT_CRASHED);
	}
	/* SA_RESETHAND has put the default back; it takes effect when this handler returns. */
	(void)raise(signal_number);
}

static int install_handlers(struct blackbox *box, struct err *err)
{
	struct sigaction action = { .sa_handler = on_fatal_signal, .sa_flags = (int)(SA_ONSTACK | SA_RESETHAND) };
	(void)sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < FATAL_COUNT; i++)
		if (sigaction(fatal_signals[i], &action, &box->before[i]) != 0)
			return err_set(err, ERR_SYSTEM, "handler for signal %d: %s", fatal_signals[i],
						   strerrordesc_np(errno));
	return 0;
}

static void restore_handlers(struct blackbox *box)
{
	for (size_t i = 0; i < FATAL_COUNT; i++)
		(void)sigaction(fatal_signals[i], &box->before[i], NULL);
}

/* ---- the watchdog ---- */

/* What the watchdog saw last of a slot: the same call for too many looks is a hang. */
struct last_check {
	uint64_t calls;
	unsigned checks;
};

/* A call is given up when it was seen this often, an interval apart each time. Counting looks instead of
 * reading clocks spares the calls a system call, and a machine that slept does not look like a hang. */
#define HANG_CHECKS 5

static void abort_hung(struct blackbox_slot *s)
{
	uint32_t entered = SLOT_ENTERED;
	if (atomic_compare_exchange_strong(&s->state, &entered, SLOT_HUNG))
		abort();
}

static void check_slot(struct blackbox_slot *s, struct last_check *last)
{
	uint64_t calls = atomic_load(&s->calls);
	if (atomic_load(&s->state) != SLOT_ENTERED || calls != last->calls) {
		*last = (struct last_check){ calls, 0 };
		return;
	}
	if (++last->checks >= HANG_CHECKS)
		abort_hung(s);
}

static struct timespec deadline_after_ms(int64_t ms)
{
	struct timespec at;
	(void)clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += (time_t)(ms / 1000);
	at.tv_nsec += (long)(ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	return at;
}

static void *watchdog_main(void *arg)
{
	struct blackbox *box = arg;
	pthread_setname_np(pthread_self(), "watchdog"); /* the name that top, gdb and profilers show */
	struct last_check last[BLACKBOX_SLOTS] = { 0 };
	int64_t interval = (box->watchdog.limit_ms + HANG_CHECKS - 2) / (HANG_CHECKS - 1);
	(void)pthread_mutex_lock(&box->watchdog.lock);
	while (!box->watchdog.stop) {
		struct timespec at = deadline_after_ms(interval);
		if (pthread_cond_timedwait(&box->watchdog.wake, &box->watchdog.lock, &at) != ETIMEDOUT)
			continue;
		for (int i = 0; i < BLACKBOX_SLOTS; i++)
			check_slot(&box->file->slots[i], &last[i]);
	}
	(void)pthread_mutex_unlock(&box->watchdog.lock);
	return NULL;
}

static int start_watchdog(struct blackbox *box, struct err *err)
{
	pthread_condattr_t attributes;
	(void)pthread_mutex_init(&box->watchdog.lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&box->watchdog.wake, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	/* Signals meant for the daemon are none of the watchdog's business. */
	sigset_t all;
	sigset_t old;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	int rc = pthread_create(&box->watchdog.thread, NULL, watchdog_main, box);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc == 0 ? 0 : err_set(err, ERR_SYSTEM, "watchdog of the connectors: %s", strerrordesc_np(rc));
}

static void stop_watchdog(struct watchdog *watchdog)
{
	(void)pthread_mutex_lock(&watchdog->lock);
	watchdog->stop = true;
	(void)pthread_cond_signal(&watchdog->wake);
	(void)pthread_mutex_unlock(&watchdog->lock);
	(void)pthread_join(watchdog->thread, NULL);
	(void)pthread_cond_destroy(&watchdog->wake);
	(void)pthread_mutex_destroy(&watchdog->lock);
}

/* ---- opening ---- */

static int start(struct blackbox *box, struct err *err)
{
	struct blackbox_file *none = NULL;
	if (!atomic_compare_exchange_strong(&mapped, &none, box->file))
		return err_set(err, ERR_BUSY, "a black box is open in this process already");
	blackbox_file_take_over(box->file);
	int rc = install_handlers(box, err);
	if (rc == 0)
		rc = start_watchdog(box, err);
	if (rc == 0)
		return 0;
	restore_handlers(box);
	atomic_store(&mapped, NULL);
	return rc;
}

int blackbox_open(const struct blackbox_settings *settings, struct blackbox **ret_box, struct err *err)
{
	struct blackbox *box = mem_zalloc(sizeof *box);
	box->watchdog.limit_ms = settings->limit_ms > 0 ? settings->limit_ms : BLACKBOX_LIMIT_MS;
	void *pages;
	int rc = mapped_open("black box", settings->path, sizeof *box->file, &pages, err);
	if (rc == 0) {
		box->file = pages;
		rc = start(box, err);
		if (rc == 0) {
			*ret_box = box;
			return 0;
		}
		mapped_close(box->file, sizeof *box->file);
	}
	free(box);
	return rc;
}

void blackbox_close(struct blackbox *box)
{
	if (box == NULL)
		return;
	stop_watchdog(&box->watchdog);
	restore_handlers(box);
	atomic_store(&mapped, NULL);
	mapped_close(box->file, sizeof *box->file);
	free(box);
}

/* ---- what is left of the run before ---- */

size_t blackbox_read_previous(const struct blackbox *box, struct blackbox_report ret_reports[BLACKBOX_SLOTS])
{
	memcpy(ret_reports, box->file->reports, sizeof box->file->reports);
	return box->file->report_count;
}

void blackbox_settle(struct blackbox *box)
{
	box->file->report_count = 0;
}

const char *blackbox_end_name(uint32_t end_kind)
{
	static const char *const names[] = { "?", "crashed", "hung", "killed" };
	return end_kind < sizeof names / sizeof *names ? names[end_kind] : names[0];
}
