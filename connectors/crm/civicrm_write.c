/* The requests of each phase. */
#include <string.h>

#include "connectors/crm/civicrm.h"
#include "connectors/kit/date.h"
#include "connectors/kit/error.h"
#include "connectors/kit/escape.h"
#include "connectors/kit/json.h"
#include "connectors/kit/template.h"

/* ---- parts of requests ---- */

/* Appends a further member of an object; nothing if the value is NULL. */
static void put_more(struct kit_text *to, const char *name, const char *value)
{
	if (value == NULL)
		return;
	kit_text_putc(to, ',');
	kit_escape_json_member(to, name, value);
}

static void put_condition(struct kit_text *to, const char *field, const char *value)
{
	kit_text_printf(to, "[\"%s\",\"=\",", field);
	kit_escape_json_string(to, value, strlen(value));
	kit_text_putc(to, ']');
}

/* ---- requests: each writes the JSON of `params` ---- */

static bool find_contact(struct civicrm_attempt *a, struct kit_text *params, struct kit_problem *problem)
{
	(void)problem;
	kit_text_puts(params,
				  "{\"select\":[\"id\",\"first_name\",\"last_name\",\"phone_primary.phone\"],\"where\":[");
	if (a->match == CIVI_BY_EMAIL)
		put_condition(params, "email_primary.email", a->email);
	else if (a->match == CIVI_BY_EXTERNAL)
		put_condition(params, "external_identifier", a->external);
	else
		put_condition(params, "source", a->reference);
	kit_text_puts(params, ",[\"is_deleted\",\"=\",false]],\"orderBy\":{\"id\":\"ASC\"},\"limit\":1}");
	return true;
}

/* `source` holds our reference. A contact without an e-mail address is found again by it, if the reply to
 * this request is lost. */
static bool create_contact(struct civicrm_attempt *a, struct kit_text *params, struct kit_problem *problem)
{
	(void)problem;
	kit_text_puts(params, "{\"values\":{");
	kit_escape_json_member(params, "contact_type", "Individual");
	put_more(params, "first_name", a->first_name);
	put_more(params, "last_name", a->last_name);
	put_more(params, "email_primary.email", a->email);
	put_more(params, "phone_primary.phone", a->phone);
	put_more(params, "external_identifier", a->external);
	put_more(params, "source", a->reference);
	kit_text_puts(params, "}}");
	return true;
}

/* A field of a contact, and the value in the event; NULL: the event has none. */
struct contact_update {
	const char *field;
	const char *value;
};

#define UPDATE_COUNT 3

static void collect_updates(const struct civicrm_attempt *a, struct contact_update out[UPDATE_COUNT])
{
	out[0] = (struct contact_update){ "first_name", a->first_name };
	out[1] = (struct contact_update){ "last_name", a->last_name };
	out[2] = (struct contact_update){ "phone_primary.phone", a->phone };
}

/* True if the value of the event has to be written: the field of the contact is empty, or it differs and the
 * settings say "overwrite". The name of the field may contain a dot, so it is a member and not a path. */
static bool is_update(const struct civicrm_attempt *a, const struct contact_update *n)
{
	const char *has = json_string_value(json_object_get(a->found, n->field));
	bool empty = has == NULL || *has == '\0';
	if (n->value == NULL || a->settings->existing == CIVI_KEEP)
		return false;
	return empty || (a->settings->existing == CIVI_OVERWRITE && strcmp(has, n->value) != 0);
}

bool civicrm_has_updates(const struct civicrm_attempt *a)
{
	struct contact_update all[UPDATE_COUNT];
	collect_updates(a, all);
	for (size_t i = 0; i < UPDATE_COUNT; i++)
		if (is_update(a, &all[i]))
			return true;
	return false;
}

/* Writes only the fields that differ, so that changes by users of CiviCRM stay. */
static bool update_contact(struct civicrm_attempt *a, struct kit_text *params, struct kit_problem *problem)
{
	(void)problem;
	struct contact_update all[UPDATE_COUNT];
	const char *comma = "";
	collect_updates(a, all);
	kit_text_printf(params, "{\"where\":[[\"id\",\"=\",%lld]],\"values\":{", (long long)a->contact);
	for (size_t i = 0; i < UPDATE_COUNT; i++) {
		if (!is_update(a, &all[i]))
			continue;
		kit_text_puts(params, comma);
		kit_escape_json_member(params, all[i].field, all[i].value);
		comma = ",";
	}
	kit_text_puts(params, "}}");
	return true;
}

/* The time at the place of the gift. Without a known time CiviCRM takes the current time. */
static void put_receive_date(struct civicrm_attempt *a, struct kit_text *params)
{
	int64_t at = 0;
	int offset = 0;
	char date[KIT_DATE_BYTES];
	if (!kit_date_of_event(&a->kit.context, &at, &offset))
		return;
	kit_date_seconds(at, offset, date);
	put_more(params, "receive_date", date);
}

/* The extra fields of the settings. They are rendered as an object whose braces are then left out. */
static bool put_extra_fields(struct civicrm_attempt *a, struct kit_text *params, struct kit_problem *problem)
{
	struct kit_text fields AUTO_TEXT = { 0 };
	if (!kit_template_json(a->settings->contribution, &a->kit.context, &fields, problem))
		return false;
	if (fields.len > 2) {
		kit_text_putc(params, ',');
		kit_text_add(params, fields.p + 1, fields.len - 2);
	}
	return true;
}

