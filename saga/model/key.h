/* The idempotency key of one attempt: saga/DESIGN.md "Idempotency key". Pure; thread: any. */
#ifndef ALMONER_MODEL_KEY_H
#define ALMONER_MODEL_KEY_H

#include <stdint.h>

#include "saga/model/state.h"

#define KEY_TEXT_BYTES 33

/* Writes 32 hex digits and a NUL: the first 16 bytes of digest_parts("almoner-key-1", source, event_id, step,
 * direction ("do" or "undo"), generation in decimal, label). The key depends on nothing else: if the store is
 * lost and the platform sends its events again, the keys are the same and targets recognise the repeats.
 * `generation` counts from 1; `label` names the exchange inside the attempt. NULL texts count as empty. */
void key_derive(const char *source, const char *event_id, const char *step, enum direction direction,
				uint32_t generation, const char *label, char out[KEY_TEXT_BYTES]);

#endif
