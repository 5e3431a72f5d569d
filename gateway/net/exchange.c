#include "gateway/net/exchange.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/net/classify.h"
#include "saga/base/mem.h"

/* What holds for every exchange. Nothing is taken from the environment, nothing is followed. */
static const struct long_option common_longs[] = {
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

CURLcode exchange_set_longs(CURL *easy, const struct long_option *options)
{
	for (; options->option != 0; options++) {
		CURLcode code = curl_easy_setopt(easy, options->option, options->value);
		if (code != CURLE_OK)
			return code;
	}
	return CURLE_OK;
}

static CURLcode set_common(struct exchange *x)
{
	CURLcode code = exchange_set_longs(x->easy, common_longs);
	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_PROXY, ""); /* also overrides http_proxy and its kin */
	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_REDIR_PROTOCOLS_STR, "https");
	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_ERRORBUFFER, x->error);
	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_PRIVATE, x);
	if (code == CURLE_OK)
		code = sockets_attach(transfer_sockets(x->transfer), x->easy);
	return code;
}

static CURLcode set_all(struct exchange *x)
{
	CURLcode code = set_common(x);
	if (code != CURLE_OK)
		return code;
	return x->request.kind == ALMONER_SEND_HTTP ? http_handle_init(x) : mail_handle_init(x);
}

struct exchange *exchange_create(struct transfer *transfer, enum almoner_action_kind kind, struct err *err)
{
	CURL *easy = curl_easy_init();
	if (easy == NULL) {
		err_set(err, ERR_SYSTEM, "libcurl gives no handle: out of memory");
		return NULL;
	}
	struct exchange *x = mem_zalloc(sizeof(*x));
	x->transfer = transfer;
	x->easy = easy;
	x->request.kind = kind;
	x->limits_set = (struct transport_limits){ .connect_timeout_ms = -1, .timeout_ms = -1 };
	http_reply_init(&x->http_reply);
	smtp_reply_init(&x->smtp_reply);
	CURLcode code = set_all(x);
	if (code != CURLE_OK) {
		err_set(err, ERR_SYSTEM, "libcurl %s lacks an option almoner relies on: %s", curl_version(),
				curl_easy_strerror(code));
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
	http_reply_finish(&x->http_reply);
	smtp_reply_finish(&x->smtp_reply);
	free(x);
}

int exchange_refuse(struct exchange *x, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vsnprintf(x->refusal, sizeof(x->refusal), fmt, args);
	va_end(args);
	return ERR_REFUSED;
}

/* libcurl takes 0 for "no limit", so a span is at least a millisecond. */
static long span_of(int64_t ms)
{
	if (ms < 1)
		return 1;
	return ms > INT32_MAX ? INT32_MAX : (long)ms;
}

static CURLcode load_limits(struct exchange *x)
{
	const struct transport_limits *want = &x->request.limits;
	struct transport_limits *have = &x->limits_set;
	bool fresh = want->fresh_connection || x->request.kind == ALMONER_SEND_MAIL;
	CURLcode code = CURLE_OK;
	if (want->connect_timeout_ms != have->connect_timeout_ms)
		code = curl_easy_setopt(x->easy, CURLOPT_CONNECTTIMEOUT_MS, span_of(want->connect_timeout_ms));
	if (code == CURLE_OK && want->timeout_ms != have->timeout_ms)
		code = curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS, span_of(want->timeout_ms));
	if (code == CURLE_OK && fresh != have->fresh_connection) {
		code = curl_easy_setopt(x->easy, CURLOPT_FRESH_CONNECT, (long)fresh);
		if (code == CURLE_OK)
			code = curl_easy_setopt(x->easy, CURLOPT_FORBID_REUSE, (long)fresh);
	}
	*have = *want;
	have->fresh_connection = fresh;
	return code;
}

