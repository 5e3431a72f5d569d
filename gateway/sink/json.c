/* Bytes as JSON, and JSON as the body of an answer. */
#include <stdlib.h>

#include "gateway/sink/sink.h"
#include "saga/base/hex.h"
#include "saga/base/mem.h"

json_t *sink_text_json(struct str text)
{
	json_t *value = json_stringn(text.p != NULL ? text.p : "", text.len);
	if (value != NULL)
		return value;
	AUTO_FREE char *hex = mem_alloc(2 * text.len + 1);
	hex_encode((const uint8_t *)text.p, text.len, hex);
	return json_pack("{s:s}", "hex", hex);
}

void sink_answer_json(struct sink_answer *answer, uint32_t status, json_t *value)
{
	assert(value != NULL);
	answer->status = status;
	AUTO_FREE char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(value);
	buf_clear(&answer->body);
	buf_text(&answer->body, text);
}
