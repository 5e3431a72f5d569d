#include "gateway/net/transfer.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gateway/net/exchange.h"
#include "gateway/net/lookup.h"
#include "gateway/net/smtp/worker.h"
#include "saga/base/mem.h"

/* Idle connections kept over all targets; with more, libcurl closes the oldest. */
#define IDLE_CONNECTIONS_MAX 256L
/* Idle handles kept per target; more than its usual number in flight is not worth the memory. */
#define IDLE_HANDLES_MAX 64
#define NEVER            INT64_MAX

struct target_pool {
	uint32_t target;
	struct exchange_list idle;
	size_t idle_count;
	struct lookups lookups;
};

struct transfer {
	struct loop *loop;
	CURLM *multi;
	struct sockets *sockets;
	struct smtp_workers smtp;
	struct exchange_list running;        /* with libcurl, or finished there and not yet collected */
	struct exchange_list smtp_running;   /* in a thread each, or finished there and not yet collected */
	struct exchange_list failed_locally; /* never sent; to be told so in the next turn */
	size_t running_count;
	size_t smtp_running_count;
	size_t failed_locally_count;
	int64_t curl_due_ms;  /* when libcurl wants to be called; monotonic */
	bool has_uncollected; /* something finished after this turn's collection */
	bool delivering;
	struct target_pool *pools;
	size_t pool_count;
};

struct sockets *sockets_of_transfer(struct transfer *t)
{
	return t->sockets;
}

int64_t transfer_now_ms(const struct transfer *t)
{
	return loop_now_ms(t->loop);
}

