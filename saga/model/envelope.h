/* The envelope byte: the first byte of every stored payload that can be erased. It says how to read the bytes
 * after it. Thread: any. */
#ifndef ALMONER_MODEL_ENVELOPE_H
#define ALMONER_MODEL_ENVELOPE_H

#include "saga/base/check.h"
#include "saga/base/err.h"
#include "saga/base/str.h"

enum envelope {
	ENVELOPE_PLAIN = 0, /* the content follows as it is */
						/* 1 is reserved for AES-256-GCM: number of the key, nonce, content, tag */
};

/* *ret_content is the content of a payload that has a plain envelope; borrowed from it. Else ERR_CORRUPT with
 * the reason: the payload is empty, encrypted, or of a newer version. */
int envelope_open(struct str payload, struct str *ret_content, struct err *err) MUST_CHECK;

#endif
