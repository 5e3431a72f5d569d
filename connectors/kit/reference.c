#include "connectors/kit/reference.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "saga/base/fnv.h"

/* A zero byte follows each part, so that ("ab","c") and ("a","bc") have different references. */
static uint64_t add_part(uint64_t hash, struct almoner_text part)
{
	hash = fnv64(hash, part.p, part.p != NULL ? part.len : 0);
	return fnv64(hash, "", 1);
}

void kit_reference_of(const struct almoner_step *step, char out[KIT_REFERENCE_BYTES])
{
	assert(step != NULL);
	uint64_t hash = FNV64_BASIS;
	hash = add_part(hash, step->source);
	hash = add_part(hash, step->event_id);
	hash = add_part(hash, step->name);
	snprintf(out, KIT_REFERENCE_BYTES, "al-%016" PRIx64, hash);
}
