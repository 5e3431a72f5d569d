/* The list of headers belongs to struct http_request, node by node; libcurl only reads it. So a header
 * that is equal to that of the last request costs nothing. */
#include "gateway/net/http_request.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "gateway/net/curl_options.h"

/* The longest URL. Chosen: common servers accept no request line above 8 KiB; no measurement. */
#define URL_BYTES_MAX (16 * 1024)
/* Longer than any registered method (IANA: "UPDATEREDIRECTREF" has 17 letters). */
#define METHOD_BYTES_MAX 20
#define NODE_EXPECT      0
#define NODE_TYPE        1
#define NODE_FIRST_FREE  2

static const struct curl_long_option http_longs[] = {
	{ CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1 },
	{ CURLOPT_MAXAGE_CONN, 60 }, /* seconds; an older idle connection is more likely dead than useful */
	{ 0, 0 },
};

/* libcurl writes these headers itself, as its options say, or they are not for a connector to decide. */
static const char *const reserved_headers[] = { "Content-Length", "Transfer-Encoding", "Connection",
												"Expect",         "Upgrade",           "TE",
												"Trailer",        "Keep-Alive",        "Proxy-Connection" };

/* ---- the handle ---- */

static void node_set_text(struct http_header_node *node, const char *text)
{
	buf_clear(&node->text);
	buf_text(&node->text, text);
	node->link.data = node->text.data;
}

/* libcurl keeps a pointer to the first header node, so the list can change later without a call of
 * libcurl. */
CURLcode http_request_init(struct http_request *r, CURL *easy)
{
	node_set_text(&r->nodes[NODE_EXPECT], "Expect:");
	r->nodes[NODE_EXPECT].link.next = &r->nodes[NODE_TYPE].link;
	r->node_count = NODE_FIRST_FREE;

	CURLcode code = curl_options_set_longs(easy, http_longs);
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_USERAGENT, "almoner/" ALMONER_VERSION);
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_HTTPHEADER, &r->nodes[0].link);
	return code;
}

void http_request_finish(struct http_request *r)
{
	buf_free(&r->url);
	buf_free(&r->method);
	for (size_t i = 0; i < HTTP_HEADERS_MAX + NODE_FIRST_FREE; i++)
		buf_free(&r->nodes[i].text);
}

/* Writes the fault and returns it. */
static const char *fault_set(char text[HTTP_FAULT_BYTES], const char *fmt, ...) PRINTF_LIKE(2, 3);
static const char *fault_set(char text[HTTP_FAULT_BYTES], const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, HTTP_FAULT_BYTES, fmt, args);
	va_end(args);
	return text;
}

static bool text_is(const struct buf *have, struct almoner_text want)
{
	return have->len == want.len && have->data != NULL && memcmp(have->data, want.p, want.len) == 0;
}

/* ---- URL ---- */

static const char *url_fault(struct almoner_text url)
{
	if (url.p == NULL || url.len > URL_BYTES_MAX)
		return "the URL is missing or too long";
	if (strncasecmp(url.p, "http://", 7) != 0 && strncasecmp(url.p, "https://", 8) != 0)
		return "the URL does not begin with http:// or https://";
	for (size_t i = 0; i < url.len; i++)
		if ((unsigned char)url.p[i] <= 0x20 || url.p[i] == 0x7f)
			return "the URL has a space or control character (percent-encode it)";
	return NULL;
}

/* An equal URL is not set again, so that libcurl need not copy and parse it. */
static const char *load_url(struct http_request *r, CURL *easy, struct almoner_text url,
							char text[HTTP_FAULT_BYTES])
{
	if (text_is(&r->url, url))
		return NULL;
	const char *fault = url_fault(url);
	if (fault != NULL)
		return fault;
	buf_clear(&r->url);
	buf_add(&r->url, url.p, url.len);
	r->encrypted = strncasecmp(url.p, "https", 5) == 0;
	CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, r->url.data);
	if (code == CURLE_OK)
		return NULL;
	/* the kept URL is cleared, or the next request with the same URL would not set it again */
	buf_clear(&r->url);
	return fault_set(text, "the URL: %s", curl_easy_strerror(code));
}

/* ---- method and body ---- */

static bool method_is_token(struct almoner_text method)
{
	if (method.p == NULL || method.len == 0 || method.len > METHOD_BYTES_MAX)
		return false;
	for (size_t i = 0; i < method.len; i++)
		if ((method.p[i] < 'A' || method.p[i] > 'Z') && method.p[i] != '-')
			return false;
	return strcmp(method.p, "CONNECT") != 0;
}

static enum http_shape shape_of(const struct almoner_http *http)
{
	const char *method = http->method.p;
	if (http->body.p != NULL || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
		strcmp(method, "PATCH") == 0)
		return HTTP_SHAPE_POST;
	return strcmp(method, "HEAD") == 0 ? HTTP_SHAPE_HEAD : HTTP_SHAPE_GET;
}

/* The order matters: each of the options below also sets the method, and CURLOPT_CUSTOMREQUEST overrides
 * it. */
static CURLcode set_shape(struct http_request *r, CURL *easy, enum http_shape shape)
{
	static const char *const implied[] = {
		[HTTP_SHAPE_GET] = "GET", [HTTP_SHAPE_HEAD] = "HEAD", [HTTP_SHAPE_POST] = "POST"
	};
	CURLcode code = curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_NOBODY, (long)(shape == HTTP_SHAPE_HEAD));
	if (code == CURLE_OK && shape == HTTP_SHAPE_GET)
		code = curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
	if (code == CURLE_OK && shape == HTTP_SHAPE_POST)
		code = curl_easy_setopt(easy, CURLOPT_POST, 1L);
	bool plain = strcmp(r->method.data, implied[shape]) == 0;
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, plain ? NULL : r->method.data);
	r->shape = code == CURLE_OK ? shape : HTTP_SHAPE_NONE;
	return code;
}

