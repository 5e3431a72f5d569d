/* Any header lines and body chunks of an HTTP server: fields and body stay within their bounds. */
#include "gateway/net/http_reply.h"
#include "saga/base/check.h"
#include "tests/fuzz/target.h"

static void check_fields(struct http_reply *reply)
{
	const struct almoner_header *fields = http_reply_fields(reply);
	assert(reply->field_count <= HTTP_REPLY_FIELDS_MAX);
	for (size_t i = 0; i < reply->field_count; i++) {
		assert(fields[i].name.len > 0 && strlen(fields[i].name.p) == fields[i].name.len);
		assert(memchr(fields[i].value.p, '\n', fields[i].value.len + 1) == NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size };
	struct http_reply reply;
	http_reply_init(&reply);
	size_t cap = 16U * fuzz_byte(&rest);
	http_reply_reset(&reply, cap);
	bool more = true;
	while (rest.len > 0 && more) {
		const char *start = rest.p;
		(void)fuzz_until(&rest, '\n');
		more = http_reply_line(&reply, start, (size_t)(rest.p - start));
		if (reply.head_complete)
			break;
	}
	check_fields(&reply);
	while (rest.len > 0 && more) {
		const char *start = rest.p;
		(void)fuzz_until(&rest, '\n');
		more = http_reply_body(&reply, start, (size_t)(rest.p - start));
		assert(reply.body.len <= cap);
	}
	http_reply_finish(&reply);
	return 0;
}
