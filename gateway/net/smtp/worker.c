#include "gateway/net/smtp/worker.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gateway/net/exchange.h"
#include "saga/base/mem.h"

#define STACK_BYTES ((size_t)512 * 1024)

static int64_t clock_ms(void)
{
	struct timespec now;
	int failed = clock_gettime(CLOCK_MONOTONIC, &now);
	assert(failed == 0);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the job's own copy ---- */

static size_t copy_bytes(struct almoner_text text)
{
	return text.p != NULL ? text.len + 1 : 0;
}

static char *put_text(char *to, struct almoner_text *text)
{
	if (text->p == NULL)
		return to;
	memcpy(to, text->p, text->len);
	to[text->len] = '\0';
	text->p = to;
	return to + text->len + 1;
}

static void copy_mail(struct smtp_worker *worker, const struct almoner_mail *mail)
{
	worker->mail = *mail;
	struct almoner_text *texts[] = { &worker->mail.host,     &worker->mail.ehlo, &worker->mail.username,
									 &worker->mail.password, &worker->mail.from, &worker->mail.to,
									 &worker->mail.message };
	size_t bytes = 1;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		bytes += copy_bytes(*texts[i]);
	worker->texts = mem_alloc(bytes);
	char *to = worker->texts;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		to = put_text(to, texts[i]);
}

void smtp_worker_free(struct smtp_worker *worker)
{
	if (worker == NULL)
		return;
	curl_easy_cleanup(worker->easy);
	smtp_reply_finish(&worker->reply);
	free(worker->texts);
	free(worker);
}

/* ---- the thread ---- */

/* Once the outcome is known, or nobody wants it, waiting any longer (for the answer to QUIT, at most) serves
 * nobody. */
bool smtp_worker_is_done(struct smtp_worker *worker)
{
	return atomic_load(&worker->cancelled) || worker->reply.final || clock_ms() >= worker->deadline_ms;
}

/* Called at least once a second while libcurl waits. */
static int on_progress(void *ctx, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
	(void)down_total;
	(void)down;
	(void)up_total;
	(void)up;
	return smtp_worker_is_done(ctx);
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
	long last_code = 0;
	worker->deadline_ms = clock_ms() + worker->timeout_ms;
	worker->code = curl_easy_perform(worker->easy);
	CURLcode asked = curl_easy_getinfo(worker->easy, CURLINFO_RESPONSE_CODE, &last_code);
	assert(asked == CURLE_OK);
	smtp_reply_settle(&worker->reply, (uint32_t)last_code);
	report(worker);
	return NULL;
}

/* Signals are for the threads that wait for them. */
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

static CURLcode set_progress(struct smtp_worker *worker)
{
	CURLcode code = curl_easy_setopt(worker->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	if (code == CURLE_OK)
		code = curl_easy_setopt(worker->easy, CURLOPT_XFERINFODATA, worker);
	if (code == CURLE_OK)
		code = curl_easy_setopt(worker->easy, CURLOPT_NOPROGRESS, 0L);
	return code;
}

struct smtp_worker *smtp_worker_start(struct smtp_workers *workers, struct exchange *owner,
									  const struct transport_request *request)
{
	struct smtp_worker *worker = mem_zalloc(sizeof(*worker));
	smtp_reply_init(&worker->reply);
	copy_mail(worker, request->mail);
	worker->workers = workers;
	worker->owner = owner;
	worker->target = request->target;
	worker->timeout_ms = request->limits.timeout_ms;
	worker->looking_up = true;
	worker->easy = curl_easy_init();
	if (worker->easy == NULL || smtp_message_init(worker, &request->limits) != CURLE_OK ||
		set_progress(worker) != CURLE_OK || start_thread(worker) != 0) {
		smtp_worker_free(worker);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&workers->running, worker, link);
	return worker;
}

/* ---- the desk ---- */

void smtp_workers_init(struct smtp_workers *workers, struct loop *loop)
{
	workers->loop = loop;
	TAILQ_INIT(&workers->running);
	TAILQ_INIT(&workers->finished);
	int failed = pthread_mutex_init(&workers->lock, NULL);
	assert(failed == 0);
}

void smtp_worker_cancel(struct smtp_worker *worker)
{
	worker->owner = NULL;
	atomic_store(&worker->cancelled, true);
}

static void join(const struct smtp_worker *worker)
{
	int failed = pthread_join(worker->thread, NULL);
	assert(failed == 0);
}

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
	join(worker); /* it is in its last instructions */
	TAILQ_REMOVE(&workers->running, worker, link);
	return worker;
}

void smtp_workers_finish(struct smtp_workers *workers)
{
	struct smtp_worker *worker;
	TAILQ_FOREACH(worker, &workers->running, link)
	smtp_worker_cancel(worker);
	/* All threads first: each still hangs its job into the list of finished ones, beside the others. */
	TAILQ_FOREACH(worker, &workers->running, link)
	join(worker);
	while ((worker = TAILQ_FIRST(&workers->running)) != NULL) {
		TAILQ_REMOVE(&workers->running, worker, link);
		smtp_worker_free(worker);
	}
	pthread_mutex_destroy(&workers->lock);
}
