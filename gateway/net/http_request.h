/* An HTTP request on a libcurl handle that is used again and again: only what differs from the handle's last
 * request is set. Thread: the loop's. */
#ifndef ALMONER_GATEWAY_NET_HTTP_REQUEST_H
#define ALMONER_GATEWAY_NET_HTTP_REQUEST_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "connectors/almoner_connector.h"
#include "saga/base/buf.h"
#include "saga/base/check.h"

#define HTTP_HEADERS_MAX 64
/* Room for the text of http_request_load; as long as the detail of a transport result. */
#define HTTP_FAULT_BYTES 200

/* What libcurl must be set to for the method and body; HTTP_SHAPE_NONE: the handle is not set to any. */
enum http_shape { HTTP_SHAPE_NONE, HTTP_SHAPE_GET, HTTP_SHAPE_HEAD, HTTP_SHAPE_POST };

struct http_header_node {
	struct curl_slist link;
	struct buf text; /* the text of the header line, owned; link.data points to it */
};

/* What the handle is set to at present. A zeroed struct is valid. It must not move after http_request_init,
 * because libcurl keeps pointers into it. */
struct http_request {
	struct buf url;
	struct buf method;
	enum http_shape shape;
	bool encrypted; /* the URL begins with https */
	/* Node 0 removes libcurl's Expect header. Node 1 removes libcurl's own Content-Type header, or carries
	 * the one of the request. */
	struct http_header_node nodes[HTTP_HEADERS_MAX + 2];
	size_t node_count;
};

/* Sets what never changes: protocol, user agent, the list of headers. */
MUST_CHECK CURLcode http_request_init(struct http_request *r, CURL *easy);
void http_request_finish(struct http_request *r);

/* Sets the handle to `http`. NULL when that succeeded. Otherwise the request is not sendable, and the
 * returned text, written to `text` for operators, says why; the next call may succeed. */
MUST_CHECK const char *http_request_load(struct http_request *r, CURL *easy, const struct almoner_http *http,
										 char text[HTTP_FAULT_BYTES]);

#endif
