#include "gateway/net/http_reply.h"

#include <string.h>

void http_reply_init(struct http_reply *r)
{
	*r = (struct http_reply){ 0 };
}

void http_reply_finish(struct http_reply *r)
{
	buf_free(&r->head);
	buf_free(&r->body);
}

static void clear_or_free(struct buf *b)
{
	if (b->capacity > HTTP_REPLY_BUFFER_BYTES)
		buf_free(b);
	else
		buf_clear(b);
}

static void drop_fields(struct http_reply *r)
{
	buf_clear(&r->head);
	r->field_count = 0;
}

void http_reply_reset(struct http_reply *r, size_t body_cap_bytes)
{
	clear_or_free(&r->head);
	clear_or_free(&r->body);
	r->field_count = 0;
	r->line_bytes = 0;
	r->interim = false;
	r->head_complete = false;
	r->head_too_long = false;
	r->truncated = false;
	r->body_cap_bytes = body_cap_bytes;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* "HTTP/1.1 100 Continue": the first digit of the status is 1. */
static bool status_is_interim(const char *line, size_t len)
{
	const char *space = memchr(line, ' ', len);
	return space != NULL && space + 1 < line + len && space[1] == '1';
}

/* Keeps one field, if there is space for it. The buffer may move while it grows, so only the lengths are
 * stored here; http_reply_fields sets the pointers. Continuation lines, which RFC 9112 forbids, are
 * dropped, and so are fields with a NUL byte, because connectors read fields as C strings. */
static void add_field(struct http_reply *r, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	if (colon == NULL || colon == line || is_space(line[0]) || memchr(line, '\0', len) != NULL)
		return;
	size_t name_len = (size_t)(colon - line);
	const char *value = colon + 1;
	const char *end = line + len;
	while (value < end && is_space(*value))
		value++;
	while (end > value && is_space(end[-1]))
		end--;
	size_t value_len = (size_t)(end - value);
	if (r->field_count == HTTP_REPLY_FIELDS_MAX ||
		r->head.len + name_len + value_len + 2 > HTTP_REPLY_HEAD_BYTES)
		return;
	buf_add(&r->head, line, name_len);
	buf_byte(&r->head, '\0');
	buf_add(&r->head, value, value_len);
	buf_byte(&r->head, '\0');
	r->fields[r->field_count++] =
		(struct almoner_header){ .name = { .len = name_len }, .value = { .len = value_len } };
}

/* A status line begins a new reply: the fields of the 1xx reply before it are dropped. */
bool http_reply_line(struct http_reply *r, const char *line, size_t len)
{
	r->line_bytes += len;
	if (r->line_bytes > HTTP_REPLY_LINES_BYTES) {
		r->head_too_long = true;
		return false;
	}
	if (r->head_complete)
		return true; /* a trailer */
	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
		drop_fields(r);
		r->interim = status_is_interim(line, len);
	} else if (len > 0) {
		add_field(r, line, len);
	} else {
		r->head_complete = !r->interim;
	}
	return true;
}

bool http_reply_body(struct http_reply *r, const char *bytes, size_t len)
{
	assert(r->body.len <= r->body_cap_bytes);
	size_t capacity = r->body_cap_bytes - r->body.len;
	r->truncated = len > capacity;
	buf_add(&r->body, bytes, r->truncated ? capacity : len);
	return !r->truncated;
}

bool http_reply_is_slow(const struct http_reply *r, int64_t taken_ms)
{
	int64_t bytes = (int64_t)(r->line_bytes + r->body.len);
	return taken_ms > HTTP_REPLY_SLOW_AFTER_MS && bytes * 1000 < taken_ms * HTTP_REPLY_SLOW_BYTES_PER_S;
}

const struct almoner_header *http_reply_fields(struct http_reply *r)
{
	const char *p = r->head.data;
	for (size_t i = 0; i < r->field_count; i++) {
		struct almoner_header *field = &r->fields[i];
		field->name.p = p;
		field->value.p = p + field->name.len + 1;
		p = field->value.p + field->value.len + 1;
	}
	return r->fields;
}
