/* JSON as the body of an answer. */
#include <stdlib.h>

#include "gateway/sink/sink.h"
#include "saga/base/mem.h"

void sink_answer_json(struct sink_answer *answer, uint32_t status, json_t *value)
{
	assert(value != NULL);
	answer->status = status;
	AUTO_FREE char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(value);
	buf_clear(&answer->body);
	buf_text(&answer->body, text);
}