static int64_t clock_ms(void)
{
	struct timespec now;
	int failed = clock_gettime(CLOCK_MONOTONIC, &now);
	assert(failed == 0);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- pools ---- */

static struct target_pool *find_pool(struct transfer *t, uint32_t target)
{
	for (size_t i = 0; i < t->pool_count; i++)
		if (t->pools[i].target == target)
			return &t->pools[i];
	return NULL;
}

/* The lists have pointers to themselves inside, so they are re-made when the array moves. */
static void move_list(struct exchange_list *to, struct exchange_list *from)
{
	TAILQ_INIT(to);
	TAILQ_CONCAT(to, from, link);
}

static struct target_pool *add_pool(struct transfer *t, uint32_t target)
{
	struct target_pool *pools = mem_alloc((t->pool_count + 1) * sizeof(*pools));
	for (size_t i = 0; i < t->pool_count; i++) {
		pools[i] = t->pools[i];
		move_list(&pools[i].idle, &t->pools[i].idle);
	}
	free(t->pools);
	t->pools = pools;
	struct target_pool *pool = &pools[t->pool_count++];
	*pool = (struct target_pool){ .target = target };
	TAILQ_INIT(&pool->idle);
	return pool;
}

static struct target_pool *pool_of(struct transfer *t, uint32_t target)
{
	struct target_pool *pool = find_pool(t, target);
	return pool != NULL ? pool : add_pool(t, target);
}

static struct exchange *acquire_exchange(struct transfer *t, const struct transport_request *request)
{
	struct target_pool *pool = pool_of(t, request->target);
	struct exchange *x = request->kind == ALMONER_SEND_HTTP ? TAILQ_FIRST(&pool->idle) : NULL;
	if (x != NULL) {
		TAILQ_REMOVE(&pool->idle, x, link);
		pool->idle_count--;
		return x;
	}
	struct err err;
	x = exchange_create(t, request->kind, &err);
	assert(x != NULL); /* transfer_create made one: what is left is memory, and that ends the process */
	return x;
}

static void release_exchange(struct transfer *t, struct exchange *x)
{
	struct target_pool *pool = x->request.kind == ALMONER_SEND_HTTP ? pool_of(t, x->request.target) : NULL;
	if (pool == NULL || pool->idle_count >= IDLE_HANDLES_MAX) {
		exchange_destroy(x);
		return;
	}
	exchange_unload(x);
	TAILQ_INSERT_HEAD(&pool->idle, x, link); /* the warmest first */
	pool->idle_count++;
}

static void drain_pool(struct target_pool *pool)
{
	struct exchange *x;
	while ((x = TAILQ_FIRST(&pool->idle)) != NULL) {
		TAILQ_REMOVE(&pool->idle, x, link);
		exchange_destroy(x);
	}
	pool->idle_count = 0;
}

void transfer_forget_target(struct transfer *t, uint32_t target)
{
	struct target_pool *pool = find_pool(t, target);
	if (pool != NULL)
		drain_pool(pool);
}

/* ---- look-ups of names ---- */

bool lookup_target_begin(struct transfer *t, uint32_t target)
{
	return lookups_begin(&pool_of(t, target)->lookups, clock_ms());
}

void lookup_target_answered(struct transfer *t, uint32_t target)
{
	lookups_answered(&pool_of(t, target)->lookups);
}

/* What became of a look-up that no connection followed. */
static void lookup_ended(struct transfer *t, uint32_t target, bool answered)
{
	if (answered)
		lookup_target_answered(t, target);
	else
		lookups_lost(&pool_of(t, target)->lookups, clock_ms());
}

/* ---- one exchange ---- */

static struct exchange_list *list_of(struct transfer *t, enum exchange_state state, size_t **ret_count)
{
	if (state == EXCHANGE_HTTP) {
		*ret_count = &t->running_count;
		return &t->running;
	}
	if (state == EXCHANGE_MAIL) {
		*ret_count = &t->smtp_running_count;
		return &t->smtp_running;
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
	++*count;
}

static void remove_exchange(struct transfer *t, struct exchange *x)
{
	size_t *count;
	struct exchange_list *list = list_of(t, x->state, &count);
	TAILQ_REMOVE(list, x, link);
	--*count;
	if (x->state == EXCHANGE_HTTP) {
		CURLMcode code = curl_multi_remove_handle(t->multi, x->easy);
		assert(code == CURLM_OK);
	}
}

static void start_http(struct transfer *t, struct exchange *x)
{
	if (exchange_load(x) != 0)
		return;
	CURLMcode code = curl_multi_add_handle(t->multi, x->easy);
	assert(code == CURLM_OK);
}

static void start_mail(struct transfer *t, struct exchange *x)
{
	char text[DETAIL_BYTES];
	const char *fault = smtp_message_fault(x->request.mail, text);
	if (fault != NULL) {
		exchange_refuse(x, "%s", fault);
		return;
	}
	if (!lookup_target_begin(t, x->request.target)) {
		exchange_fail(x, TRANSPORT_UNREACHABLE, EXCHANGE_LOOKUPS_HANG);
		return;
	}
	x->state = EXCHANGE_MAIL;
	x->worker = smtp_worker_start(&t->smtp, x, &x->request);
	if (x->worker == NULL)
		exchange_fail(x, TRANSPORT_UNREACHABLE, "no memory or no thread left to send the mail");
}

static void *submit(void *ctx, const struct transport_request *request)
{
	struct transfer *t = ctx;
	assert(request->kind == ALMONER_SEND_HTTP ? request->http != NULL : request->mail != NULL);
	struct exchange *x = acquire_exchange(t, request);
	x->request = *request;
	x->started_ms = clock_ms();
	loop_set_deadline_of(t->loop, LOOP_DEADLINE_TRANSFER, 0); /* for a caller outside the loop's turns */
	if (request->kind == ALMONER_SEND_HTTP)
		start_http(t, x);
	else
		start_mail(t, x);
	insert_exchange(t, x);
	return x;
}

static void cancel(void *ctx, void *exchange)
{
	struct transfer *t = ctx;
	struct exchange *x = exchange;
	remove_exchange(t, x);
	if (x->state == EXCHANGE_HTTP && x->looking_up)
		lookup_ended(t, x->request.target, false);
	if (x->state == EXCHANGE_MAIL)
		smtp_worker_cancel(x->worker);
	release_exchange(t, x);
}

/* The reply lives in the exchange, so that goes back to its pool only afterwards. */
static void deliver(struct transfer *t, struct exchange *x, CURLcode code)
{
	struct transport_result result = { 0 };
	exchange_result(x, code, &result);
	result.duration_ms = clock_ms() - x->started_ms;
	remove_exchange(t, x);
	x->request.done(x->request.ctx, &result);
	release_exchange(t, x);
}

struct transport transfer_transport(struct transfer *t)
{
	return (struct transport){ .ctx = t, .submit = submit, .cancel = cancel };
}

size_t transfer_in_flight(const struct transfer *t)
{
	return t->running_count + t->smtp_running_count + t->failed_locally_count;
}

/* ---- turns of the loop ---- */

/* libcurl's timer. It must not be answered by calling libcurl from here, not even for 0; on_send arms it. */
static int on_timer(CURLM *multi, long timeout_ms, void *ctx)
{
	(void)multi;
	struct transfer *t = ctx;
	/* The millisecond just begun does not count, or the call comes early and is for nothing. */
	if (timeout_ms > 0)
		t->curl_due_ms = clock_ms() + timeout_ms + 1;
	else
		t->curl_due_ms = timeout_ms == 0 ? 0 : NEVER;
	return 0;
}

static void run_due(struct transfer *t)
{
	if (t->curl_due_ms == NEVER || t->curl_due_ms > clock_ms())
		return;
	t->curl_due_ms = NEVER;
	int running = 0;
	CURLMcode code = curl_multi_socket_action(t->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	assert(code == CURLM_OK);
	t->has_uncollected = (size_t)running < t->running_count;
}

static void deliver_http(struct transfer *t, struct exchange *x, CURLcode code)
{
	if (x->looking_up)
		lookup_ended(t, x->request.target, code == CURLE_COULDNT_RESOLVE_HOST);
	deliver(t, x, code);
}

static void collect(struct transfer *t)
{
	CURLMsg *message;
	int left = 0;
	while ((message = curl_multi_info_read(t->multi, &left)) != NULL) {
		if (message->msg != CURLMSG_DONE)
			continue;
		void *x = NULL;
		CURLcode code = curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &x);
		assert(code == CURLE_OK && x != NULL);
		deliver_http(t, x, message->data.result);
	}
}

/* libcurl looks at its time-outs before it looks at what has arrived: a reply that came while the process
 * stood still would be thrown away, and its step doubted. */
static void on_stall(void *ctx, int64_t stalled_ms)
{
	struct transfer *t = ctx;
	struct exchange *x;
	TAILQ_FOREACH(x, &t->running, link)
	{
		if (x->state == EXCHANGE_HTTP)
			exchange_extend(x, stalled_ms);
	}
}

/* A cancelled one has no owner any more. */
static void collect_mails(struct transfer *t)
{
	struct smtp_worker *worker;
	while ((worker = smtp_workers_collect(&t->smtp)) != NULL) {
		if (worker->looking_up)
			lookup_ended(t, worker->target, worker->code == CURLE_COULDNT_RESOLVE_HOST);
		else
			lookup_target_answered(t, worker->target);
		if (worker->owner != NULL)
			deliver(t, worker->owner, worker->code);
		smtp_worker_free(worker);
	}
}

/* Only those that were there before: `done` may submit, and be refused again. */
static void deliver_failed_locally(struct transfer *t)
{
	for (size_t n = t->failed_locally_count; n > 0 && !TAILQ_EMPTY(&t->failed_locally); n--)
		deliver(t, TAILQ_FIRST(&t->failed_locally), CURLE_OK);
}

static void on_gather(void *ctx)
{
	struct transfer *t = ctx;
	run_due(t);
	t->has_uncollected = false;
	t->delivering = true;
	deliver_failed_locally(t);
	collect(t);
	collect_mails(t);
	t->delivering = false;
}

static void on_send(void *ctx)
{
	struct transfer *t = ctx;
	run_due(t);
	int64_t wait_ms = -1;
	if (t->has_uncollected || !TAILQ_EMPTY(&t->failed_locally))
		wait_ms = 0;
	else if (t->curl_due_ms != NEVER)
		wait_ms = t->curl_due_ms > clock_ms() ? t->curl_due_ms - clock_ms() : 0;
	loop_set_deadline_of(t->loop, LOOP_DEADLINE_TRANSFER, wait_ms);
}

/* ---- life ---- */

static void set_up_multi(struct transfer *t)
{
	CURLMcode code = curl_multi_setopt(t->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	assert(code == CURLM_OK);
	code = curl_multi_setopt(t->multi, CURLMOPT_TIMERDATA, t);
	assert(code == CURLM_OK);
	code = curl_multi_setopt(t->multi, CURLMOPT_MAXCONNECTS, IDLE_CONNECTIONS_MAX);
	assert(code == CURLM_OK);
	code = curl_multi_setopt(t->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	assert(code == CURLM_OK);
	/* No limit of libcurl's on connections: how many are in flight is the engine's decision, and what waits
	 * must wait in its queues, where it is seen. */
}

/* Whether this libcurl takes all the options: found out now, not at the first exchange. */
static bool try_http(struct transfer *t, struct err *err)
{
	struct exchange *x = exchange_create(t, ALMONER_SEND_HTTP, err);
	exchange_destroy(x);
	return x != NULL;
}

static bool try_mail(struct err *err)
{
	const struct transport_limits limits = { .connect_timeout_ms = 1, .timeout_ms = 1 };
	struct smtp_worker worker = {
		.easy = curl_easy_init(),
		.mail = { .host = { "localhost", 9 }, .port = 25, .from = { "", 0 }, .to = { "", 0 } }
	};
	CURLcode code = worker.easy != NULL ? smtp_message_init(&worker, &limits) : CURLE_OUT_OF_MEMORY;
	curl_easy_cleanup(worker.easy);
	if (code != CURLE_OK)
		err_set(err, ERR_SYSTEM, "libcurl %s cannot send mail as almoner needs it: %s", curl_version(),
				curl_easy_strerror(code));
	return code == CURLE_OK;
}

struct transfer *transfer_create(struct loop *loop, struct err *err)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		err_set(err, ERR_SYSTEM, "libcurl does not start");
		return NULL;
	}
	CURLM *multi = curl_multi_init();
	if (multi == NULL) {
		curl_global_cleanup();
		err_set(err, ERR_SYSTEM, "libcurl gives no multi handle: out of memory");
		return NULL;
	}
	struct transfer *t = mem_zalloc(sizeof(*t));
	t->loop = loop;
	t->multi = multi;
	t->curl_due_ms = NEVER;
	TAILQ_INIT(&t->running);
	TAILQ_INIT(&t->smtp_running);
	TAILQ_INIT(&t->failed_locally);
	smtp_workers_init(&t->smtp, loop);
	t->sockets = sockets_create(loop, multi);
	set_up_multi(t);
	if (!try_http(t, err) || !try_mail(err)) {
		transfer_destroy(t);
		return NULL;
	}
	loop_set_hook(loop, LOOP_GATHER, on_gather, t);
	loop_on_stall(loop, on_stall, t);
	loop_set_hook(loop, LOOP_SEND, on_send, t);
	return t;
}

static void cancel_all(struct transfer *t, struct exchange_list *list)
{
	struct exchange *x;
	while ((x = TAILQ_FIRST(list)) != NULL)
		cancel(t, x);
}

void transfer_destroy(struct transfer *t)
{
	if (t == NULL)
		return;
	assert(!t->delivering);
	cancel_all(t, &t->running);
	cancel_all(t, &t->smtp_running);
	cancel_all(t, &t->failed_locally);
	smtp_workers_finish(&t->smtp);
	for (size_t i = 0; i < t->pool_count; i++)
		drain_pool(&t->pools[i]);
	free(t->pools);
	CURLMcode code = curl_multi_cleanup(t->multi);
	assert(code == CURLM_OK);
	sockets_destroy(t->sockets);
	loop_set_hook(t->loop, LOOP_GATHER, NULL, NULL);
	loop_on_stall(t->loop, NULL, NULL);
	loop_set_hook(t->loop, LOOP_SEND, NULL, NULL);
	loop_set_deadline_of(t->loop, LOOP_DEADLINE_TRANSFER, -1);
	free(t);
	curl_global_cleanup();
}
