#include <stdlib.h>
#include <string.h>

#include "connectors/crm/civicrm.h"
#include "connectors/kit/date.h"
#include "connectors/kit/json.h"
#include "connectors/kit/template.h"

#define TRXN_BYTES_MAX 255

/* ---- what the event says ------------------------------------------------------------------------------ */

/* Separate names where the event has them; else the last word of the whole name is the family name. */
static void take_names(struct civi_attempt *a)
{
	const char *first = context_text(&a->context, "donor.first_name");
	const char *last = context_text(&a->context, "donor.last_name");
	const char *whole = context_text(&a->context, "donor.name");
	if (first == NULL && last == NULL && whole != NULL) {
		const char *space = strrchr(whole, ' ');
		size_t head = space != NULL ? (size_t)(space - whole) : 0;
		a->first_name = head > 0 ? strndup(whole, head) : NULL;
		a->last_name = strdup(space != NULL ? space + 1 : whole);
		return;
	}
	a->first_name = first != NULL ? strdup(first) : NULL;
	a->last_name = last != NULL ? strdup(last) : NULL;
}

static bool has_donor(const struct civi_attempt *a)
{
	return a->email != NULL || a->external != NULL || a->first_name != NULL || a->last_name != NULL;
}

static bool choose_contact(struct civi_attempt *a, struct problem *problem)
{
	a->email = context_text(&a->context, "donor.email");
	a->external = a->settings->match_external ? context_text(&a->context, "donor.id") : NULL;
	a->phone = context_text(&a->context, "donor.phone");
	take_names(a);
	a->match = a->external != NULL ? CIVI_BY_EXTERNAL : a->email != NULL ? CIVI_BY_EMAIL : CIVI_BY_SOURCE;
	if (has_donor(a))
		return true;
	a->contact = a->settings->anonymous_contact;
	return a->contact > 0 || problem_set(problem, ALMONER_REJECTED,
										 "the event names no donor, and anonymous_contact is not set");
}

bool civi_prepare_trxn(struct civi_attempt *a, struct problem *problem)
{
	const struct almoner_step *step = a->context.step;
	reference_of(step, a->reference);
	if (a->settings->trxn_id != NULL &&
		!template_text(a->settings->trxn_id, &a->context, PLACE_HEADER, &a->trxn_id, problem))
		return false;
	if (a->settings->trxn_id == NULL) {
		text_puts(&a->trxn_id, "almoner:");
		text_put(&a->trxn_id, step->source);
		text_putc(&a->trxn_id, ':');
		text_put(&a->trxn_id, step->event_id);
		text_putc(&a->trxn_id, ':');
		text_put(&a->trxn_id, step->name);
		if (a->trxn_id.len > TRXN_BYTES_MAX) {
			text_clear(&a->trxn_id);
			text_puts(&a->trxn_id, a->reference);
		}
	}
	if (a->trxn_id.len == 0 || a->trxn_id.len > TRXN_BYTES_MAX)
		return problem_set(problem, ALMONER_REJECTED, "trxn_id comes out empty or longer than %d bytes",
						   TRXN_BYTES_MAX);
	return true;
}

bool civi_prepare(struct civi_attempt *a, struct problem *problem)
{
	return context_load(&a->context, problem) && money_of_event(&a->context, &a->money, problem) &&
		   choose_contact(a, problem) && civi_prepare_trxn(a, problem);
}

/* ---- pieces of requests ---------------------------------------------------------------------------------
 */

static void put_text(struct text *to, const char *name, const char *value)
{
	text_json_string(to, name, strlen(name));
	text_putc(to, ':');
	text_json_string(to, value, strlen(value));
}

/* A member after others; nothing when the event carries nothing. */
static void put_more(struct text *to, const char *name, const char *value)
{
	if (value == NULL)
		return;
	text_putc(to, ',');
	put_text(to, name, value);
}

static void put_condition(struct text *to, const char *field, const char *value)
{
	text_printf(to, "[\"%s\",\"=\",", field);
	text_json_string(to, value, strlen(value));
	text_putc(to, ']');
}

/* ---- requests: each writes the JSON of `params`
 * ------------------------------------------------------------ */

