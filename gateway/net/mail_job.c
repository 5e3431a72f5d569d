#include "gateway/net/mail_job.h"

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

/* --- the job's own copy -------------------------------------------------------------------------- */

static size_t room_of(struct almoner_text text)
{
	return text.p != NULL ? text.len + 1 : 0;
}

static char *put(char *to, struct almoner_text *text)
{
	if (text->p == NULL)
		return to;
	memcpy(to, text->p, text->len);
	to[text->len] = '\0';
	text->p = to;
	return to + text->len + 1;
}

static void copy_mail(struct mail_job *job, const struct almoner_mail *mail)
{
	job->mail = *mail;
	struct almoner_text *texts[] = { &job->mail.host,     &job->mail.ehlo, &job->mail.username,
									 &job->mail.password, &job->mail.from, &job->mail.to,
									 &job->mail.message };
	size_t room = 1;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		room += room_of(*texts[i]);
	job->texts = mem_alloc(room);
	char *to = job->texts;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		to = put(to, texts[i]);
}

void mail_job_free(struct mail_job *job)
{
	if (job == NULL)
		return;
	curl_easy_cleanup(job->easy);
	smtp_reply_finish(&job->reply);
	free(job->texts);
	free(job);
}

/* --- the thread ---------------------------------------------------------------------------------- */

/* Once the outcome is known, or nobody wants it, waiting any longer (for the answer to QUIT, at most) serves
 * nobody. */
bool mail_job_is_over(struct mail_job *job)
{
	return atomic_load(&job->cancelled) || job->reply.final || clock_ms() >= job->deadline_ms;
}

/* Called at least once a second while libcurl waits. */
static int on_progress(void *ctx, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
	(void)down_total;
	(void)down;
	(void)up_total;
	(void)up;
	return mail_job_is_over(ctx);
}

static void report(struct mail_job *job)
{
	struct mail_desk *desk = job->desk;
	pthread_mutex_lock(&desk->lock);
	TAILQ_INSERT_TAIL(&desk->finished, job, done);
	pthread_mutex_unlock(&desk->lock);
	loop_wake(desk->loop);
}

static void *run(void *ctx)
{
	struct mail_job *job = ctx;
	long last_code = 0;
	job->deadline_ms = clock_ms() + job->timeout_ms;
	job->code = curl_easy_perform(job->easy);
	CURLcode asked = curl_easy_getinfo(job->easy, CURLINFO_RESPONSE_CODE, &last_code);
	assert(asked == CURLE_OK);
	smtp_reply_settle(&job->reply, (uint32_t)last_code);
	report(job);
	return NULL;
}

/* Signals are for the threads that wait for them. */
static int start_thread(struct mail_job *job)
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
	failed = pthread_create(&job->thread, &attributes, run, job);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return failed;
}

static CURLcode set_progress(struct mail_job *job)
{
	CURLcode code = curl_easy_setopt(job->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	if (code == CURLE_OK)
		code = curl_easy_setopt(job->easy, CURLOPT_XFERINFODATA, job);
	if (code == CURLE_OK)
		code = curl_easy_setopt(job->easy, CURLOPT_NOPROGRESS, 0L);
	return code;
}

struct mail_job *mail_job_start(struct mail_desk *desk, struct exchange *owner,
								const struct transport_request *request)
{
	struct mail_job *job = mem_zalloc(sizeof(*job));
	smtp_reply_init(&job->reply);
	copy_mail(job, request->mail);
	job->desk = desk;
	job->owner = owner;
	job->target = request->target;
	job->timeout_ms = request->limits.timeout_ms;
	job->looking_up = true;
	job->easy = curl_easy_init();
	if (job->easy == NULL || mail_handle_init(job, &request->limits) != CURLE_OK || set_progress(job) != CURLE_OK ||
		start_thread(job) != 0) {
		mail_job_free(job);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&desk->jobs, job, link);
	return job;
}

/* --- the desk ------------------------------------------------------------------------------------ */

void mail_desk_init(struct mail_desk *desk, struct loop *loop)
{
	desk->loop = loop;
	TAILQ_INIT(&desk->jobs);
	TAILQ_INIT(&desk->finished);
	int failed = pthread_mutex_init(&desk->lock, NULL);
	assert(failed == 0);
}

void mail_job_cancel(struct mail_job *job)
{
	job->owner = NULL;
	atomic_store(&job->cancelled, true);
}

static void join(const struct mail_job *job)
{
	int failed = pthread_join(job->thread, NULL);
	assert(failed == 0);
}

struct mail_job *mail_desk_take(struct mail_desk *desk)
{
	if (TAILQ_EMPTY(&desk->jobs))
		return NULL;
	pthread_mutex_lock(&desk->lock);
	struct mail_job *job = TAILQ_FIRST(&desk->finished);
	if (job != NULL)
		TAILQ_REMOVE(&desk->finished, job, done);
	pthread_mutex_unlock(&desk->lock);
	if (job == NULL)
		return NULL;
	join(job); /* it is in its last instructions */
	TAILQ_REMOVE(&desk->jobs, job, link);
	return job;
}

void mail_desk_finish(struct mail_desk *desk)
{
	struct mail_job *job;
	TAILQ_FOREACH(job, &desk->jobs, link)
	mail_job_cancel(job);
	/* All threads first: each still hangs its job into the list of finished ones, beside the others. */
	TAILQ_FOREACH(job, &desk->jobs, link)
	join(job);
	while ((job = TAILQ_FIRST(&desk->jobs)) != NULL) {
		TAILQ_REMOVE(&desk->jobs, job, link);
		mail_job_free(job);
	}
	pthread_mutex_destroy(&desk->lock);
}