static CURLcode set_body(CURL *easy, struct almoner_text body)
{
	CURLcode code = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.p != NULL ? body.p : "");
	return code;
}

/* Sets method and body. The body is set for every request, because libcurl keeps only a pointer to it. */
static const char *load_method(struct http_request *r, CURL *easy, const struct almoner_http *http,
							   char text[HTTP_FAULT_BYTES])
{
	if (!method_is_token(http->method))
		return "the method is not an upper-case word";
	enum http_shape shape = shape_of(http);
	if (shape == HTTP_SHAPE_POST && strcmp(http->method.p, "HEAD") == 0)
		return "HEAD has no body";
	CURLcode code = CURLE_OK;
	if (shape != r->shape || !text_is(&r->method, http->method)) {
		buf_clear(&r->method);
		buf_add(&r->method, http->method.p, http->method.len);
		code = set_shape(r, easy, shape);
	}
	if (code == CURLE_OK && shape == HTTP_SHAPE_POST)
		code = set_body(easy, http->body);
	return code == CURLE_OK ? NULL : fault_set(text, "the method or body: %s", curl_easy_strerror(code));
}

/* ---- headers ---- */

static bool name_is(struct almoner_text name, const char *other)
{
	return strlen(other) == name.len && strncasecmp(name.p, other, name.len) == 0;
}

static bool is_token_char(unsigned char c)
{
	return c > 0x20 && c < 0x7f && strchr("\"(),/:;<=>?@[\\]{}", c) == NULL;
}

/* What is wrong with a header, to follow "header 3: "; NULL: nothing. A control character in a value could
 * begin another header, or end the request. */
static const char *header_fault(const struct almoner_header *header)
{
	if (header->name.p == NULL || header->name.len == 0 || header->value.p == NULL)
		return "the header has no name or no value";
	for (size_t i = 0; i < header->name.len; i++)
		if (!is_token_char((unsigned char)header->name.p[i]))
			return "the header has a name with a character that is not allowed in names";
	for (size_t i = 0; i < header->value.len; i++) {
		unsigned char c = (unsigned char)header->value.p[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return "the header has a control character in its value";
	}
	for (size_t i = 0; i < sizeof(reserved_headers) / sizeof(reserved_headers[0]); i++)
		if (name_is(header->name, reserved_headers[i]))
			return "the header may not be set by a connector";
	return NULL;
}

static bool node_equals(const struct http_header_node *node, const struct almoner_header *header)
{
	const struct buf *have = &node->text;
	size_t name_len = header->name.len;
	return have->data != NULL && have->len == name_len + 2 + header->value.len &&
		   memcmp(have->data, header->name.p, name_len) == 0 &&
		   memcmp(have->data + name_len + 2, header->value.p, header->value.len) == 0;
}

static bool is_blank(struct almoner_text text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] != ' ' && text.p[i] != '\t')
			return false;
	return true;
}

/* Writes "Name: value". libcurl sends a header without a value only if it is written "Name;"; it drops
 * "Name:". */
static void node_write(struct http_header_node *node, const struct almoner_header *header)
{
	bool blank = is_blank(header->value);
	if (!blank && node_equals(node, header))
		return;
	buf_clear(&node->text);
	buf_add(&node->text, header->name.p, header->name.len);
	if (!blank) {
		buf_text(&node->text, ": ");
		buf_add(&node->text, header->value.p, header->value.len);
	} else {
		buf_byte(&node->text, ';');
	}
	node->link.data = node->text.data;
}

static void link_nodes(struct http_request *r, size_t count)
{
	for (size_t i = NODE_TYPE; i < count; i++)
		r->nodes[i].link.next = i + 1 < count ? &r->nodes[i + 1].link : NULL;
	r->node_count = count;
}

/* Writes the headers into the nodes of libcurl's list. The first Content-Type has a node of its own. */
static const char *load_headers(struct http_request *r, const struct almoner_http *http,
								char text[HTTP_FAULT_BYTES])
{
	if (http->header_count > HTTP_HEADERS_MAX)
		return fault_set(text, "more than %d headers", HTTP_HEADERS_MAX);
	size_t count = NODE_FIRST_FREE;
	bool typed = false;
	for (size_t i = 0; i < http->header_count; i++) {
		const struct almoner_header *header = &http->headers[i];
		const char *fault = header_fault(header);
		if (fault != NULL)
			return fault_set(text, "header %zu: %s", i + 1, fault);
		bool is_type = !typed && name_is(header->name, "Content-Type");
		typed = typed || is_type;
		node_write(&r->nodes[is_type ? NODE_TYPE : count], header);
		count += is_type ? 0 : 1;
	}
	if (!typed)
		node_set_text(&r->nodes[NODE_TYPE], "Content-Type:");
	link_nodes(r, count);
	return NULL;
}

const char *http_request_load(struct http_request *r, CURL *easy, const struct almoner_http *http,
							  char text[HTTP_FAULT_BYTES])
{
	const char *fault = load_url(r, easy, http->url, text);
	if (fault == NULL)
		fault = load_method(r, easy, http, text);
	if (fault == NULL)
		fault = load_headers(r, http, text);
	return fault;
}
