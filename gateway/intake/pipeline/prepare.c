#include "gateway/intake/pipeline/prepare.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/intake/pipeline/body.h"
#include "gateway/intake/pipeline/canonical.h"
#include "gateway/intake/pipeline/explain.h"
#include "gateway/intake/pipeline/identify.h"
#include "gateway/intake/pipeline/route.h"
#include "gateway/intake/pipeline/text.h"
#include "saga/base/clock.h"
#include "saga/base/mem.h"

/* How long a related event waits for its gift before operators are alerted. See
 * gateway/DESIGN.md "One gift, one saga". */
#define GIFT_WAIT_MS HOUR_MS

/* One run of the intake pipeline: what it knows of the event so far. */
struct prepare_run {
	struct rules *rules;
	const struct source_rules *source;
	const struct intake_request *request;
	const struct prepare_known *known;
	json_t *explain;
	struct verify_proof proof;
	struct identity identity;
	struct body body;
	json_t *event; /* canonical; NULL: not mapped (yet) */
	struct buf text;
	bool text_is_raw; /* the body is its own canonical text */
	struct routing routing;
	struct prepared *to;
	struct err err; /* why the event is quarantined */
};

/* ---- stages: a result other than 0 means quarantine, and run->err says why ---- */

static int stage_parse(struct prepare_run *run)
{
	int rc = body_parse(run->request->body, &run->body, &run->err);
	explain_parse(run->explain, &run->body, rc == 0 ? NULL : run->err.text);
	if (rc != 0)
		return rc;
	/* A secret that was sent in the body must not be stored, mapped or sent on. */
	const char *pointer = run->source->config->verify.token_pointer;
	if (pointer != NULL && body_remove(run->body.root, pointer))
		run->body.altered = true;
	return 0;
}

static int stage_identify(struct prepare_run *run, struct expr_input *body)
{
	int rc = identify_by_body(run->source, body, &run->identity, &run->err);
	explain_identity(run->explain, &run->identity, rc == 0 ? NULL : run->err.text);
	return rc;
}

/* If nothing in the body was changed, the body is its own canonical text: it is stored once. */
static void render(struct prepare_run *run, bool changed)
{
	run->text_is_raw =
		!changed && run->body.compact && !run->body.altered && expr_is_identity(run->source->map);
	if (!run->text_is_raw)
		text_json(run->event, &run->text);
}

/* Maps the body to the canonical event. If neither headers, body nor map give an id, the id is made of the
 * body's digest. */
static int stage_map(struct prepare_run *run, struct expr_input *body)
{
	json_t *mapped = NULL;
	bool changed = false;
	int rc = expr_eval_json(run->source->map, body, &mapped, &run->err);
	if (rc != 0)
		return err_wrap(&run->err, rc, "map");
	const struct canonical_hints hints = { .id = run->identity.id.data,
										   .type = run->identity.type.data,
										   .gift = run->identity.gift.data,
										   .is_gift = run->identity.kind == IDENTITY_GIFT };
	rc = canonical_normalize(mapped, &hints, &changed, &run->err);
	if (rc != 0) {
		json_decref(mapped);
		return rc;
	}
	run->event = mapped;
	identify_settle(run->event, &run->identity);
	if (run->identity.id.len == 0) {
		identify_by_digest(run->request->body, &run->identity);
		rc = json_object_set_new(run->event, "id", json_string(run->identity.id.data));
		assert(rc == 0);
		changed = true;
	}
	render(run, changed);
	return 0;
}

static int stage_route(struct prepare_run *run)
{
	AUTO_EXPR_INPUT struct expr_input event = { .root = run->event };
	int rc = route_event(run->rules, str_of(run->source->config->name), &event, &run->routing, run->to->lanes,
						 &run->err);
	explain_route(run->explain, run->rules, &run->routing, &event, rc == 0 ? NULL : run->err.text);
	return rc;
}

/* A related event is recorded without a mapped form, because nothing of it is sent to a target. The map
 * runs only if the id comes from it; a map that fails is then ignored, because maps are written for gifts. */
static void id_of_related(struct prepare_run *run, struct expr_input *body)
{
	json_t *mapped = NULL;
	if (run->identity.id.len > 0)
		return;
	if (expr_eval_json(run->source->map, body, &mapped, NULL) == 0 && json_is_object(mapped))
		identify_settle(mapped, &run->identity);
	json_decref(mapped);
}

/* Runs all stages after verification. A related event is not mapped and not routed. */
static int run_body(struct prepare_run *run)
{
	int rc = stage_parse(run);
	if (rc != 0)
		return rc;
	AUTO_EXPR_INPUT struct expr_input body = { .root = run->body.root };
	rc = stage_identify(run, &body);
	if (rc != 0)
		return rc;
	if (run->identity.kind == IDENTITY_RELATED) {
		id_of_related(run, &body);
		return 0;
	}
	rc = stage_map(run, &body);
	explain_map(run->explain, run->event, &run->identity, rc == 0 ? NULL : run->err.text);
	if (rc != 0 || run->identity.kind == IDENTITY_RELATED)
		return rc;
	return stage_route(run);
}

/* ---- the accept ---- */

/* Makes the stored event. A quarantined event takes neither type nor donor from the map, because the map
 * has failed. */
