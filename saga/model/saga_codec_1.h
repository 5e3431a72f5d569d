/* The stored form of a saga in schema 1 to 4: read when a store is upgraded, and never written. */
#ifndef ALMONER_MODEL_SAGA_CODEC_1_H
#define ALMONER_MODEL_SAGA_CODEC_1_H

#include "saga/model/saga.h"

/* As saga_decode. The saga has no log rows: the caller adds them. */
int saga_codec_1_decode(int64_t id, struct plan *plan, struct str bytes, struct saga **ret,
						struct err *err) MUST_CHECK;

#endif
