#include "gateway/net/exchange.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/net/curl_options.h"
#include "gateway/net/lookup.h"
#include "gateway/net/loop.h"
#include "gateway/net/sockets.h"
#include "saga/base/clock.h"
#include "saga/base/mem.h"

/* ---- callbacks of libcurl ---- */

/* libcurl calls this when a connection is established and the request is about to be sent; and again when a
 * reused connection died and libcurl wants to send the request a second time. Sending again is safe only if
 * certainly no byte of the first attempt went out. */
static int on_before_request(void *ctx, char *peer_ip, char *own_ip, int peer_port, int own_port)
{
	(void)peer_ip;
	(void)own_ip;
	(void)peer_port;
	(void)own_port;
	struct exchange *x = ctx;
	long sent_bytes = 0;
	if (x->request_began &&
		(x->http.encrypted || curl_easy_getinfo(x->easy, CURLINFO_REQUEST_SIZE, &sent_bytes) != CURLE_OK ||
		 sent_bytes > 0)) {
		x->resend_stopped = true;
		return CURL_PREREQFUNC_ABORT;
	}
	x->request_began = true;
	x->connected = true;
	return CURL_PREREQFUNC_OK;
}

/* libcurl calls this before it starts a thread that asks the resolver; a result other than 0 prevents
 * that. */
static int on_lookup(void *resolver, void *reserved, void *ctx)
{
	(void)resolver;
	(void)reserved;
	struct exchange *x = ctx;
	x->looking_up = lookups_begin(x->lookups, clock_monotonic_ms());
	x->lookup_stopped = !x->looking_up;
	return x->lookup_stopped ? 1 : 0;
}

/* False: the reply comes too slowly, and reading stops. The time counts from the first byte of the reply. */
static bool is_fast_enough(struct exchange *x)
{
	int64_t now_ms = loop_now_ms(x->loop);
	if (x->reply_began_ms == 0)
		x->reply_began_ms = now_ms;
	x->too_slow = http_reply_is_slow(&x->reply, now_ms - x->reply_began_ms);
	return !x->too_slow;
}

static size_t on_header_line(char *line, size_t size, size_t count, void *ctx)
{
	struct exchange *x = ctx;
	return http_reply_line(&x->reply, line, size * count) && is_fast_enough(x) ? size * count : 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx)
{
	struct exchange *x = ctx;
	return http_reply_body(&x->reply, bytes, size * count) && is_fast_enough(x) ? size * count : 0;
}

/* ---- life ---- */

/* Sets the callbacks of the handle. Each gets the exchange, which lives as long as its handle. */
static CURLcode set_callbacks(struct exchange *x)
{
	CURLcode code = curl_easy_setopt(x->easy, CURLOPT_PRIVATE, x);
	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_PREREQFUNCTION, on_before_request);
	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_PREREQDATA, x);
	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_RESOLVER_START_FUNCTION, on_lookup);
	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_RESOLVER_START_DATA, x);
	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_HEADERFUNCTION, on_header_line);
	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_HEADERDATA, x);
	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, on_body);
	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_WRITEDATA, x);
	return code;
}

static CURLcode set_up_handle(struct exchange *x)
{
	CURLcode code = curl_options_set_common(x->easy, x->error);
	if (code == CURLE_OK)
		code = sockets_attach(x->sockets, x);
	if (code == CURLE_OK)
		code = http_request_init(&x->http, x->easy);
	if (code == CURLE_OK)
		code = set_callbacks(x);
	return code;
}

/* A mail exchange has no handle of its own: its worker has one. */
struct exchange *exchange_create(enum almoner_action_kind kind, struct loop *loop, struct sockets *sockets,
								 struct lookups *lookups, struct err *err)
{
	struct exchange *x = mem_zalloc(sizeof(*x));
	x->loop = loop;
	x->sockets = sockets;
	x->lookups = lookups;
	x->request.kind = kind;
	x->limits_set = (struct transport_limits){ .connect_timeout_ms = -1, .timeout_ms = -1 };
	http_reply_init(&x->reply);
	if (kind != ALMONER_SEND_HTTP)
		return x;
	x->easy = curl_easy_init();
	CURLcode code = x->easy != NULL ? set_up_handle(x) : CURLE_OUT_OF_MEMORY;
	if (code != CURLE_OK) {
		err_set(err, ERR_SYSTEM, "libcurl %s has no memory or lacks an option that almoner relies on: %s",
				curl_version(), curl_easy_strerror(code));
		exchange_destroy(x);
		return NULL;
	}
	return x;
}

