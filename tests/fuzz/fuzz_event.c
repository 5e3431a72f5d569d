/* Stored bytes of an event unpack to an event, or are refused. An event that unpacks comes back the same after it
 * was packed again. */
#include <stdlib.h>

#include "saga/model/event_codec.h"
#include "tests/fuzz/target.h"

static void same(struct str a, struct str b)
{
	assert(str_eq(a, b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct event_image first;
	struct event_image second;
	struct err err = { 0 };
	char *first_text = NULL;
	char *second_text = NULL;
	AUTO_BUF struct buf payload = { 0 };
	if (event_codec_unpack((struct str){ (const char *)data, size }, &first, &first_text, &err) != 0) {
		assert(first_text == NULL && err.text[0] != '\0');
		return 0;
	}
	event_codec_pack(&first, &payload);
	int rc = event_codec_unpack(buf_str(&payload), &second, &second_text, &err);
	assert(rc == 0);
	same(first.fields.raw, second.fields.raw);
	same(first.fields.source, second.fields.source);
	same(first.fields.event_id, second.fields.event_id);
	same(first.fields.type, second.fields.type);
	same(first.fields.gift, second.fields.gift);
	same(first.fields.donor, second.fields.donor);
	same(first.fields.content_type, second.fields.content_type);
	same(first.fields.canonical, second.fields.canonical);
	same(first.fields.decoding, second.fields.decoding);
	assert(first.fields.request == second.fields.request && first.fields.item == second.fields.item);
	assert(first.received_ms == second.received_ms);
	assert(memcmp(first.salt, second.salt, sizeof first.salt) == 0);
	free(first_text);
	free(second_text);
	return 0;
}