static struct event *make_event(const struct prepare_run *run, bool quarantined)
{
	const struct buf *identity_type = &run->identity.type;
	const char *type = quarantined || run->event == NULL ? NULL : canonical_text(run->event, "type");
	const char *donor = quarantined || run->event == NULL ? NULL : canonical_donor(run->event);
	const char *content_type = request_header(run->request, "Content-Type");
	bool keeps_text = !quarantined && run->identity.kind != IDENTITY_RELATED;
	struct event_fields fields = {
		.source = str_of(run->source->config->name),
		.event_id = buf_str(&run->identity.id),
		/* An event that is not mapped keeps the sender's own type: operators read it, and a quarantined event
		 * can be mapped again although its headers are gone. */
		.type = type != NULL ? str_of(type) : buf_str(identity_type),
		.gift = buf_str(&run->identity.gift),
		.donor = str_of(donor),
		.content_type = str_of(content_type),
		.raw = run->request->body,
	};
	if (keeps_text)
		fields.canonical = run->text_is_raw ? run->request->body : buf_str(&run->text);
	return event_create(&fields, run->request->now_ms);
}

/* Fills the part of the accept that starts a saga. A quarantined or unrouted event gets the empty plan,
 * which has no steps. */
static void fill_start(const struct prepare_run *run, const struct event *event, bool quarantined)
{
	struct prepared *to = run->to;
	const struct route_rules *route = quarantined ? NULL : run->routing.route;
	to->accept.start = (struct saga_start){
		.plan = route != NULL ? route->plan : run->rules->empty,
		.source = event->f.source.p,
		.event_id = event->f.event_id.p,
		.type = event->f.type.p,
		.gift = event->f.gift.p,
		.donor = event->f.donor.p,
		.note = to->note,
		.now_ms = run->request->now_ms,
		.unrouted = !quarantined && route == NULL,
		.own_reason = quarantined ? REASON_QUARANTINED : REASON_NONE,
	};
	if (route == NULL)
		return;
	to->accept.start.lanes = (const uint8_t(*)[LANE_BYTES])to->lanes;
	to->accept.start.lane_mask = run->routing.lane_mask;
	to->accept.start.condition_known = run->routing.condition_known;
	to->accept.start.condition_true = run->routing.condition_true;
}

/* Fills the accept for the journal. An event without an id gets one that is made of the digest of its
 * body. */
static void fill(struct prepare_run *run, bool quarantined)
{
	struct accept *a = &run->to->accept;
	if (run->identity.id.len == 0)
		identify_by_digest(run->request->body, &run->identity);
	if (quarantined)
		snprintf(run->to->note, sizeof run->to->note, "%s", run->err.text);
	const char *source = run->source->config->name;
	const struct buf *dedup = run->identity.dedup.len > 0 ? &run->identity.dedup : &run->identity.id;
	const struct buf *gift = &run->identity.gift;
	enum identity_kind kind = run->identity.kind;
	bool related = !quarantined && kind == IDENTITY_RELATED;
	a->event = make_event(run, quarantined);
	a->kind = related ? ACCEPT_RELATED : ACCEPT_SAGA;
	fill_start(run, a->event, quarantined);
	journal_event_key(source, dedup->data, a->dedup);
	a->has_gift = gift->len > 0 && (kind == IDENTITY_GIFT || related);
	if (a->has_gift)
		journal_gift_key(source, gift->data, a->gift);
	a->gift_wait_ms = GIFT_WAIT_MS;
	explain_result(run->explain, a, run->to->note);
}

/* The known id of a stored event; NULL: none, or it is only the digest of the body, which was used because
 * mapping had failed. Such an id must be dropped once the map works, or the sender's retries, which get
 * the mapped id, would not be recognised as duplicates. */
static const char *stored_event_id(const struct prepare_run *run)
{
	AUTO_IDENTITY struct identity digest_id = { 0 };
	const char *id = run->known->event_id;
	if (id == NULL)
		return NULL;
	identify_by_digest(run->request->body, &digest_id);
	return strcmp(id, digest_id.id.data) != 0 ? id : NULL;
}

/* Verifies the request. A stored event counts as verified: it was verified when it came, and its headers
 * are gone. */
static bool verified(struct prepare_run *run)
{
	if (run->known->event_id != NULL)
		return true;
	enum verify_verdict verdict = verify_request_proof(run->source->verifier, run->request, &run->proof);
	explain_verify(run->explain, &run->source->config->verify, verdict);
	return verdict == VERIFY_OK;
}

static void run_finish(struct prepare_run *run)
{
	identify_finish(&run->identity);
	json_decref(run->event);
	body_finish(&run->body);
	buf_free(&run->text);
}

/* Verification is the only stage that rejects: an authentic event is always kept, quarantined if it must
 * be. */
int prepare_event(struct rules *rules, const char *source, const struct intake_request *request,
				  const struct prepare_known *known, json_t *explain, struct prepared **ret)
{
	static const struct prepare_known nothing = { 0 };
	int index = config_find_source(rules->config, str_of(source));
	if (index < 0)
		return ERR_NOT_FOUND;
	struct prepare_run run = { .rules = rules,
							   .source = &rules->sources[index],
							   .request = request,
							   .known = known != NULL ? known : &nothing,
							   .explain = explain };
	if (!verified(&run))
		return ERR_REFUSED;
	run.to = mem_zalloc(sizeof *run.to);
	run.to->rules = rules_ref(rules);
	identify_by_headers(run.source, request, &run.proof, stored_event_id(&run), run.known->type,
						&run.identity);
	bool quarantined = run_body(&run) != 0;
	fill(&run, quarantined);
	run_finish(&run);
	*ret = run.to;
	return 0;
}

void prepare_destroy(struct prepared *p)
{
	if (p == NULL)
		return;
	event_unref(p->accept.event);
	rules_unref(p->rules);
	free(p);
}

void prepare_cleanup(struct prepared **slot)
{
	prepare_destroy(*slot);
}