/* The transaction id makes the contribution unique: CiviCRM refuses a second one with the same id. The
 * checkpoint keeps the contact: a later attempt then does not look for it again. */
static bool create_contribution(struct civicrm_attempt *a, struct kit_text *params,
								struct kit_problem *problem)
{
	const struct civicrm_settings *s = a->settings;
	kit_text_printf(&a->kit.answer.checkpoint, "{\"contact\":%lld}", (long long)a->contact);
	kit_text_printf(params, "{\"values\":{\"contact_id\":%lld,\"total_amount\":%s", (long long)a->contact,
					a->money.text);
	put_more(params, "currency", a->money.currency);
	put_more(params, "trxn_id", kit_text_view(&a->trxn_id).p);
	put_more(params, "financial_type_id:name", s->financial_type);
	put_more(params, "contribution_status_id:name", s->status);
	put_more(params, "payment_instrument_id:name", s->payment_instrument);
	put_more(params, "source", kit_json_text_at(s->kit.json, "source"));
	put_receive_date(a, params);
	if (!put_extra_fields(a, params, problem))
		return false;
	kit_text_puts(params, "}}");
	return true;
}

static bool find_contribution(struct civicrm_attempt *a, struct kit_text *params, struct kit_problem *problem)
{
	(void)problem;
	kit_text_puts(params, "{\"select\":[\"id\",\"contact_id\",\"total_amount\",\"currency\","
						  "\"contribution_status_id:name\"],\"where\":[");
	put_condition(params, "trxn_id", kit_text_view(&a->trxn_id).p);
	kit_text_puts(params, "],\"limit\":1}");
	return true;
}

/* The condition leaves a contribution alone that a user has refunded or cancelled already. */
static bool cancel_contribution(struct civicrm_attempt *a, struct kit_text *params,
								struct kit_problem *problem)
{
	(void)problem;
	kit_text_printf(params,
					"{\"where\":[[\"id\",\"=\",%lld],[\"contribution_status_id:name\",\"!=\",\"Cancelled\"],"
					"[\"contribution_status_id:name\",\"!=\",\"Refunded\"]],"
					"\"values\":{\"contribution_status_id:name\":\"Cancelled\"}}",
					(long long)a->contribution);
	return true;
}

/* How the request of a phase is written, and its effect. */
struct civicrm_request {
	bool (*make)(struct civicrm_attempt *a, struct kit_text *params, struct kit_problem *problem);
	const char *path; /* entity and action of APIv4 */
	enum almoner_effect effect;
};

static const struct civicrm_request requests[CIVI_PHASE_COUNT] = {
	[CIVI_FIND_CONTACT] = { find_contact, "Contact/get", ALMONER_READS },
	[CIVI_CREATE_CONTACT] = { create_contact, "Contact/create", ALMONER_EFFECTS },
	[CIVI_UPDATE_CONTACT] = { update_contact, "Contact/update", ALMONER_EFFECTS },
	[CIVI_CREATE_CONTRIBUTION] = { create_contribution, "Contribution/create", ALMONER_EFFECTS },
	[CIVI_CONFIRM] = { find_contribution, "Contribution/get", ALMONER_READS },
	[CIVI_LOOKUP] = { find_contribution, "Contribution/get", ALMONER_READS },
	[CIVI_FIND_UNDO] = { find_contribution, "Contribution/get", ALMONER_READS },
	[CIVI_CANCEL] = { cancel_contribution, "Contribution/update", ALMONER_EFFECTS },
};

bool civicrm_phase_reads(enum civicrm_phase phase)
{
	return requests[phase].effect == ALMONER_READS;
}

/* The parameters are the JSON in a form field. CiviCRM would ignore parameters in a JSON body.
 * X-Requested-With is required: without it CiviCRM refuses the request as a possible forgery. */
int civicrm_send(struct civicrm_attempt *a, enum civicrm_phase phase)
{
	const struct civicrm_request *r = &requests[phase];
	struct kit_text params AUTO_TEXT = { 0 };
	struct kit_problem problem = { 0 };
	a->phase = phase;
	kit_answer_clear(&a->kit.answer);
	if (!r->make(a, &params, &problem))
		return kit_answer_problem(&a->kit.answer, &problem);
	if (params.failed)
		return kit_error_set(a->kit.answer.error, "the request is larger than %zu bytes", KIT_TEXT_BYTES_MAX);
	kit_text_printf(&a->kit.answer.url, "%s/%s", a->settings->base, r->path);
	kit_text_puts(&a->kit.answer.body, "params=");
	kit_escape_put(&a->kit.answer.body, KIT_ESCAPE_URL, params.p, params.len);
	kit_answer_header(&a->kit.answer, "X-Civi-Auth", kit_text_lit(a->settings->authorization));
	kit_answer_header(&a->kit.answer, "X-Requested-With", kit_text_lit("XMLHttpRequest"));
	kit_answer_header(&a->kit.answer, "Content-Type", kit_text_lit("application/x-www-form-urlencoded"));
	return kit_answer_send(&a->kit.answer, "POST", true, r->effect);
}