void exchange_destroy(struct exchange *x)
{
	if (x == NULL)
		return;
	curl_easy_cleanup(x->easy);
	http_request_finish(&x->http);
	http_reply_finish(&x->reply);
	free(x);
}

/* ---- one request ---- */

void exchange_fail(struct exchange *x, enum transport_verdict verdict, const char *fmt, ...)
{
	assert(verdict != TRANSPORT_REPLY);
	va_list args;
	va_start(args, fmt);
	vsnprintf(x->reason, sizeof(x->reason), fmt, args);
	va_end(args);
	x->verdict = verdict;
	x->state = EXCHANGE_FAILED_LOCALLY;
}

/* Sets only the limits that differ from those of the handle's last request. */
static CURLcode load_limits(struct exchange *x)
{
	const struct transport_limits *want = &x->request.limits;
	struct transport_limits *have = &x->limits_set;
	CURLcode code = CURLE_OK;
	if (want->connect_timeout_ms != have->connect_timeout_ms)
		code = curl_easy_setopt(x->easy, CURLOPT_CONNECTTIMEOUT_MS,
								curl_options_timeout(want->connect_timeout_ms));
	if (code == CURLE_OK && want->timeout_ms != have->timeout_ms)
		code = curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS, curl_options_timeout(want->timeout_ms));
	if (code == CURLE_OK && want->fresh_connection != have->fresh_connection) {
		code = curl_easy_setopt(x->easy, CURLOPT_FRESH_CONNECT, (long)want->fresh_connection);
		if (code == CURLE_OK)
			code = curl_easy_setopt(x->easy, CURLOPT_FORBID_REUSE, (long)want->fresh_connection);
	}
	*have = *want;
	return code;
}

/* Sets the handle to the new request. Resets the evidence of the last request first, which would otherwise
 * decide the verdict of the new one. */
bool exchange_load(struct exchange *x)
{
	assert(x->request.kind == ALMONER_SEND_HTTP && x->request.http != NULL);
	x->state = EXCHANGE_HTTP;
	x->request_began = false;
	x->connected = false;
	x->resend_stopped = false;
	x->too_slow = false;
	x->looking_up = false;
	x->lookup_stopped = false;
	x->reply_began_ms = 0;
	x->error[0] = '\0';
	CURLcode code = load_limits(x);
	if (code != CURLE_OK) {
		exchange_fail(x, TRANSPORT_NOT_SENDABLE, "the time-outs are not usable: %s",
					  curl_easy_strerror(code));
		return false;
	}
	http_reply_reset(&x->reply, x->request.limits.reply_cap_bytes);
	char text[HTTP_FAULT_BYTES];
	const char *fault = http_request_load(&x->http, x->easy, x->request.http, text);
	if (fault != NULL)
		exchange_fail(x, TRANSPORT_NOT_SENDABLE, "%s", fault);
	return fault == NULL;
}

void exchange_extend(struct exchange *x, int64_t stalled_ms)
{
	struct transport_limits *have = &x->limits_set;
	/* The next request of this handle compares its limits with the changed ones, and sets its own. */
	have->connect_timeout_ms += stalled_ms;
	have->timeout_ms += stalled_ms;
	if (x->reply_began_ms != 0)
		x->reply_began_ms += stalled_ms;
	/* If an option cannot be set, the old limit stays; nothing else has to be done. */
	(void)curl_easy_setopt(x->easy, CURLOPT_CONNECTTIMEOUT_MS,
						   curl_options_timeout(have->connect_timeout_ms));
	(void)curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS, curl_options_timeout(have->timeout_ms));
}

void exchange_unload(struct exchange *x)
{
	x->state = EXCHANGE_IDLE;
	x->request = (struct transport_request){ .kind = x->request.kind, .target = x->request.target };
	http_reply_reset(&x->reply, 0);
}