static bool find_contact(struct civi_attempt *a, struct text *params, struct problem *problem)
{
	(void)problem;
	bool by_email = a->match == CIVI_BY_EMAIL;
	text_puts(params, by_email
						  ? "{\"select\":[\"contact_id\",\"contact_id.first_name\",\"contact_id.last_name\"]"
						  : "{\"select\":[\"id\",\"first_name\",\"last_name\"]");
	text_puts(params, ",\"where\":[");
	if (by_email)
		put_condition(params, "email", a->email);
	else if (a->match == CIVI_BY_EXTERNAL)
		put_condition(params, "external_identifier", a->external);
	else
		put_condition(params, "source", a->reference);
	text_printf(params, ",[\"%sis_deleted\",\"=\",false]],\"orderBy\":{\"%s\":\"ASC\"},\"limit\":1}",
				by_email ? "contact_id." : "", by_email ? "contact_id" : "id");
	return true;
}

static void put_chain(struct text *params, const char *name, const char *entity, const char *field,
					  const char *value, bool first)
{
	text_printf(params,
				"%s\"%s\":[\"%s\",\"create\",{\"values\":{\"contact_id\":\"$id\",\"is_primary\":true,",
				first ? "" : ",", name, entity);
	put_text(params, field, value);
	text_puts(params, "}}]");
}

static bool create_contact(struct civi_attempt *a, struct text *params, struct problem *problem)
{
	(void)problem;
	text_puts(params, "{\"values\":{");
	put_text(params, "contact_type", a->settings->contact_type);
	put_more(params, "first_name", a->first_name);
	put_more(params, "last_name", a->last_name);
	put_more(params, "external_identifier", a->external);
	/* By this the contact is found again when the reply is lost and the donor has no e-mail address. */
	put_more(params, "source", a->reference);
	text_puts(params, "},\"chain\":{");
	if (a->email != NULL)
		put_chain(params, "email", "Email", "email", a->email, true);
	if (a->phone != NULL)
		put_chain(params, "phone", "Phone", "phone", a->phone, a->email == NULL);
	text_puts(params, "}}");
	return true;
}

/* The field as the contact has it, whichever entity it was read through. */
static const char *found_field(const struct civi_attempt *a, const char *name)
{
	char joined[64];
	(void)snprintf(joined, sizeof joined, "contact_id.%s", name);
	/* The name itself has a dot: it is a member, not a path. */
	const char *own = json_string_value(json_object_get(a->found, name));
	const char *through = json_string_value(json_object_get(a->found, joined));
	return own != NULL ? own : through;
}

static bool is_news(const struct civi_attempt *a, const char *name, const char *value)
{
	const char *has = found_field(a, name);
	bool empty = has == NULL || *has == '\0';
	if (value == NULL || a->settings->existing == CIVI_KEEP)
		return false;
	return empty || (a->settings->existing == CIVI_OVERWRITE && strcmp(has, value) != 0);
}

bool civi_has_news(const struct civi_attempt *a)
{
	return is_news(a, "first_name", a->first_name) || is_news(a, "last_name", a->last_name);
}

static bool update_contact(struct civi_attempt *a, struct text *params, struct problem *problem)
{
	(void)problem;
	bool first = is_news(a, "first_name", a->first_name);
	bool last = is_news(a, "last_name", a->last_name);
	text_printf(params, "{\"where\":[[\"id\",\"=\",%lld]],\"values\":{", (long long)a->contact);
	if (first)
		put_text(params, "first_name", a->first_name);
	if (first && last)
		text_putc(params, ',');
	if (last)
		put_text(params, "last_name", a->last_name);
	text_puts(params, "}}");
	return true;
}

static void put_receive_date(struct civi_attempt *a, struct text *params)
{
	int64_t at = 0;
	int offset = 0;
	char when[DATE_BYTES];
	if (!date_of_event(&a->context, &at, &offset))
		return;
	date_seconds(at, offset, when);
	put_more(params, "receive_date", when);
}

/* Further fields of the settings, without the braces of their object. */
static bool put_further(struct civi_attempt *a, struct text *params, struct problem *problem)
{
	struct text fields AUTO_TEXT = { 0 };
	if (!template_json(a->settings->contribution, &a->context, &fields, problem))
		return false;
	if (fields.len > 2) {
		text_putc(params, ',');
		text_add(params, fields.p + 1, fields.len - 2);
	}
	return true;
}

