/* The canonical donation event: what every map aims at and every connector reads.
 *
 *     id, type, gift, occurred_at, donor{id,email,name,phone,address}, amount{minor,value,currency},
 *     fund, campaign, recurring, … (members not named here are kept as they are)
 *
 * After canonical_normalize: `id` and `type` are texts; `gift` is a text or absent; `occurred_at` is a text or
 * absent; `donor` is an object whose `id` and `email` are texts, or absent or null; and for `donation.*`
 * `amount` has `minor` (integer), `currency` (upper case) and `value` (decimal text, the same amount). */
#ifndef ALMONER_GATEWAY_INTAKE_PIPELINE_CANONICAL_H
#define ALMONER_GATEWAY_INTAKE_PIPELINE_CANONICAL_H

#include <jansson.h>
#include <stdbool.h>

#include "saga/base/err.h"

#define CANONICAL_TEXT_MAX 500 /* bytes of id, type, gift */

/* What is used where the map leaves a member out; NULL for nothing. */
struct canonical_hints {
	const char *id;
	const char *type;
	const char *gift;
	bool is_gift; /* a type outside donation.* becomes donation.created */
};

/* Normalises the mapped event in place. *ret_changed: it is not what it was. ERR_INVALID: the text names the
 * member and how to mend it. A missing id is no error: it stays missing. */
int canonical_normalize(json_t *event, const struct canonical_hints *hints, bool *ret_changed,
						struct err *err) MUST_CHECK;

/* A top-level text, or NULL. Borrowed. */
const char *canonical_text(const json_t *event, const char *member);
/* The donor's id, else e-mail, else NULL. Borrowed. */
const char *canonical_donor(const json_t *event);

#endif
