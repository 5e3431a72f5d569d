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
#include "saga/base/clock.h"
#include "saga/base/mapped.h"
#include "saga/base/mem.h"

#define ALT_STACK_BYTES 32768 /* bytes of the stack for the signal handler, which needs little; chosen */

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

/* The signal handler gets no pointer of ours, so it finds the mapped file here. blackbox_open sets it,
 * blackbox_close clears it. */
static struct blackbox_file *_Atomic mapped;

/* The kernel's number of this thread; each thread asks for it once. */
static pid_t self_tid(void)
{
	static _Thread_local pid_t tid;
	if (tid == 0)
		tid = (pid_t)syscall(SYS_gettid);
	return tid;
}

/* ---- entering and leaving ---- */

/* A stack overflow can only be handled on an alternate stack, and each thread needs its own. */
static void use_alternate_stack(void)
{
	static _Thread_local char stack[ALT_STACK_BYTES];
	static _Thread_local bool done;
	if (done)
		return;
	/* A thread that has an alternate stack keeps it. Sanitizers give one to each thread and free whatever
	 * they find. */
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof stack };
	stack_t present = { 0 };
	if (sigaltstack(NULL, &present) == 0 && (present.ss_flags & SS_DISABLE) != 0)
		sigaltstack(&alternate, NULL);
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

/* The state is stored last, with release order: a reader that sees SLOT_ENTERED also sees the whole call. */
int blackbox_enter(struct blackbox *box, const struct blackbox_call *call)
{
	if (box == NULL)
		return -1;
	use_alternate_stack();
	/* With more threads than slots a call is not watched; that is better than a call that waits. */
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
	/* A call that the watchdog has marked as hung stays marked: the process is about to end. */
	if (atomic_compare_exchange_strong(&s->state, &entered, SLOT_FREE))
		atomic_store_explicit(&s->tid, 0, memory_order_release);
}

/* ---- the signal handler ---- */

/* Must be async-signal-safe: it only uses atomic operations and system calls. */
static void on_fatal_signal(int signal_number)
{
	struct blackbox_file *file = atomic_load(&mapped);
	uint32_t tid = (uint32_t)syscall(SYS_gettid);
	for (int i = 0; file != NULL && i < BLACKBOX_SLOTS; i++) {
		struct blackbox_slot *s = &file->slots[i];
		uint32_t entered = SLOT_ENTERED;
		/* Calls of other threads did not cause this signal. */
		if (atomic_load(&s->tid) != tid)
			continue;
		s->signal = (uint32_t)signal_number;
		atomic_compare_exchange_strong(&s->state, &entered, SLOT_CRASHED);
	}
	/* SA_RESETHAND has restored the default action, so the raised signal ends the process after this
	 * handler. */
	raise(signal_number);
}

static int install_handlers(struct blackbox *box, struct err *err)
{
	struct sigaction action = { .sa_handler = on_fatal_signal, .sa_flags = (int)(SA_ONSTACK | SA_RESETHAND) };
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < FATAL_COUNT; i++)
		if (sigaction(fatal_signals[i], &action, &box->before[i]) != 0)
			return err_set(err, ERR_SYSTEM, "handler for signal %d: %s", fatal_signals[i],
						   strerrordesc_np(errno));
	return 0;
}

static void restore_handlers(struct blackbox *box)
{
	for (size_t i = 0; i < FATAL_COUNT; i++)
		sigaction(fatal_signals[i], &box->before[i], NULL);
}

/* ---- the watchdog ---- */

/* What the watchdog saw in a slot at its last look. */
struct last_check {
	uint64_t calls;
	unsigned checks;
};

/* The number of looks, one interval apart, after which a call that the watchdog has seen in each of them
 * counts as hung. Because looks are counted, entering a call needs no clock, and a machine that was
 * suspended does not look like a hang. */
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

/* Looks HANG_CHECKS times in limit_ms, at its beginning and end included, hence HANG_CHECKS - 1 intervals. */
static void *watchdog_main(void *arg)
{
	struct blackbox *box = arg;
	pthread_setname_np(pthread_self(), "watchdog"); /* the name that top, gdb and profilers show */
	struct last_check last[BLACKBOX_SLOTS] = { 0 };
	int64_t interval = (box->watchdog.limit_ms + HANG_CHECKS - 2) / (HANG_CHECKS - 1);
	pthread_mutex_lock(&box->watchdog.lock);
	while (!box->watchdog.stop) {
		struct timespec at = clock_deadline(interval);
		if (pthread_cond_timedwait(&box->watchdog.wake, &box->watchdog.lock, &at) != ETIMEDOUT)
			continue;
		for (int i = 0; i < BLACKBOX_SLOTS; i++)
			check_slot(&box->file->slots[i], &last[i]);
	}
	pthread_mutex_unlock(&box->watchdog.lock);
	return NULL;
}

/* The new thread blocks all signals: those of the daemon must reach its own threads. */
static int start_watchdog(struct blackbox *box, struct err *err)
{
	pthread_mutex_init(&box->watchdog.lock, NULL);
	int rc = clock_condition_init(&box->watchdog.wake);
	if (rc != 0)
		return err_set(err, ERR_SYSTEM, "watchdog of the connectors: %s", strerrordesc_np(rc));
	sigset_t all;
	sigset_t old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&box->watchdog.thread, NULL, watchdog_main, box);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc == 0 ? 0 : err_set(err, ERR_SYSTEM, "watchdog of the connectors: %s", strerrordesc_np(rc));
}

static void stop_watchdog(struct watchdog *watchdog)
{
	pthread_mutex_lock(&watchdog->lock);
	watchdog->stop = true;
	pthread_cond_signal(&watchdog->wake);
	pthread_mutex_unlock(&watchdog->lock);
	pthread_join(watchdog->thread, NULL);
	pthread_cond_destroy(&watchdog->wake);
	pthread_mutex_destroy(&watchdog->lock);
}

/* ---- opening ---- */

/* The old reports are read before the handlers can write new ones. */
static int start(struct blackbox *box, struct err *err)
{
	struct blackbox_file *none = NULL;
	if (!atomic_compare_exchange_strong(&mapped, &none, box->file))
		return err_set(err, ERR_BUSY, "a black box is already open in this process");
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

/* Undoes each step on failure, in reverse order. */
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

/* ---- reports of the previous process ---- */

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
