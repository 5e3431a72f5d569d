/* Mails in threads of their own, one thread for each mail.
 *
 * libcurl 7.88 waits inside its calls, without giving the loop control, for the reply to the message and for
 * the answer to QUIT: on the loop's thread, a mail server that thinks for ten seconds would delay every
 * target by ten seconds. So a mail never runs there. Its thread is created for it (sending a mail costs
 * milliseconds, creating a thread costs microseconds), works on copies, and puts the finished mail on a list
 * from which the loop collects it. The engine's limit for each target bounds how many run at once.
 *
 * A cancelled mail may still reach its server; its outcome is not reported.
 *
 * Thread: the loop's, except where a member says otherwise. */
#ifndef ALMONER_GATEWAY_NET_SMTP_WORKER_H
#define ALMONER_GATEWAY_NET_SMTP_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "gateway/engine/ports.h"
#include "gateway/net/loop.h"
#include "gateway/net/smtp/message.h"
#include "gateway/net/smtp/reply.h"

struct exchange;
struct smtp_workers;

struct smtp_worker {
	TAILQ_ENTRY(smtp_worker) link;          /* in workers->running */
	TAILQ_ENTRY(smtp_worker) finished_link; /* the link in workers->finished; guarded by workers->lock */
	struct smtp_workers *workers;
	struct exchange *owner; /* gets the outcome; NULL once cancelled */
	uint32_t target;
	pthread_t thread;
	atomic_bool cancelled;
	/* The members below belong to the worker's thread until it has put the worker on workers->finished. */
	struct smtp_message message;
	int64_t timeout_ms;
	int64_t deadline_ms; /* monotonic time from which the worker does not even wait for the answer to QUIT */
	struct smtp_reply reply;
	CURLcode code; /* how libcurl ended */
};

TAILQ_HEAD(smtp_worker_list, smtp_worker);

struct smtp_workers {
	struct loop *loop;               /* borrowed */
	struct smtp_worker_list running; /* workers that have started and are not yet collected */
	pthread_mutex_t lock;
	struct smtp_worker_list finished; /* under `lock` */
};

void smtp_workers_init(struct smtp_workers *workers, struct loop *loop);
/* Cancels all workers and waits for their threads, all at once. A thread notices the cancellation within a
 * second, because libcurl calls its progress callback at least that often. */
void smtp_workers_finish(struct smtp_workers *workers);

/* Copies the mail of `request` and starts its thread. NULL when there is no memory or no thread: nothing was
 * sent. `owner` must live until the worker is collected or cancelled. */
MUST_CHECK struct smtp_worker *smtp_worker_start(struct smtp_workers *workers, struct exchange *owner,
												 const struct transport_request *request);
/* The owner no longer wants the outcome. The worker stays in the list until it is collected. */
void smtp_worker_cancel(struct smtp_worker *worker);

/* Takes one worker whose thread has ended off the lists; NULL: none. Free it with smtp_worker_free. */
struct smtp_worker *smtp_workers_collect(struct smtp_workers *workers);
void smtp_worker_free(struct smtp_worker *worker); /* accepts NULL */

#endif
