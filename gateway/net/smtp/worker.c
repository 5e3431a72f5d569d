#include "gateway/net/smtp/worker.h"

#include <signal.h>
#include <stdlib.h>

#include "saga/base/clock.h"
#include "saga/base/mem.h"

/* The stack of a worker's thread. The system's default of 8 MiB would reserve gigabytes for some hundred
 * threads. Chosen; no measurement. */
#define STACK_BYTES ((size_t)512 * 1024)

/* ---- the thread ---- */

/* True if libcurl need not go on: the outcome is known, the mail was cancelled, or its time is up. libcurl
 * may then only be waiting for the answer to QUIT. */
static bool is_done(struct smtp_worker *worker)
{
	return atomic_load(&worker->cancelled) || worker->reply.final ||
		   clock_monotonic_ms() >= worker->deadline_ms;
}

/* libcurl calls this at least once a second while it waits; a result other than 0 ends the transfer. */
static int on_progress(void *ctx, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
	(void)down_total;
	(void)down;
	(void)up_total;
	(void)up;
	return is_done(ctx);
}

/* Looks at the deadline too: a server that sends reply lines without end keeps a newer libcurl inside one
 * call, in which neither the time-out nor the progress callback is looked at. */
static size_t on_reply_line(char *line, size_t size, size_t count, void *ctx)
{
	struct smtp_worker *worker = ctx;
	if (is_done(worker))
		return 0;
	smtp_reply_line(&worker->reply, line, size * count);
	return size * count;
}

static void report(struct smtp_worker *worker)
{
	struct smtp_workers *workers = worker->workers;
	pthread_mutex_lock(&workers->lock);
	TAILQ_INSERT_TAIL(&workers->finished, worker, finished_link);
	pthread_mutex_unlock(&workers->lock);
	loop_wake(workers->loop);
}

static void *run(void *ctx)
{
	struct smtp_worker *worker = ctx;
	pthread_setname_np(pthread_self(), "smtp"); /* the name that top, gdb and profilers show */
	long last_code = 0;
	worker->deadline_ms = clock_monotonic_ms() + worker->timeout_ms;
	worker->code = curl_easy_perform(worker->message.easy);
	CURLcode info = curl_easy_getinfo(worker->message.easy, CURLINFO_RESPONSE_CODE, &last_code);
	assert(info == CURLE_OK);
	smtp_reply_settle(&worker->reply, (uint32_t)last_code);
	report(worker);
	return NULL;
}

/* Starts the worker's thread with all signals blocked, because the main thread handles them. Returns 0 or
 * an errno value. */
static int start_thread(struct smtp_worker *worker)
{
	pthread_attr_t attributes;
	sigset_t all;
	sigset_t before;
	sigfillset(&all);
	int failed = pthread_attr_init(&attributes);
	if (failed != 0)
		return failed;
	failed = pthread_attr_setstacksize(&attributes, STACK_BYTES);
	assert(failed == 0);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&worker->thread, &attributes, run, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return failed;
}

/* ---- starting and cancelling ---- */

static CURLcode set_callbacks(struct smtp_worker *worker)
{
	CURL *easy = worker->message.easy;
	CURLcode code = curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_reply_line);
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_HEADERDATA, worker);
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_XFERINFODATA, worker);
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
	return code;
}

/* The thread may end before its worker is on the list `running`. That does no harm: workers are collected
 * on the loop's thread, which is here until then. */
struct smtp_worker *smtp_worker_start(struct smtp_workers *workers, struct exchange *owner,
									  const struct transport_request *request)
{
	assert(request->kind == ALMONER_SEND_MAIL && request->mail != NULL);
	struct smtp_worker *worker = mem_zalloc(sizeof(*worker));
	smtp_reply_init(&worker->reply);
	worker->workers = workers;
	worker->owner = owner;
	worker->target = request->target;
	worker->timeout_ms = request->limits.timeout_ms;
	if (smtp_message_init(&worker->message, request->mail, &request->limits) != CURLE_OK ||
		set_callbacks(worker) != CURLE_OK || start_thread(worker) != 0) {
		smtp_worker_free(worker);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&workers->running, worker, link);
	return worker;
}

void smtp_worker_cancel(struct smtp_worker *worker)
{
	worker->owner = NULL;
	atomic_store(&worker->cancelled, true);
}

void smtp_worker_free(struct smtp_worker *worker)
{
	if (worker == NULL)
		return;
	smtp_message_finish(&worker->message);
	smtp_reply_finish(&worker->reply);
	free(worker);
}

/* ---- all workers ---- */

void smtp_workers_init(struct smtp_workers *workers, struct loop *loop)
{
	workers->loop = loop;
	TAILQ_INIT(&workers->running);
	TAILQ_INIT(&workers->finished);
	int failed = pthread_mutex_init(&workers->lock, NULL);
	assert(failed == 0);
}

static void join(const struct smtp_worker *worker)
{
	int failed = pthread_join(worker->thread, NULL);
	assert(failed == 0);
}

/* `running` is looked at first, so that a turn without mails costs no lock. */
struct smtp_worker *smtp_workers_collect(struct smtp_workers *workers)
{
	if (TAILQ_EMPTY(&workers->running))
		return NULL;
	pthread_mutex_lock(&workers->lock);
	struct smtp_worker *worker = TAILQ_FIRST(&workers->finished);
	if (worker != NULL)
		TAILQ_REMOVE(&workers->finished, worker, finished_link);
	pthread_mutex_unlock(&workers->lock);
	if (worker == NULL)
		return NULL;
	/* the join does not wait: a thread on the list of finished workers executes its last instructions */
	join(worker);
	TAILQ_REMOVE(&workers->running, worker, link);
	return worker;
}

/* No worker may be freed before all threads have ended: each thread still inserts its worker into the list
 * `finished`, which links the workers with each other. */
void smtp_workers_finish(struct smtp_workers *workers)
{
	struct smtp_worker *worker;
	TAILQ_FOREACH(worker, &workers->running, link)
	smtp_worker_cancel(worker);
	TAILQ_FOREACH(worker, &workers->running, link)
	join(worker);
	while ((worker = TAILQ_FIRST(&workers->running)) != NULL) {
		TAILQ_REMOVE(&workers->running, worker, link);
		smtp_worker_free(worker);
	}
	pthread_mutex_destroy(&workers->lock);
}
