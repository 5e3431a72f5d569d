#include "gateway/net/exchange.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/net/classify.h"
#include "gateway/net/smtp/worker.h"
#include "saga/base/mem.h"

/* What holds for every exchange. Nothing is taken from the environment, nothing is followed. */
static const struct curl_long_option common_longs[] = {
	{ CURLOPT_NOSIGNAL, 1 },
	{ CURLOPT_QUICK_EXIT, 1 }, /* a hanging resolver must not hold up whoever gives up on it */
	{ CURLOPT_FOLLOWLOCATION, 0 },
	{ CURLOPT_MAXREDIRS, 0 },
	{ CURLOPT_NETRC, CURL_NETRC_IGNORED },
	{ CURLOPT_SSL_VERIFYPEER, 1 },
	{ CURLOPT_SSL_VERIFYHOST, 2 },
	{ CURLOPT_TCP_NODELAY, 1 },
	{ CURLOPT_TCP_KEEPALIVE, 1 },
	{ CURLOPT_TCP_KEEPIDLE, 30 },
	{ CURLOPT_TCP_KEEPINTVL, 10 },
	{ 0, 0 },
};

CURLcode curl_options_set_longs(CURL *easy, const struct curl_long_option *options)
{
	for (; options->option != 0; options++) {
		CURLcode code = curl_easy_setopt(easy, options->option, options->value);
		if (code != CURLE_OK)
			return code;
	}
	return CURLE_OK;
}

/* A folder of certificates beside the file (Debian's libcurl has both, with the same in them) keeps libcurl
 * from holding on to the store it made of the file: each TLS connection would read it again, 30 ms on the
 * loop. */
static CURLcode use_ca_file_only(CURL *easy)
{
	if (curl_version_info(CURLVERSION_NOW)->cainfo == NULL)
		return CURLE_OK;
	return curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
}

CURLcode curl_options_set_common(CURL *easy, char *error)
{
	CURLcode code = curl_options_set_longs(easy, common_longs);
	if (code == CURLE_OK)
		code = use_ca_file_only(easy);
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* also overrides http_proxy and its kin … */
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_NOPROXY, "*"); /* … and no_proxy */
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "https");
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
	return code;
}

static CURLcode set_up_handle(struct exchange *x)
{
	CURLcode code = curl_options_set_common(x->easy, x->error);
	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_PRIVATE, x);
	if (code == CURLE_OK)
		code = sockets_attach(sockets_of_transfer(x->transfer), x);
	if (code == CURLE_OK)
		code = http_request_init(x);
	return code;
}

