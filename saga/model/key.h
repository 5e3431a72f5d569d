/* The idempotency key of DESIGN §6. */
#ifndef ALMONER_MODEL_KEY_H
#define ALMONER_MODEL_KEY_H

#include <stdint.h>

#include "saga/model/state.h"

#define KEY_TEXT_BYTES 33

/* 32 hex digits and a NUL: the first 16 bytes of digest_parts("almoner-key-1", source, event_id, step,
 * direction ("do", "undo"), generation (decimal), label). Needs nothing of the log, so a lost log gives the
 * same keys when the events are replayed. */
void key_derive(const char *source, const char *event_id, const char *step, enum direction direction,
				uint32_t generation, const char *label, char out[KEY_TEXT_BYTES]);

#endif
