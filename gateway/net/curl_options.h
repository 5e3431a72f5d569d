/* Options that every libcurl handle of this module gets, for HTTP and for mail. Thread: any. */
#ifndef ALMONER_GATEWAY_NET_CURL_OPTIONS_H
#define ALMONER_GATEWAY_NET_CURL_OPTIONS_H

#include <curl/curl.h>
#include <stdint.h>

#include "saga/base/check.h"

/* Nothing is taken from the environment, redirects are not followed, TLS peers are verified. `error` has
 * CURL_ERROR_SIZE bytes and must live as long as the handle: libcurl writes its descriptions there. */
MUST_CHECK CURLcode curl_options_set_common(CURL *easy, char *error);

/* A time-out in milliseconds as libcurl wants it: at least 1, because libcurl takes 0 for "no time-out". */
long curl_options_timeout(int64_t ms);

struct curl_long_option {
	CURLoption option;
	long value;
};
/* Sets options whose values are longs; `options` ends with an option of 0. Stops at the first failure. */
MUST_CHECK CURLcode curl_options_set_longs(CURL *easy, const struct curl_long_option *options);

#endif
