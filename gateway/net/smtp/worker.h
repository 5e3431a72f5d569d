/* One mail in a thread of its own.
 *
 * libcurl 7.88 waits inside its calls, without giving the loop back, for the reply to the message and for the
 * answer to QUIT: on the loop, one mail server that thinks for ten seconds would hold up every target for ten
 * seconds. So a mail never runs there. Its thread is made for it (a mail costs milliseconds, a thread
 * microseconds), works on copies, and reports to a desk where the loop picks it up; how many there are at
 * once is the engine's limit per target. What a cancelled mail does to its server is its own affair; nobody
 * hears of it. */
#ifndef ALMONER_GATEWAY_NET_SMTP_WORKER_H
#define ALMONER_GATEWAY_NET_SMTP_WORKER_H

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "gateway/engine/ports.h"
#include "gateway/net/loop.h"
#include "gateway/net/smtp/reply.h"

struct exchange;
struct smtp_workers;

struct smtp_worker {
	TAILQ_ENTRY(smtp_worker) link;          /* of all the desk's jobs; loop's thread */
	TAILQ_ENTRY(smtp_worker) finished_link; /* of the finished ones; under the desk's lock */
	struct smtp_workers *workers;
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

TAILQ_HEAD(smtp_worker_list, smtp_worker);

struct smtp_workers {
	struct loop *loop;
	struct smtp_worker_list running; /* loop's thread */
	pthread_mutex_t lock;
	struct smtp_worker_list finished;
};

void smtp_workers_init(struct smtp_workers *workers, struct loop *loop);
/* Cancels and waits for all jobs: up to a second each, all at once. */
void smtp_workers_finish(struct smtp_workers *workers);

/* What makes a mail unsendable, for a person; NULL: nothing. */
const char *smtp_message_fault(const struct almoner_mail *mail, char text[200]);

/* Copies the mail and starts its thread. NULL when there is no memory or thread for it: nothing was sent. */
struct smtp_worker *smtp_worker_start(struct smtp_workers *workers, struct exchange *owner,
									  const struct transport_request *request);
/* Its owner is not interested any more. */
void smtp_worker_cancel(struct smtp_worker *worker);

/* A job that has ended, its thread with it; NULL: none. Free it with smtp_worker_free. */
struct smtp_worker *smtp_workers_collect(struct smtp_workers *workers);
void smtp_worker_free(struct smtp_worker *worker);

/* Is there nothing more to wait for? The thread's own. */
bool smtp_worker_is_done(struct smtp_worker *worker);

/* Sets the handle to the mail; part of smtp_worker_start, and of the check that libcurl knows all options. */
MUST_CHECK CURLcode smtp_message_init(struct smtp_worker *worker, const struct transport_limits *limits);

#endif
