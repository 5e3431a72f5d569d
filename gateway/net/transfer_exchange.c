#include "gateway/net/transfer_internal.h"
#include "saga/base/clock.h"

static struct exchange *acquire_exchange(struct transfer *t, const struct transport_request *request)
{
	struct target_pool *pool = pool_of(&t->pools, request->target);
	struct exchange *x = request->kind == ALMONER_SEND_HTTP ? pool_take(pool) : NULL;
	if (x != NULL)
		return x;
	struct err err;
	x = exchange_create(request->kind, t->loop, t->sockets, &pool->lookups, &err);
	/* transfer_create has tried exchange_create, and a lack of memory ends the process anyway */
	assert(x != NULL);
	return x;
}

static void release_exchange(struct transfer *t, struct exchange *x)
{
	if (x->request.kind != ALMONER_SEND_HTTP) {
		exchange_destroy(x);
		return;
	}
	struct target_pool *pool = pool_of(&t->pools, x->request.target);
	exchange_unload(x);
	pool_put(pool, x);
}

/* ---- the lists ---- */

/* Gives the list for exchanges in `state`. *ret_count: the counter of that list, or NULL if it has none. */
static struct exchange_list *list_of(struct transfer *t, enum exchange_state state, size_t **ret_count)
{
	*ret_count = NULL;
	if (state == EXCHANGE_MAIL)
		return &t->smtp_running;
	if (state == EXCHANGE_HTTP) {
		*ret_count = &t->running_count;
		return &t->running;
	}
	assert(state == EXCHANGE_FAILED_LOCALLY);
	*ret_count = &t->failed_locally_count;
	return &t->failed_locally;
}

static void insert_exchange(struct transfer *t, struct exchange *x)
{
	size_t *count;
	struct exchange_list *list = list_of(t, x->state, &count);
	TAILQ_INSERT_TAIL(list, x, link);
	if (count != NULL)
		++*count;
}

static void remove_exchange(struct transfer *t, struct exchange *x)
{
	assert(t != NULL);
	size_t *count;
	struct exchange_list *list = list_of(t, x->state, &count);
	TAILQ_REMOVE(list, x, link);
	if (count != NULL)
		--*count;
	if (x->state == EXCHANGE_HTTP) {
		CURLMcode code = curl_multi_remove_handle(t->multi, x->easy);
		assert(code == CURLM_OK);
	}
}

/* ---- submitting ---- */

static void start_http(struct transfer *t, struct exchange *x)
{
	if (!exchange_load(x))
		return;
	CURLMcode code = curl_multi_add_handle(t->multi, x->easy);
	assert(code == CURLM_OK);
}

/* The look-up counts as begun here, on the loop's thread: the callbacks of a mail's handle run on another
 * thread. */
static void start_mail(struct transfer *t, struct exchange *x)
{
	char text[SMTP_FAULT_BYTES];
	const char *fault = smtp_message_fault(x->request.mail, text);
	if (fault != NULL) {
		exchange_fail(x, TRANSPORT_NOT_SENDABLE, "%s", fault);
		return;
	}
	if (!lookups_begin(x->lookups, clock_monotonic_ms())) {
		exchange_fail(x, TRANSPORT_UNREACHABLE, EXCHANGE_LOOKUPS_HANG);
		return;
	}
	x->state = EXCHANGE_MAIL;
	x->worker = smtp_worker_start(&t->smtp, x, &x->request);
	if (x->worker == NULL)
		exchange_fail(x, TRANSPORT_UNREACHABLE, "no memory or no thread left to send the mail");
}

/* Never calls `done`: also a request that fails at once is delivered in the next turn, so that the caller
 * need not expect the result inside its call. */
void *transfer_submit(void *transfer, const struct transport_request *request)
{
	struct transfer *t = transfer;
	assert(request->kind == ALMONER_SEND_HTTP ? request->http != NULL : request->mail != NULL);
	struct exchange *x = acquire_exchange(t, request);
	x->request = *request;
	x->started_ms = clock_monotonic_ms();
	/* A caller outside the loop's turns needs a turn to come, or the request would not be sent. */
	loop_set_deadline_of(t->loop, LOOP_DEADLINE_TRANSFER, 0);
	if (request->kind == ALMONER_SEND_HTTP)
		start_http(t, x);
	else
		start_mail(t, x);
	insert_exchange(t, x);
	return x;
}

/* ---- the end ---- */

void transfer_lookup_ended(struct transfer *t, uint32_t target, bool answered)
{
	struct lookups *lookups = &pool_of(&t->pools, target)->lookups;
	if (answered)
		lookups_answered(lookups);
	else
		lookups_lost(lookups, clock_monotonic_ms());
}

void transfer_cancel(void *transfer, void *exchange)
{
	struct transfer *t = transfer;
	struct exchange *x = exchange;
	remove_exchange(t, x);
	if (x->state == EXCHANGE_HTTP && x->looking_up)
		transfer_lookup_ended(t, x->request.target, false);
	if (x->state == EXCHANGE_MAIL)
		smtp_worker_cancel(x->worker);
	release_exchange(t, x);
}

/* The result borrows the reply from the exchange, so the exchange goes back to its pool only after `done`. It
 * leaves its list before: `done` may cancel other exchanges, but no longer this one. */
void transfer_deliver(struct transfer *t, struct exchange *x, CURLcode code)
{
	assert(x->state != EXCHANGE_IDLE);
	struct transport_result result = { 0 };
	exchange_result(x, code, &result);
	result.duration_ms = clock_monotonic_ms() - x->started_ms;
	remove_exchange(t, x);
	x->request.done(x->request.ctx, &result);
	release_exchange(t, x);
}
