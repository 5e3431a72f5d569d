#include "gateway/net/curl_options.h"

static const struct curl_long_option common_longs[] = {
	{ CURLOPT_NOSIGNAL, 1 },
	{ CURLOPT_QUICK_EXIT, 1 }, /* a cleanup must not wait for the thread of a resolver that hangs */
	{ CURLOPT_FOLLOWLOCATION, 0 },
	{ CURLOPT_MAXREDIRS, 0 },
	{ CURLOPT_NETRC, CURL_NETRC_IGNORED },
	{ CURLOPT_SSL_VERIFYPEER, 1 },
	{ CURLOPT_SSL_VERIFYHOST, 2 },
	{ CURLOPT_TCP_NODELAY, 1 },
	{ CURLOPT_TCP_KEEPALIVE, 1 },
	{ CURLOPT_TCP_KEEPIDLE, 30 }, /* seconds, like TCP_KEEPINTVL; chosen; no measurement */
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

/* libcurl keeps the certificates that it has read from a file, but only if no directory of certificates is
 * set beside the file. Debian's libcurl has both, with the same certificates in them: each TLS connection
 * would read the file again, which takes 30 ms on the loop's thread. */
static CURLcode use_ca_file_only(CURL *easy)
{
	if (curl_version_info(CURLVERSION_NOW)->cainfo == NULL)
		return CURLE_OK;
	return curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
}

/* The caller sets CURLOPT_PROTOCOLS_STR, which differs between HTTP and mail. */
CURLcode curl_options_set_common(CURL *easy, char *error)
{
	CURLcode code = curl_options_set_longs(easy, common_longs);
	if (code == CURLE_OK)
		code = use_ca_file_only(easy);
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* overrides http_proxy, https_proxy, all_proxy */
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_NOPROXY, "*"); /* overrides no_proxy */
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "https");
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
	return code;
}

long curl_options_timeout(int64_t ms)
{
	if (ms < 1)
		return 1;
	return ms > INT32_MAX ? INT32_MAX : (long)ms;
}
