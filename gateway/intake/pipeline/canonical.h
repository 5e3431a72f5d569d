/* The canonical donation event: every map produces it, and every connector reads it.
 *
 *     id, type, gift, occurred_at, donor{id,email,name,phone,address}, amount{minor,value,currency},
 *     fund, campaign, recurring, and any others, which are kept as they are
 *
 * After canonical_normalize: `id` and `type` are texts; `gift` is a text or absent; `occurred_at` is a
 * text or absent; `donor` is an object whose `id` and `email` are texts, or absent or null. If the type
 * begins with `donation.`, `amount` has `minor` (integer), `currency` (upper case) and `value` (the same
 * amount as a decimal text). Pure. Thread: any. */
#ifndef ALMONER_GATEWAY_INTAKE_PIPELINE_CANONICAL_H
#define ALMONER_GATEWAY_INTAKE_PIPELINE_CANONICAL_H

#include <jansson.h>
#include <stdbool.h>

#include "saga/base/err.h"

/* Bytes of id, type, gift, and of a donor's id and e-mail; far above what platforms send. Chosen; no
 * measurement. */
#define CANONICAL_TEXT_MAX 500

/* Values that canonical_normalize uses for members that the map leaves out; NULL: none. Borrowed. */
struct canonical_hints {
	const char *id;
	const char *type;
	const char *gift;
	bool is_gift; /* a type that does not begin with `donation.` becomes `donation.created` */
};

/* Normalises the mapped event in place (NULL: the map gave nothing, which is an error). *ret_changed: the
 * event is different now. ERR_INVALID: `err` names the member and says how to fix the map. A missing id is
 * no error, and the id stays missing. */
int canonical_normalize(json_t *event, const struct canonical_hints *hints, bool *ret_changed,
						struct err *err) MUST_CHECK;

/* Gives a text member of the event's top level, borrowed; NULL if it is absent, empty or no text. */
const char *canonical_text(const json_t *event, const char *member);
/* Gives the donor's id, or the e-mail if there is no id, or NULL if there is neither. Borrowed. */
const char *canonical_donor(const json_t *event);

#endif
