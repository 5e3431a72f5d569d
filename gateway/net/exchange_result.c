/* From the evidence to the result: what an exchange reports to the engine. */
#include <stdio.h>

#include "gateway/net/classify.h"
#include "gateway/net/exchange.h"
#include "gateway/net/smtp/worker.h"

/* Fills the connector's reply, which borrows headers and body from the exchange. libcurl parses
 * Retry-After, also when it is a date. */
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
		/* the cap of a year keeps sums from overflowing; the engine applies a cap of its own */
		retry_after_s = year_s;
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
	CURLcode info = curl_easy_getinfo(x->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
	assert(info == CURLE_OK);
	struct http_evidence evidence = { .end = classify_end((int)code),
									  .request_began = x->request_began,
									  .encrypted = x->http.encrypted,
									  .request_bytes = (uint64_t)request_bytes,
									  .head_complete = x->reply.head_complete,
									  .body_cut_by_us = x->reply.truncated };
	return classify_http(&evidence);
}

/* The peer controls parts of `reason` and `server_reply` (NULL: none), so control characters become
 * spaces: the detail is one printable line. */
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
	if (x->lookup_stopped)
		return EXCHANGE_LOOKUPS_HANG;
	if (x->too_slow)
		return "the reply came too slowly";
	if (x->reply.head_too_long ||
		(x->request_began &&
		 code == CURLE_OUT_OF_MEMORY)) /* libcurl gives up on a header line above its own limit */
		return "the header of the reply does not end";
	return x->error[0] != '\0' ? x->error : curl_easy_strerror(code);
}

static const char *mail_failure_reason(const struct smtp_worker *worker)
{
	if (worker->code == CURLE_ABORTED_BY_CALLBACK ||
		worker->code == CURLE_WRITE_ERROR) /* worker.c ended the transfer */
		return "no answer within the time limit";
	return worker->message.error[0] != '\0' ? worker->message.error : curl_easy_strerror(worker->code);
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

/* Fills the result of an exchange. For every verdict except TRANSPORT_REPLY the detail says what happened. */
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
