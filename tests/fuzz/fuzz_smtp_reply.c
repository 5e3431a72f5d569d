/* Any lines of an SMTP server: codes have three digits, texts stay within their cap. */
#include "gateway/net/smtp/reply.h"
#include "saga/base/check.h"
#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size };
	struct smtp_reply reply;
	uint8_t code = fuzz_byte(&rest);
	smtp_reply_init(&reply);
	while (rest.len > 0) {
		struct str line = fuzz_until(&rest, '\n');
		smtp_reply_line(&reply, line.p, line.len);
		assert(reply.status <= 999 && reply.greeting <= 999);
		assert(reply.text.len <= 65536 && reply.previous_text.len <= 65536);
	}
	smtp_reply_settle(&reply, 200U + code);
	assert(reply.status <= 999);
	smtp_reply_finish(&reply);
	return 0;
}