struct exchange *exchange_create(struct transfer *transfer, enum almoner_action_kind kind, struct err *err)
{
	struct exchange *x = mem_zalloc(sizeof(*x));
	x->transfer = transfer;
	x->request.kind = kind;
	x->limits_set = (struct transport_limits){ .connect_timeout_ms = -1, .timeout_ms = -1 };
	http_reply_init(&x->reply);
	if (kind != ALMONER_SEND_HTTP)
		return x;
	x->easy = curl_easy_init();
	CURLcode code = x->easy != NULL ? set_up_handle(x) : CURLE_OUT_OF_MEMORY;
	if (code != CURLE_OK) {
		err_set(err, ERR_SYSTEM, "libcurl %s has no memory or lacks an option almoner relies on: %s",
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

int exchange_fail(struct exchange *x, enum transport_verdict verdict, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vsnprintf(x->reason, sizeof(x->reason), fmt, args);
	va_end(args);
	x->verdict = verdict;
	x->state = EXCHANGE_FAILED_LOCALLY;
	return ERR_REFUSED;
}

long curl_options_timeout(int64_t ms)
{
	if (ms < 1)
		return 1;
	return ms > INT32_MAX ? INT32_MAX : (long)ms;
}

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

int exchange_load(struct exchange *x)
{
	x->state = EXCHANGE_HTTP;
	x->request_began = false;
	x->connected = false;
	x->resend_stopped = false;
	x->too_slow = false;
	x->looking_up = false;
	x->lookup_refused = false;
	x->reply_began_ms = 0;
	x->error[0] = '\0';
	CURLcode code = load_limits(x);
	if (code != CURLE_OK)
		return exchange_refuse(x, "the time-outs are not usable: %s", curl_easy_strerror(code));
	return http_request_load(x);
}

void exchange_extend(struct exchange *x, int64_t stalled_ms)
{
	struct transport_limits *have = &x->limits_set;
	have->connect_timeout_ms += stalled_ms; /* no longer what is wanted: the next request sets its own */
	have->timeout_ms += stalled_ms;
	if (x->reply_began_ms != 0)
		x->reply_began_ms += stalled_ms;
	/* Neither can fail but for want of memory; then the old limits stay. */
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

/* ---- the verdict ---- */

static void fill_http_reply(struct exchange *x, struct almoner_reply *reply)
{
	long status = 0;
	curl_off_t retry_after_s = 0;
	CURLcode code = curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	assert(code == CURLE_OK);
	code = curl_easy_getinfo(x->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
	assert(code == CURLE_OK);

	const curl_off_t year_s = (curl_off_t)365 * 24 * 3600;
	if (retry_after_s < 0)
		retry_after_s = 0;
	if (retry_after_s > year_s)
		retry_after_s = year_s; /* so that nobody's sum overflows; the engine has a cap of its own */
	const struct buf *body = &x->reply.body;
	*reply = (struct almoner_reply){ .size = sizeof(*reply),
									 .status = (uint32_t)status,
									 .headers = http_reply_fields(&x->reply),
									 .header_count = x->reply.field_count,
									 .body = { .p = body->data != NULL ? body->data : "", .len = body->len },
									 .truncated = x->reply.truncated,
									 .retry_after_ms = (int64_t)retry_after_s * 1000 };
}

static enum transport_verdict http_verdict(struct exchange *x, CURLcode code)
{
	long request_bytes = 0;
	CURLcode asked = curl_easy_getinfo(x->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
	assert(asked == CURLE_OK);
	struct http_evidence evidence = { .end = classify_end((int)code),
									  .request_began = x->request_began,
									  .encrypted = x->http.encrypted,
									  .request_bytes = (uint64_t)request_bytes,
									  .head_complete = x->reply.head_complete,
									  .body_cut_by_us = x->reply.truncated };
	return classify_http(&evidence);
}

/* Peers have a say in some of these texts: what comes out is one printable line. */
static void write_detail(struct transport_result *result, const char *reason, const char *server_reply)
{
	static const char *const leads[] = { [TRANSPORT_REPLY] = "",
										 [TRANSPORT_UNREACHABLE] = "not reached: ",
										 [TRANSPORT_UNKNOWN] = "sent, but no complete reply: ",
										 [TRANSPORT_NOT_SENDABLE] = "not sendable: " };
	snprintf(result->detail, sizeof(result->detail), "%s%s%s%.100s", leads[result->verdict], reason,
			 server_reply != NULL ? "; the server said: " : "", server_reply != NULL ? server_reply : "");
	for (char *p = result->detail; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
}

static const char *http_failure_reason(const struct exchange *x, CURLcode code)
{
	if (x->resend_stopped)
		return "the connection was closed before any reply came";
	if (x->lookup_refused)
		return EXCHANGE_LOOKUPS_HANG;
	if (x->too_slow)
		return "the reply came too slowly";
	if (x->reply.head_too_long ||
		(x->request_began && code == CURLE_OUT_OF_MEMORY)) /* of libcurl's for one line */
		return "the reply's header does not end";
	return x->error[0] != '\0' ? x->error : curl_easy_strerror(code);
}

static const char *mail_failure_reason(const struct smtp_worker *worker)
{
	if (worker->code == CURLE_ABORTED_BY_CALLBACK ||
		worker->code == CURLE_WRITE_ERROR) /* see smtp_worker_is_done */
		return "no answer within the time limit";
	return worker->error[0] != '\0' ? worker->error : curl_easy_strerror(worker->code);
}

static void mail_result(const struct smtp_worker *worker, struct transport_result *result)
{
	const struct smtp_reply *server_reply = &worker->reply;
	const char *text = server_reply->text.data != NULL ? server_reply->text.data : "";
	result->verdict = classify_mail(classify_end((int)worker->code), server_reply);
	if (result->verdict == TRANSPORT_REPLY) {
		result->reply = (struct almoner_reply){ .size = sizeof(result->reply),
												.status = server_reply->status,
												.body = { .p = text, .len = server_reply->text.len } };
		return;
	}
	write_detail(result, mail_failure_reason(worker), server_reply->status >= 400 ? text : NULL);
}

void exchange_result(struct exchange *x, CURLcode code, struct transport_result *result)
{
	if (x->state == EXCHANGE_FAILED_LOCALLY) {
		result->verdict = x->verdict;
		write_detail(result, x->reason, NULL);
		return;
	}
	if (x->state == EXCHANGE_MAIL) {
		mail_result(x->worker, result);
		return;
	}
	result->verdict = http_verdict(x, code);
	if (result->verdict == TRANSPORT_REPLY)
		fill_http_reply(x, &result->reply);
	else
		write_detail(result, http_failure_reason(x, code), NULL);
}
