#include "gateway/net/admin_client.h"

#include <curl/curl.h>
#include <string.h>

#include "saga/base/mem.h"

#define LINE_CAP_BYTES ((size_t)64 << 20)

struct lines {
	struct buf rest; /* what has no end yet */
	void *ctx;
	int (*line)(void *ctx, struct str text);
	bool broke_off;
};

static size_t on_bytes(char *bytes, size_t size, size_t count, void *ctx)
{
	struct lines *l = ctx;
	size_t len = size * count;
	size_t from = 0;
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] != '\n')
			continue;
		buf_add(&l->rest, bytes + from, i - from);
		from = i + 1;
		l->broke_off = l->rest.overflow || l->line(l->ctx, buf_str(&l->rest)) != 0;
		buf_clear(&l->rest);
		if (l->broke_off)
			return 0;
	}
	buf_add(&l->rest, bytes + from, len - from);
	return len;
}

static CURLcode set_up(CURL *easy, const char *socket_path, const char *method, const char *url, const char *body, struct lines *lines)
{
	CURLcode rc = curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, socket_path);
	rc = rc == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_URL, url) : rc;
	rc = rc == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) : rc;
	rc = rc == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_PROXY, "") : rc;
	rc = rc == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes) : rc;
	rc = rc == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_WRITEDATA, lines) : rc;
	if (rc == CURLE_OK && strcmp(method, "GET") != 0) {
		rc = curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
		rc = rc == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body != NULL ? body : "") : rc;
	}
	return rc;
}

int admin_client_call(const char *socket_path, const char *method, const char *path, const char *body, void *line_ctx,
                      int (*line)(void *line_ctx, struct str text), unsigned *ret_status, struct err *err)
{
	CURL *easy = curl_easy_init();
	if (easy == NULL)
		return err_set(err, ERR_SYSTEM, "libcurl does not start");
	struct lines lines = { .ctx = line_ctx, .line = line };
	buf_init(&lines.rest, LINE_CAP_BYTES);
	char *url AUTO_FREE = mem_printf("http://almoner%s", path);
	CURLcode rc = set_up(easy, socket_path, method, url, body, &lines);
	rc = rc == CURLE_OK ? curl_easy_perform(easy) : rc;
	long status = 0;
	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(easy);
	if (rc == CURLE_OK && lines.rest.len > 0)
		(void)line(line_ctx, buf_str(&lines.rest)); /* the last line had no end */
	buf_free(&lines.rest);
	*ret_status = (unsigned)status;
	if (rc == CURLE_OK || (rc == CURLE_WRITE_ERROR && lines.broke_off))
		return 0;
	if (rc == CURLE_COULDNT_CONNECT)
		return err_set(err, ERR_CLOSED, "no daemon answers on %s; start it with `almoner serve`", socket_path);
	return err_set(err, ERR_IO, "the admin API on %s broke off: %s", socket_path, curl_easy_strerror(rc));
}
