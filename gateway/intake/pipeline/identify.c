#include "gateway/intake/pipeline/identify.h"

#include <string.h>
#include <strings.h>

#include "gateway/intake/pipeline/canonical.h"
#include "saga/base/digest.h"
#include "saga/base/hex.h"

const char *identify_kind_name(enum identity_kind kind)
{
	static const char *const names[] = {
		[IDENTITY_OPEN] = "open",
		[IDENTITY_GIFT] = "gift",
		[IDENTITY_RELATED] = "related",
		[IDENTITY_OWN] = "own",
	};
	return names[kind];
}

void identify_finish(struct identity *i)
{
	buf_free(&i->id);
	buf_free(&i->gift);
	buf_free(&i->dedup);
	buf_free(&i->type);
}

/* Copies a text and cuts a long one, but keeps one byte more than allowed, so that check_length still sees
 * that it is too long. NULL: no change. */
static void set_text(struct buf *to, const char *text)
{
	if (text == NULL)
		return;
	while (*text == ' ' || *text == '\t')
		text++;
	buf_clear(to);
	buf_add(to, text, strnlen(text, IDENTITY_TEXT_MAX + 1));
}

static int check_length(const char *what, const struct buf *text, struct err *err)
{
	if (text->len > IDENTITY_TEXT_MAX)
		return err_set(err, ERR_INVALID, "%s gave a text longer than %d bytes", what, IDENTITY_TEXT_MAX);
	for (size_t i = 0; i < text->len; i++) {
		if ((unsigned char)text->data[i] < 0x20 || text->data[i] == 0x7f)
			return err_set(err, ERR_INVALID, "%s gave a text that contains a control character", what);
	}
	return 0;
}

/* A header that cannot be an id or a type (too long, control characters, not UTF-8) counts as absent: the
 * map or the digest gives the id then. */
static void drop_unusable(struct buf *text)
{
	json_t *valid = json_stringn(text->data != NULL ? text->data : "", text->len);
	if (valid == NULL || check_length("the header", text, NULL) != 0)
		buf_clear(text);
	json_decref(valid);
}

/* The id that the signature covers is taken from the proof and not from the header, which may occur twice. */
static void id_of_header(const struct config_source *config, const struct intake_request *request,
						 const struct verify_proof *proof, struct buf *to)
{
	const char *name = config->event_id_header, *signed_name = config->verify.id_header;
	if (name == NULL)
		return;
	if (proof->signs_id && signed_name != NULL && strcasecmp(name, signed_name) == 0)
		buf_add(to, proof->id.p, proof->id.len < IDENTITY_TEXT_MAX ? proof->id.len : IDENTITY_TEXT_MAX + 1);
	else
		set_text(to, verify_header(&config->verify, proof->prefix, request, name));
}

void identify_by_headers(const struct source_rules *source, const struct intake_request *request,
						 const struct verify_proof *proof, const char *known_id, const char *known_type,
						 struct identity *to)
{
	const struct config_source *config = source->config;
	if (known_id != NULL)
		set_text(&to->id, known_id);
	else
		id_of_header(config, request, proof, &to->id);
	set_text(&to->type, known_type != NULL ? known_type : request_header(request, config->type_header));
	drop_unusable(&to->id);
	drop_unusable(&to->type);
}

static int eval_text(const char *what, const struct expr *program, struct expr_input *body, struct buf *to,
					 struct err *err)
{
	bool present = false;
	if (program == NULL)
		return 0;
	int rc = expr_eval_text(program, body, to, &present, err);
	if (rc != 0)
		return err_wrap(err, ERR_INVALID, "%s \"%.60s\"", what, expr_text(program));
	return check_length(what, to, err);
}

static int eval_bool(const char *what, const struct expr *program, struct expr_input *body, bool *ret,
					 struct err *err)
{
	int rc = expr_eval_bool(program, body, ret, err);
	return rc != 0 ? err_wrap(err, ERR_INVALID, "%s", what) : 0;
}

/* Decides whether the event is a gift, is related to one, or is neither, by the rules at the head of
 * identify.h. */
static int eval_kind(const struct source_rules *source, struct expr_input *body, struct identity *to,
					 struct err *err)
{
	bool yes = false;
	to->kind = IDENTITY_OPEN;
	if (source->gift_made == NULL)
		return 0;
	int rc = eval_bool("gift_made", source->gift_made, body, &yes, err);
	if (rc != 0)
		return rc;
	to->not_made = !yes;
	if (yes)
		to->kind = IDENTITY_GIFT;
	if (yes || source->related == NULL)
		return 0;
	rc = eval_bool("related", source->related, body, &yes, err);
	if (rc == 0)
		to->kind = yes ? IDENTITY_RELATED : IDENTITY_OWN;
	return rc;
}

/* Joins the values of all `dedup` programs. A program without a value is an error: two different events
 * could get the same deduplication key, and the second would be lost as a duplicate. */
static int eval_dedup(const struct source_rules *source, struct expr_input *body, struct buf *to,
					  struct err *err)
{
	for (size_t i = 0; i < source->dedup_count; i++) {
		bool present = false;
		if (i > 0)
			buf_byte(to, 0x1f); /* the separator makes the keys of ("ab","c") and ("a","bc") differ */
		int rc = expr_eval_text(source->dedup[i], body, to, &present, err);
		if (rc != 0)
			return err_wrap(err, ERR_INVALID, "dedup \"%.60s\"", expr_text(source->dedup[i]));
		if (!present)
			return err_set(err, ERR_INVALID,
						   "dedup \"%.60s\" gave no value, so two events could not be distinguished",
						   expr_text(source->dedup[i]));
	}
	return 0;
}

/* The member `type` of the body is only a hint for the event's type, so one that is too long is ignored. */
int identify_by_body(const struct source_rules *source, struct expr_input *body, struct identity *to,
					 struct err *err)
{
	int rc = to->id.len == 0 ? eval_text("event_id", source->event_id, body, &to->id, err) : 0;
	if (rc == 0)
		rc = eval_dedup(source, body, &to->dedup, err);
	if (rc == 0)
		rc = eval_text("gift", source->gift, body, &to->gift, err);
	if (rc == 0)
		rc = eval_kind(source, body, to, err);
	const char *type = json_is_object(body->root) ? canonical_text(body->root, "type") : NULL;
	if (to->type.len == 0 && type != NULL && strlen(type) <= CANONICAL_TEXT_MAX)
		set_text(&to->type, type);
	return rc;
}

void identify_settle(const json_t *event, struct identity *to)
{
	if (to->id.len == 0)
		set_text(&to->id, canonical_text(event, "id"));
	if (to->gift.len == 0)
		set_text(&to->gift, canonical_text(event, "gift"));
	if (to->kind != IDENTITY_OPEN)
		return;
	const char *type = canonical_text(event, "type");
	bool created = type != NULL && strcmp(type, "donation.created") == 0 && to->gift.len > 0;
	to->kind = !created ? IDENTITY_OWN : to->not_made ? IDENTITY_RELATED : IDENTITY_GIFT;
}

void identify_by_digest(struct str body, struct identity *to)
{
	uint8_t digest[DIGEST_BYTES];
	char hex[2 * DIGEST16_BYTES + 1];
	digest_bytes(body.p, body.len, digest);
	hex_encode(digest, DIGEST16_BYTES, hex);
	buf_clear(&to->id);
	buf_printf(&to->id, "body-%s", hex);
}
