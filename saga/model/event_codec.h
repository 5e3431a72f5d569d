/* The payload of an event: all that may name a donor, as one run of bytes that can be erased at once. Pure.
 * Thread: any.
 *
 * A payload is the envelope byte, the form, the salt, a head and a body. The head has the lengths of the eight
 * texts, the time, and the tagged members behind their common length. The body is the texts one after the
 * other: raw, the fields, canonical.
 *
 * In form 1 the body is an LZ4 block with a fixed dictionary (event_dictionary.h). The canonical event repeats
 * the values of the body received and the member names of the dictionary, so it is stored as a difference to
 * both. In form 0 the body is the text itself; it is taken when form 1 would not be shorter. Sizes and times:
 * tests/bench/README.md. */
#ifndef ALMONER_MODEL_EVENT_CODEC_H
#define ALMONER_MODEL_EVENT_CODEC_H

#include "saga/base/buf.h"
#include "saga/base/err.h"
#include "saga/model/event.h"

/* What a payload holds. */
struct event_image {
	struct event_fields fields;
	int64_t received_ms;
	uint8_t salt[EVENT_SALT_BYTES];
};

/* Appends the payload. */
void event_codec_pack(const struct event_image *image, struct buf *out);
/* Reads a payload, which may be damaged or hostile. The texts in *ret are borrowed from `payload` and from
 * *ret_text, which the caller frees (NULL when nothing had to be unpacked). ERR_CORRUPT for bytes that do not
 * decode, for an unknown form or member, and for an envelope that is not plain; then nothing is set. At most
 * 255 bytes are allocated for each byte of the payload. */
int event_codec_unpack(struct str payload, struct event_image *ret, char **ret_text,
					   struct err *err) MUST_CHECK;

#endif
