#include "saga/model/key.h"

#include <assert.h>
#include <stdio.h>

#include "saga/base/buf.h"
#include "saga/base/digest.h"
#include "saga/base/hex.h"

/* The parts and their order are a promise: another order would give other keys for events that were sent
 * already. */
void key_derive(const char *source, const char *event_id, const char *step, enum direction direction,
				uint32_t generation, const char *label, char out[KEY_TEXT_BYTES])
{
	assert(direction == DIRECTION_DO || direction == DIRECTION_UNDO);
	assert(generation >= 1);
	char number[11]; /* decimal digits, because they are the same bytes on every machine */
	snprintf(number, sizeof number, "%lu", (unsigned long)generation);
	const struct str parts[] = { STR("almoner-key-1"),
								 str_of(source),
								 str_of(event_id),
								 str_of(step),
								 str_of(name_of_direction(direction)),
								 str_of(number),
								 str_of(label) };
	uint8_t digest[DIGEST_BYTES];
	digest_parts(parts, sizeof parts / sizeof parts[0], digest);
	hex_encode(digest, DIGEST16_BYTES, out);
}