int exchange_load(struct exchange *x)
{
	x->refused = false;
	x->request_began = false;
	x->resend_stopped = false;
	x->too_slow = false;
	x->reply_began_ms = 0;
	x->error[0] = '\0';
	x->refusal[0] = '\0';
	CURLcode code = load_limits(x);
	if (code != CURLE_OK)
		return exchange_refuse(x, "the time-outs are not usable: %s", curl_easy_strerror(code));
	return x->request.kind == ALMONER_SEND_HTTP ? http_handle_load(x) : mail_handle_load(x);
}

void exchange_unload(struct exchange *x)
{
	x->request = (struct transport_request){ .kind = x->request.kind, .target = x->request.target };
	http_reply_reset(&x->http_reply, 0);
}

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
	const struct buf *body = &x->http_reply.body;
	*reply = (struct almoner_reply){ .size = sizeof(*reply),
									 .status = (uint32_t)status,
									 .headers = http_reply_fields(&x->http_reply),
									 .header_count = x->http_reply.field_count,
									 .body = { .p = body->data != NULL ? body->data : "", .len = body->len },
									 .truncated = x->http_reply.truncated,
									 .retry_after_ms = (int64_t)retry_after_s * 1000 };
}

static void fill_mail_reply(struct exchange *x, struct almoner_reply *reply)
{
	const struct buf *text = &x->smtp_reply.text;
	*reply =
		(struct almoner_reply){ .size = sizeof(*reply),
								.status = x->smtp_reply.status,
								.body = { .p = text->data != NULL ? text->data : "", .len = text->len } };
}

static enum transport_verdict judge_http(struct exchange *x, CURLcode code)
{
	long request_bytes = 0;
	CURLcode asked = curl_easy_getinfo(x->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
	assert(asked == CURLE_OK);
	struct http_evidence evidence = { .end = classify_end((int)code),
									  .request_began = x->request_began,
									  .encrypted = x->http.encrypted,
									  .request_bytes = (uint64_t)request_bytes,
									  .head_complete = x->http_reply.head_complete,
									  .body_cut_by_us = x->http_reply.truncated };
	return classify_http(&evidence);
}

static const char *own_words(const struct exchange *x)
{
	if (x->refused)
		return x->refusal;
	if (x->resend_stopped)
		return "the connection was closed before any reply came";
	if (x->too_slow)
		return "the reply came too slowly";
	if (x->http_reply.flood)
		return "the reply's header does not end";
	return NULL;
}

/* Peers have a say in some of libcurl's texts: what comes out is one printable line. */
static void write_detail(struct exchange *x, CURLcode code, struct transport_result *result)
{
	static const char *const leads[] = { [TRANSPORT_REPLY] = "",
										 [TRANSPORT_UNREACHABLE] = "not reached: ",
										 [TRANSPORT_UNKNOWN] = "sent, but no complete reply: ",
										 [TRANSPORT_REFUSED] = "not sendable: " };
	const char *words = own_words(x);
	if (words == NULL)
		words = x->error[0] != '\0' ? x->error : curl_easy_strerror(code);
	const struct smtp_reply *said = &x->smtp_reply;
	bool quote = x->request.kind == ALMONER_SEND_MAIL && said->status >= 400 && said->text.data != NULL;
	snprintf(result->detail, sizeof(result->detail), "%s%s%s%.100s", leads[result->verdict], words,
			 quote ? "; the server said: " : "", quote ? said->text.data : "");
	for (char *p = result->detail; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
}

void exchange_judge(struct exchange *x, CURLcode code, struct transport_result *result)
{
	bool mail = x->request.kind == ALMONER_SEND_MAIL;
	if (x->refused)
		result->verdict = TRANSPORT_REFUSED;
	else
		result->verdict = mail ? classify_mail(classify_end((int)code), &x->smtp_reply) : judge_http(x, code);

	if (result->verdict != TRANSPORT_REPLY)
		write_detail(x, code, result);
	else if (mail)
		fill_mail_reply(x, &result->reply);
	else
		fill_http_reply(x, &result->reply);
}
