#include "gateway/net/transfer_internal.h"
#include "saga/base/clock.h"

/* libcurl says when it wants to be called. libcurl forbids calling it from inside this function, even for a
 * time-out of 0; transfer_on_send sets the loop's deadline later. */
int transfer_on_timer(CURLM *multi, long timeout_ms, void *transfer)
{
	(void)multi;
	struct transfer *t = transfer;
	/* Rounds up by 1 ms: an early call would find nothing due. */
	if (timeout_ms > 0)
		t->curl_due_ms = clock_monotonic_ms() + timeout_ms + 1;
	else
		t->curl_due_ms = timeout_ms == 0 ? 0 : TRANSFER_NEVER;
	return 0;
}

static void run_due(struct transfer *t)
{
	if (t->curl_due_ms == TRANSFER_NEVER || t->curl_due_ms > clock_monotonic_ms())
		return;
	t->curl_due_ms = TRANSFER_NEVER;
	int running = 0;
	CURLMcode code = curl_multi_socket_action(t->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	assert(code == CURLM_OK);
	t->has_uncollected = (size_t)running < t->running_count;
}

/* libcurl looks at its time-outs before it looks at what has arrived: a reply that came while the process
 * stood still would be thrown away, and the outcome of its step would be unknown. */
void transfer_on_stall(void *transfer, int64_t stalled_ms)
{
	struct transfer *t = transfer;
	struct exchange *x;
	TAILQ_FOREACH(x, &t->running, link)
	{
		if (x->state == EXCHANGE_HTTP)
			exchange_extend(x, stalled_ms);
	}
}

/* ---- collecting ---- */

/* `done` may cancel other exchanges; curl_multi_info_read never returns a handle that was removed. */
static void collect_http(struct transfer *t)
{
	CURLMsg *message;
	int left = 0;
	while ((message = curl_multi_info_read(t->multi, &left)) != NULL) {
		if (message->msg != CURLMSG_DONE)
			continue;
		void *private = NULL;
		CURLcode result = message->data.result; /* libcurl frees the message when the handle is removed */
		CURLcode code = curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
		assert(code == CURLE_OK && private != NULL);
		struct exchange *x = private;
		if (x->looking_up)
			transfer_lookup_ended(t, x->request.target, result == CURLE_COULDNT_RESOLVE_HOST);
		transfer_deliver(t, x, result);
	}
}

/* A cancelled mail has no owner any more, but how its look-up ended still counts. */
static void collect_mails(struct transfer *t)
{
	struct smtp_worker *worker;
	while ((worker = smtp_workers_collect(&t->smtp)) != NULL) {
		bool answered = !worker->message.looking_up || worker->code == CURLE_COULDNT_RESOLVE_HOST;
		transfer_lookup_ended(t, worker->target, answered);
		if (worker->owner != NULL)
			transfer_deliver(t, worker->owner, worker->code);
		smtp_worker_free(worker);
	}
}

/* Delivers only the exchanges that were in the list at the beginning: `done` may submit a request that
 * fails locally as well, and then this loop would never end. */
static void deliver_failed_locally(struct transfer *t)
{
	for (size_t n = t->failed_locally_count; n > 0 && !TAILQ_EMPTY(&t->failed_locally); n--)
		transfer_deliver(t, TAILQ_FIRST(&t->failed_locally), CURLE_OK);
}

/* ---- the hooks ---- */

void transfer_on_gather(void *transfer)
{
	struct transfer *t = transfer;
	run_due(t);
	t->has_uncollected = false;
	t->delivering = true;
	deliver_failed_locally(t);
	collect_http(t);
	collect_mails(t);
	t->delivering = false;
}

/* Runs libcurl once more for what was submitted in this turn, then says when the next turn is needed. */
void transfer_on_send(void *transfer)
{
	struct transfer *t = transfer;
	run_due(t);
	int64_t wait_ms = -1;
	if (t->has_uncollected || !TAILQ_EMPTY(&t->failed_locally))
		wait_ms = 0;
	else if (t->curl_due_ms != TRANSFER_NEVER)
		wait_ms = t->curl_due_ms > clock_monotonic_ms() ? t->curl_due_ms - clock_monotonic_ms() : 0;
	loop_set_deadline_of(t->loop, LOOP_DEADLINE_TRANSFER, wait_ms);
}