static bool create_contribution(struct civi_attempt *a, struct text *params, struct problem *problem)
{
	const struct civi_settings *s = a->settings;
	text_printf(&a->answer.checkpoint, "{\"contact\":%lld}", (long long)a->contact);
	text_printf(params, "{\"values\":{\"contact_id\":%lld,\"total_amount\":%s", (long long)a->contact,
				a->money.text);
	put_more(params, "currency", a->money.currency);
	put_more(params, "trxn_id", text_view(&a->trxn_id).p);
	put_more(params, "financial_type_id:name", s->financial_type);
	put_more(params, "contribution_status_id:name", s->status);
	put_more(params, "payment_instrument_id:name", s->payment_instrument);
	put_more(params, "source", json_text_at(s->json, "source"));
	put_receive_date(a, params);
	if (!put_further(a, params, problem))
		return false;
	text_puts(params, "}}");
	return true;
}

static bool find_contribution(struct civi_attempt *a, struct text *params, struct problem *problem)
{
	(void)problem;
	text_puts(params, "{\"select\":[\"id\",\"contact_id\",\"total_amount\",\"currency\","
					  "\"contribution_status_id:name\"],\"where\":[");
	put_condition(params, "trxn_id", text_view(&a->trxn_id).p);
	text_puts(params, "],\"limit\":1}");
	return true;
}

static bool cancel_contribution(struct civi_attempt *a, struct text *params, struct problem *problem)
{
	(void)problem;
	/* What a person has refunded or cancelled already stays as it is. */
	text_printf(params,
				"{\"where\":[[\"id\",\"=\",%lld],[\"contribution_status_id:name\",\"NOT IN\",[\"Cancelled\","
				"\"Refunded\"]]],\"values\":{\"contribution_status_id:name\":\"Cancelled\"}}",
				(long long)a->contribution);
	return true;
}

struct request {
	bool (*make)(struct civi_attempt *a, struct text *params, struct problem *problem);
	const char *path; /* entity and action; NULL: depends on the match */
	enum almoner_effect effect;
};

static const struct request requests[CIVI_PHASE_COUNT] = {
	[CIVI_FIND_CONTACT] = { find_contact, NULL, ALMONER_READS },
	[CIVI_CREATE_CONTACT] = { create_contact, "Contact/create", ALMONER_EFFECTS },
	[CIVI_UPDATE_CONTACT] = { update_contact, "Contact/update", ALMONER_EFFECTS },
	[CIVI_CREATE_CONTRIBUTION] = { create_contribution, "Contribution/create", ALMONER_EFFECTS },
	[CIVI_CONFIRM] = { find_contribution, "Contribution/get", ALMONER_READS },
	[CIVI_LOOK] = { find_contribution, "Contribution/get", ALMONER_READS },
	[CIVI_FIND_UNDO] = { find_contribution, "Contribution/get", ALMONER_READS },
	[CIVI_CANCEL] = { cancel_contribution, "Contribution/update", ALMONER_EFFECTS },
};

int civi_send(struct civi_attempt *a, enum civi_phase phase, struct almoner_action *action,
			  struct almoner_error *error)
{
	const struct request *r = &requests[phase];
	struct text params AUTO_TEXT = { 0 };
	struct problem problem = { 0 };
	const char *path = r->path != NULL ? r->path : a->match == CIVI_BY_EMAIL ? "Email/get" : "Contact/get";
	a->phase = phase;
	answer_start(&a->answer);
	if (!r->make(a, &params, &problem))
		return answer_problem(&a->answer, &problem, action, error);
	if (params.failed)
		return error_set(error, "the request is larger than %zu bytes", TEXT_CAP_BYTES);
	text_printf(&a->answer.url, "%s/%s", a->settings->base, path);
	/* The API reads a form field that holds JSON; a JSON body would be taken for no parameters at all. */
	text_puts(&a->answer.body, "params=");
	text_escape(&a->answer.body, PLACE_URL, params.p, params.len);
	answer_header(&a->answer, "X-Civi-Auth", text_lit(a->settings->authorization));
	answer_header(&a->answer, "X-Requested-With", text_lit("XMLHttpRequest"));
	answer_header(&a->answer, "Content-Type", text_lit("application/x-www-form-urlencoded"));
	return answer_send(&a->answer, "POST", true, r->effect, action, error);
}
