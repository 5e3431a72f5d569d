/* The history (--log): one JSON line for each request or mail. Tests compare it with what the gateway has
 * recorded. */
#include <stdlib.h>
#include <unistd.h>

#include "gateway/sink/sink.h"
#include "saga/base/clock.h"
#include "saga/base/digest.h"
#include "saga/base/hex.h"
#include "saga/base/mem.h"

/* The body is only a digest, which is enough to see whether a repeat was equal. at_us orders lines of one
 * millisecond. */
void sink_history_add(struct sink *sink, const char *path, struct str key, uint32_t status, struct str body)
{
	if (sink->log_fd < 0)
		return;
	uint8_t digest[DIGEST_BYTES];
	char hex[2 * DIGEST_BYTES + 1];
	digest_bytes(body.p != NULL ? body.p : "", body.len, digest);
	hex_encode(digest, DIGEST_BYTES, hex);
	json_t *line = json_pack("{s:I, s:I, s:s, s:o, s:i, s:s}", "at_ms", (json_int_t)clock_monotonic_ms(),
							 "at_us", (json_int_t)clock_monotonic_us(), "path", path, "key",
							 sink_text_json(key), "status", (int)status, "digest", hex);
	assert(line != NULL);
	AUTO_FREE char *text = json_dumps(line, JSON_COMPACT);
	json_decref(line);
	AUTO_BUF struct buf out = { 0 };
	buf_text(&out, text);
	buf_byte(&out, '\n');
	if (write(sink->log_fd, out.data, out.len) != (ssize_t)out.len)
		abort(); /* the sink aborts, because with a missing line of its log a test could wrongly succeed */
}
