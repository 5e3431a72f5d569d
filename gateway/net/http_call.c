#include "gateway/net/http_call.h"

#include <curl/curl.h>
#include <string.h>

#include "saga/base/mem.h"

/* Far above the longest line of any answer of the admin API. Chosen; no measurement. */
#define LINE_CAP_BYTES ((size_t)64 << 20)

struct line_reader {
	struct buf rest; /* bytes of a line whose end has not come yet */
	void *ctx;
	int (*line)(void *ctx, struct str text);
	bool stopped;
};

/* Hands each complete line of the answer to the caller. A result below `len` makes libcurl end the call. */
static size_t on_bytes(char *bytes, size_t size, size_t count, void *ctx)
{
	struct line_reader *l = ctx;
	size_t len = size * count;
	size_t from = 0;
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] != '\n')
			continue;
		buf_add(&l->rest, bytes + from, i - from);
		from = i + 1;
		if (l->rest.overflow)
			return 0;
		l->stopped = l->line != NULL && l->line(l->ctx, buf_str(&l->rest)) != 0;
		buf_clear(&l->rest);
		if (l->stopped)
			return 0;
	}
	buf_add(&l->rest, bytes + from, len - from);
	return l->rest.overflow ? 0 : len;
}

/* The list of headers for libcurl; an empty Expect header prevents that libcurl asks for 100-continue and
 * waits. */
static struct curl_slist *make_headers(const struct http_call *call)
{
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	list = curl_slist_append(list, "Content-Type: application/json");
	for (size_t i = 0; i < call->header_count; i++)
		list = curl_slist_append(list, call->headers[i]);
	return list;
}

/* Sets the handle for one call: no proxy, no signals. Every method except GET sends the body, also an
 * empty one. */
static CURLcode set_up(CURL *easy, const struct http_call *call, struct curl_slist *headers,
					   struct line_reader *reader)
{
	CURLcode rc = curl_easy_setopt(easy, CURLOPT_URL, call->url);
	if (rc == CURLE_OK && call->socket_path != NULL)
		rc = curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, call->socket_path);
	rc = rc == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) : rc;
	rc = rc == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_PROXY, "") : rc;
	rc = rc == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)call->timeout_ms) : rc;
	rc = rc == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes) : rc;
	rc = rc == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_WRITEDATA, reader) : rc;
	rc = rc == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers) : rc;
	if (rc == CURLE_OK && strcmp(call->method, "GET") != 0) {
		rc = curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
		rc = rc == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)call->body.len) : rc;
		rc = rc == CURLE_OK
				 ? curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body.p != NULL ? call->body.p : "")
				 : rc;
	}
	return rc;
}

static int set_call_error(CURLcode rc, const struct http_call *call, struct err *err)
{
	const char *where = call->socket_path != NULL ? call->socket_path : call->url;
	if (rc == CURLE_COULDNT_CONNECT)
		return err_set(err, ERR_CLOSED, "no program listens on %s", where);
	return err_set(err, ERR_IO, "the connection to %s broke: %s", where, curl_easy_strerror(rc));
}

/* When the caller's function ends the call at a line, libcurl reports a write error, which is no failure
 * then. */
int http_call(const struct http_call *call, unsigned *ret_status, struct err *err)
{
	CURL *easy = curl_easy_init();
	if (easy == NULL)
		return err_set(err, ERR_SYSTEM, "libcurl cannot be initialised");
	struct line_reader reader = { .ctx = call->line_ctx, .line = call->line };
	buf_init(&reader.rest, LINE_CAP_BYTES);
	struct curl_slist *headers = make_headers(call);
	CURLcode rc = set_up(easy, call, headers, &reader);
	rc = rc == CURLE_OK ? curl_easy_perform(easy) : rc;
	long status = 0;
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(easy);
	curl_slist_free_all(headers);
	bool too_long = reader.rest.overflow;
	if (rc == CURLE_OK && reader.rest.len > 0 && call->line != NULL)
		(void)call->line(call->line_ctx, buf_str(&reader.rest)); /* the last line had no line end */
	buf_free(&reader.rest);
	*ret_status = (unsigned)status;
	if (too_long)
		return err_set(err, ERR_TOO_BIG, "the answer of %s has a line of more than 64 MiB",
					   call->socket_path != NULL ? call->socket_path : call->url);
	return rc == CURLE_OK || (rc == CURLE_WRITE_ERROR && reader.stopped) ? 0 : set_call_error(rc, call, err);
}
