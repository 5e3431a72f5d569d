#include "connectors/kit/reference.h"

#include <inttypes.h>
#include <stdio.h>

/* Each part is followed by a zero byte, so that ("ab","c") and ("a","bc") differ. */
static uint64_t fnv1a(uint64_t hash, struct almoner_text part)
{
	for (size_t i = 0; i <= part.len; i++) {
		hash ^= i < part.len && part.p != NULL ? (unsigned char)part.p[i] : 0u;
		hash *= UINT64_C(0x100000001b3);
	}
	return hash;
}

void kit_reference_of(const struct almoner_step *step, char out[KIT_REFERENCE_BYTES])
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	hash = fnv1a(hash, step->source);
	hash = fnv1a(hash, step->event_id);
	hash = fnv1a(hash, step->name);
	(void)snprintf(out, KIT_REFERENCE_BYTES, "al-%016" PRIx64, hash);
}
