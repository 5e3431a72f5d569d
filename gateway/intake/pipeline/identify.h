/* What an event is: its id, its gift, and whether it is the gift itself.
 *
 * A gift has one saga (gateway/DESIGN.md "One gift, one saga"). An event is the gift, and starts its saga,
 * if the source's condition `gift_made` is true; for a source without `gift_made`, if the mapped type is
 * `donation.created`. Otherwise the condition `related` decides: if it is true, the event is recorded
 * beside its gift and starts no saga. For a source without `related`, an event is related if it names a
 * gift, `gift_made` was false, and it maps to `donation.created`. All other events (refunds, changes of a
 * donor, unknown types) are sagas of their own. Pure. Thread: any. */
#ifndef ALMONER_GATEWAY_INTAKE_PIPELINE_IDENTIFY_H
#define ALMONER_GATEWAY_INTAKE_PIPELINE_IDENTIFY_H

#include <stdbool.h>

#include "gateway/intake/pipeline/request.h"
#include "gateway/intake/rules.h"

enum identity_kind {
	IDENTITY_OPEN,    /* the identity is not decided yet: identify_settle decides by the mapped event */
	IDENTITY_GIFT,    /* the event is the one that starts the saga of its gift */
	IDENTITY_RELATED, /* the event belongs to a gift whose saga another event starts */
	IDENTITY_OWN      /* the event starts a saga that does not belong to a gift */
};
const char *identify_kind_name(enum identity_kind kind);

#define IDENTITY_TEXT_MAX 500 /* the most bytes of an id, gift or type; the same as CANONICAL_TEXT_MAX */

struct identity {
	enum identity_kind kind;
	bool not_made;    /* the condition `gift_made` was evaluated and is false */
	struct buf id;    /* empty: the map gives it */
	struct buf gift;  /* empty: the map gives it */
	struct buf dedup; /* the text by which duplicates are recognised; empty: the id */
	struct buf type;  /* the type, from a header or the body's member `type`; the map may give another */
};

void identify_finish(struct identity *i);
#define AUTO_IDENTITY __attribute__((cleanup(identify_finish)))

/* Takes id and type from the headers. If the signature covers an id, that id is taken; otherwise the
 * header with the same prefix as the signature: an unsigned id header would let anyone replay one signed
 * message as many events. `known_id` and `known_type` (or NULL) replace headers that are no longer
 * available. */
void identify_by_headers(const struct source_rules *source, const struct intake_request *request,
						 const struct verify_proof *proof, const char *known_id, const char *known_type,
						 struct identity *to);
/* Takes id, gift, dedup, kind and type from the body, with the source's programs. ERR_INVALID: a program
 * failed; `err` names it. */
int identify_by_body(const struct source_rules *source, struct expr_input *body, struct identity *to,
					 struct err *err) MUST_CHECK;
/* Fills id and gift from the mapped event where they are empty, and decides the kind if it is
 * IDENTITY_OPEN. */
void identify_settle(const json_t *event, struct identity *to);
/* Sets the id of an event that has none: "body-" and 32 hex digits of the body's digest. */
void identify_by_digest(struct str body, struct identity *to);

#endif
