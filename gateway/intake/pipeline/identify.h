/* What an event is, before it is mapped: its id, its gift, and whether it is the gift itself.
 *
 * One gift, one saga. `gift_made` true: this event is the gift and starts its saga; without `gift_made` a
 * `donation.created` is. Otherwise `related` decides: true means the event is recorded beside its gift and
 * starts nothing. Without `related`, an event that has a gift, is not made, and maps to `donation.created` is
 * related. All others (refunds, donor changes, unknown types) are sagas of their own. */
#ifndef ALMONER_GATEWAY_INTAKE_PIPELINE_IDENTIFY_H
#define ALMONER_GATEWAY_INTAKE_PIPELINE_IDENTIFY_H

#include <stdbool.h>

#include "gateway/intake/pipeline/request.h"
#include "gateway/intake/rules.h"

enum identity_kind {
	IDENTITY_OPEN,    /* the mapped event decides: identify_settle */
	IDENTITY_GIFT,    /* starts the saga of its gift */
	IDENTITY_RELATED, /* speaks of a gift */
	IDENTITY_OWN      /* a saga, but not of a gift */
};
const char *identify_kind_name(enum identity_kind kind);

#define IDENTITY_TEXT_MAX 500

struct identity {
	enum identity_kind kind;
	bool not_made;    /* gift_made was asked and said no */
	struct buf id;    /* empty: as the map says */
	struct buf gift;  /* empty: as the map says */
	struct buf dedup; /* empty: the id */
	struct buf type;  /* of a header or the body's `type`; only a hint */
};

void identify_finish(struct identity *i);
#define AUTO_IDENTITY __attribute__((cleanup(identify_finish)))

/* What headers say. The id is the one that `proof` signed, or at least comes with the same prefix: an id that
 * anybody may add makes one message many. `known_id` and `known_type` (or NULL) stand for headers that are no
 * longer there. */
void identify_by_headers(const struct source_rules *source, const struct intake_request *request,
						 const struct verify_proof *proof, const char *known_id, const char *known_type,
						 struct identity *to);
/* What the body says. ERR_INVALID: a program failed; the text names it. */
int identify_by_body(const struct source_rules *source, struct expr_input *body, struct identity *to,
					 struct err *err) MUST_CHECK;
/* Settles IDENTITY_OPEN with the canonical type, and fills id and gift from the canonical event where open.
 */
void identify_settle(const json_t *event, struct identity *to);
/* The id of an event that has none: "body-" and 32 hex digits of the body's digest. */
void identify_by_digest(struct str body, struct identity *to);

#endif
