#include "gateway/net/transfer.h"

#include <stdlib.h>

#include "gateway/net/transfer_internal.h"
#include "saga/base/mem.h"

/* Idle connections kept over all targets; above this libcurl closes the oldest one. Chosen: a descriptor
 * each, a quarter of the usual limit of 1,024; no measurement. */
#define IDLE_CONNECTIONS_MAX 256L

struct transport transfer_transport(struct transfer *t)
{
	return (struct transport){ .ctx = t, .submit = transfer_submit, .cancel = transfer_cancel };
}

void transfer_forget_target(struct transfer *t, uint32_t target)
{
	struct target_pool *pool = pool_find(&t->pools, target);
	if (pool != NULL)
		pool_drain(pool);
}

/* No limit of libcurl's on connections: the engine decides how many requests are in flight, and requests that
 * wait must wait in the engine's queues, where operators see them. */
static void set_up_multi(struct transfer *t)
{
	CURLMcode code = curl_multi_setopt(t->multi, CURLMOPT_TIMERFUNCTION, transfer_on_timer);
	assert(code == CURLM_OK);
	code = curl_multi_setopt(t->multi, CURLMOPT_TIMERDATA, t);
	assert(code == CURLM_OK);
	code = curl_multi_setopt(t->multi, CURLMOPT_MAXCONNECTS, IDLE_CONNECTIONS_MAX);
	assert(code == CURLM_OK);
	code = curl_multi_setopt(t->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	assert(code == CURLM_OK);
}

/* Does this libcurl know all options that an exchange needs? Found out at the start, so that no exchange can
 * fail for that reason later. */
static bool try_http(struct transfer *t, struct err *err)
{
	struct exchange *x = exchange_create(ALMONER_SEND_HTTP, t->loop, t->sockets, NULL, err);
	exchange_destroy(x);
	return x != NULL;
}

/* Does this libcurl know all options that a mail needs? Found out at the start as well. */
static bool try_mail(struct err *err)
{
	const struct transport_limits limits = { .connect_timeout_ms = 1, .timeout_ms = 1 };
	const struct almoner_mail mail = {
		.host = { "localhost", 9 }, .port = 25, .from = { "", 0 }, .to = { "", 0 }
	};
	struct smtp_message message;
	CURLcode code = smtp_message_init(&message, &mail, &limits);
	smtp_message_finish(&message);
	if (code != CURLE_OK)
		err_set(err, ERR_SYSTEM, "libcurl %s cannot send mail as almoner needs it: %s", curl_version(),
				curl_easy_strerror(code));
	return code == CURLE_OK;
}

/* After the multi handle exists, an error is handled by transfer_destroy, which undoes everything. */
struct transfer *transfer_create(struct loop *loop, struct err *err)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		err_set(err, ERR_SYSTEM, "libcurl cannot be initialised");
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
	t->curl_due_ms = TRANSFER_NEVER;
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
	loop_set_hook(loop, LOOP_GATHER, transfer_on_gather, t);
	loop_on_stall(loop, transfer_on_stall, t);
	loop_set_hook(loop, LOOP_SEND, transfer_on_send, t);
	return t;
}

static void cancel_all(struct transfer *t, struct exchange_list *list)
{
	struct exchange *x;
	while ((x = TAILQ_FIRST(list)) != NULL)
		transfer_cancel(t, x);
}

/* The order matters: handles before the multi handle, and the sockets last, because curl_multi_cleanup closes
 * connections through them. */
void transfer_destroy(struct transfer *t)
{
	if (t == NULL)
		return;
	assert(!t->delivering);
	cancel_all(t, &t->running);
	cancel_all(t, &t->smtp_running);
	cancel_all(t, &t->failed_locally);
	smtp_workers_finish(&t->smtp);
	pool_destroy_all(&t->pools);
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
