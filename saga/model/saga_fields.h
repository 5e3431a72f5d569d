/* The fields of a saga in its stored form: its flags, times and texts. Versions 1 and 2 of the form have the same
 * fields (saga_codec.c, saga_codec_1.c); a version that changes them needs functions of its own. Pure. */
#ifndef ALMONER_SAGA_MODEL_SAGA_FIELDS_H
#define ALMONER_SAGA_MODEL_SAGA_FIELDS_H

#include "saga/base/reader.h"
#include "saga/model/saga.h"

void saga_fields_encode(const struct saga *s, struct buf *out);
/* The bytes may be damaged. NULL if the fields are sound, else a static text that says what is wrong; the texts
 * in `s` are the saga's either way. */
const char *saga_fields_decode(struct reader *r, struct saga *s) MUST_CHECK;

#endif
