/* One mail in a thread of its own.
 *
 * libcurl 7.88 waits inside its calls, without giving the loop back, for the reply to the message and for the
 * answer to QUIT: on the loop, one mail server that thinks for ten seconds would hold up every target for ten
 * seconds. So a mail never runs there. Its thread is made for it (a mail costs milliseconds, a thread
 * microseconds), works on copies, and reports to a desk where the loop picks it up; how many there are at
 * once is the engine's limit per target. What a cancelled mail does to its server is its own affair; nobody
 * hears of it. */
#ifndef ALMONER_NET_MAIL_JOB_H
#define ALMONER_NET_MAIL_JOB_H

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "gateway/engine/ports.h"
#include "gateway/net/loop.h"
#include "gateway/net/smtp_reply.h"

struct exchange;
struct mail_desk;

struct mail_job {
	TAILQ_ENTRY(mail_job) link; /* of all the desk's jobs; loop's thread */
	TAILQ_ENTRY(mail_job) done; /* of the finished ones; under the desk's lock */
	struct mail_desk *desk;
	struct exchange *owner; /* NULL: cancelled; loop's thread */
	uint32_t target;
	pthread_t thread;
	atomic_bool cancelled;
	/* From here on the thread's own, until it has reported. */
	CURL *easy;
	struct almoner_mail mail; /* texts within `texts` */
	char *texts;
	int64_t timeout_ms;
	int64_t deadline_ms; /* when even QUIT is cut short; monotonic */
	struct curl_slist recipient;
	size_t sent;
	bool looking_up; /* no socket was opened yet */
	struct smtp_reply reply;
	char error[CURL_ERROR_SIZE];
	CURLcode code;
};

TAILQ_HEAD(mail_job_list, mail_job);

struct mail_desk {
	struct loop *loop;
	struct mail_job_list jobs; /* loop's thread */
	pthread_mutex_t lock;
	struct mail_job_list finished;
};

void mail_desk_init(struct mail_desk *desk, struct loop *loop);
/* Cancels and waits for all jobs: up to a second each, all at once. */
void mail_desk_finish(struct mail_desk *desk);

/* What makes a mail unsendable, for a person; NULL: nothing. */
const char *mail_fault(const struct almoner_mail *mail, char text[200]);

/* Copies the mail and starts its thread. NULL when there is no memory or thread for it: nothing was sent. */
struct mail_job *mail_job_start(struct mail_desk *desk, struct exchange *owner,
								const struct transport_request *request);
/* Its owner is not interested any more. */
void mail_job_cancel(struct mail_job *job);

/* A job that has ended, its thread with it; NULL: none. Free it with mail_job_free. */
struct mail_job *mail_desk_take(struct mail_desk *desk);
void mail_job_free(struct mail_job *job);

/* Is there nothing more to wait for? The thread's own. */
bool mail_job_is_over(struct mail_job *job);

/* Sets the handle to the mail; part of mail_job_start, and of the check that libcurl knows all options. */
MUST_CHECK CURLcode mail_handle_init(struct mail_job *job, const struct transport_limits *limits);

#endif
