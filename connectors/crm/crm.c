/* The crm connector: a donation becomes a contribution of the donor's contact record.
 *
 *   DO      find the contact ─► create it, or fill in what it lacks ─► create the contribution
 *   LOOKUP  find the contribution by its transaction id, compare the amount
 *   UNDO    set the contribution to Cancelled
 *
 * CiviCRM has no idempotency keys, and its own matching looks first and writes then: so the connector is
 * queryable, and the unique transaction id is what it looks for. */
#include <stdlib.h>
#include <string.h>

#include "connectors/crm/civicrm.h"
#include "connectors/kit/json.h"

struct civicrm_turn {
	struct civicrm_attempt *a;
	const struct almoner_reply *reply;
	struct civicrm_reply read;
	struct almoner_action *action;
	struct almoner_error *error;
};

static int finish(struct civicrm_turn *t, uint32_t result_class, const char *what)
{
	const char *message = t->read.message[0] != '\0' ? t->read.message : NULL;
	return kit_answer_finish(&t->a->answer, result_class, t->reply, what, message, t->action, t->error);
}

static int finish_own(struct civicrm_turn *t, uint32_t result_class, const char *what)
{
	return kit_answer_finish(&t->a->answer, result_class, t->reply, what, "", t->action, t->error);
}

static int send_phase(struct civicrm_turn *t, enum civicrm_phase phase)
{
	return civicrm_send(t->a, phase, t->action, t->error);
}

/* Ids come as numbers, from some versions as text. 0: none. */
static int64_t id_at(const json_t *value, const char *name)
{
	const json_t *id = json_object_get(value, name);
	if (json_is_integer(id))
		return json_integer_value(id) > 0 ? json_integer_value(id) : 0;
	const char *text = json_string_value(id);
	if (text == NULL || *text == '\0' || strlen(text) > 18 || strspn(text, "0123456789") != strlen(text))
		return 0;
	return strtoll(text, NULL, 10);
}

static const json_t *first_value(const struct civicrm_turn *t)
{
	return json_array_get(t->read.values, 0);
}

/* ---- the contact ---- */

static int on_contact_found(struct civicrm_turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "looking for the contact");
	const json_t *found = first_value(t);
	if (found == NULL)
		return send_phase(t, CIVI_CREATE_CONTACT);
	t->a->contact = id_at(found, "id");
	if (t->a->contact == 0)
		return finish_own(t, ALMONER_UNREACHABLE, "looking for the contact: a record without id");
	t->a->found = json_deep_copy(found);
	return send_phase(t, civicrm_has_updates(t->a) ? CIVI_UPDATE_CONTACT : CIVI_CREATE_CONTRIBUTION);
}

static int on_contact_created(struct civicrm_turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "creating the contact");
	t->a->contact = id_at(first_value(t), "id");
	if (t->a->contact == 0)
		return finish_own(t, ALMONER_UNKNOWN, "creating the contact: the reply has no id");
	return send_phase(t, CIVI_CREATE_CONTRIBUTION);
}

static int on_contact_updated(struct civicrm_turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "filling in the contact");
	return send_phase(t, CIVI_CREATE_CONTRIBUTION);
}

/* ---- the contribution ---- */

static void write_result(struct civicrm_turn *t, int64_t id, int64_t contact)
{
	struct kit_text *result = &t->a->answer.result;
	kit_text_printf(result, "{\"id\":\"%lld\",\"contact\":\"%lld\",\"trxn_id\":", (long long)id,
					(long long)contact);
	kit_text_json_string(result, kit_text_view(&t->a->trxn_id).p, t->a->trxn_id.len);
	kit_text_putc(result, '}');
}

static int on_contribution_created(struct civicrm_turn *t)
{
	if (t->read.result_class == ALMONER_EXISTS)
		return send_phase(t, CIVI_CONFIRM);
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "creating the contribution");
	int64_t id = id_at(first_value(t), "id");
	if (id == 0)
		return finish_own(t, ALMONER_UNKNOWN, "creating the contribution: the reply has no id");
	write_result(t, id, t->a->contact);
	return finish(t, ALMONER_OK, NULL);
}

static bool same_gift(const struct civicrm_turn *t, const json_t *contribution)
{
	struct kit_text total AUTO_TEXT = { 0 };
	int64_t minor = 0;
	const char *currency = kit_json_text_at(contribution, "currency");
	if (currency != NULL && strcasecmp(currency, t->a->money.currency) != 0)
		return false;
	return kit_json_scalar(&total, json_object_get(contribution, "total_amount")) &&
		   kit_money_parse(kit_text_view(&total).p, t->a->money.currency, &minor) &&
		   minor == t->a->money.minor;
}

static bool is_cancelled(const json_t *contribution)
{
	const char *status = json_string_value(json_object_get(contribution, "contribution_status_id:name"));
	return status != NULL && (strcmp(status, "Cancelled") == 0 || strcmp(status, "Refunded") == 0);
}

static int check_found(struct civicrm_turn *t, const json_t *contribution)
{
	int64_t id = id_at(contribution, "id");
	if (id == 0)
		return finish_own(t, ALMONER_UNREACHABLE, "looking for the contribution: a record without id");
	if (is_cancelled(contribution))
		return finish_own(t, ALMONER_EXISTS, "the contribution exists and was cancelled or refunded");
	if (!same_gift(t, contribution))
		return finish_own(t, ALMONER_EXISTS, "a contribution with our transaction id has another amount");
	write_result(t, id, id_at(contribution, "contact_id"));
	return finish_own(t, ALMONER_OK, "found by its transaction id");
}

static int on_lookup(struct civicrm_turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "looking for the contribution");
	const json_t *found = first_value(t);
	return found != NULL ? check_found(t, found)
						 : finish_own(t, ALMONER_ABSENT, "no contribution has our transaction id");
}

/* It exists already; trouble while looking must not count as "no effect". */
static int on_confirm(struct civicrm_turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return finish(t, ALMONER_UNKNOWN, "the contribution exists; looking for it");
	const json_t *found = first_value(t);
	return found != NULL ? check_found(t, found)
						 : finish_own(t, ALMONER_EXISTS,
									  "something exists, and no contribution has our transaction id");
}

/* ---- undo ---- */

static int on_found_to_undo(struct civicrm_turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "looking for the contribution to cancel");
	const json_t *found = first_value(t);
	if (found == NULL)
		return finish_own(t, ALMONER_OK, "nothing to cancel: no contribution has our transaction id");
	t->a->contribution = id_at(found, "id");
	if (t->a->contribution == 0)
		return finish_own(t, ALMONER_UNREACHABLE, "looking for the contribution: a record without id");
	return send_phase(t, CIVI_CANCEL);
}

static int on_cancelled(struct civicrm_turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "cancelling the contribution");
	if (first_value(t) == NULL)
		return finish_own(t, ALMONER_OK, "nothing to cancel: it is gone, refunded, or cancelled already");
	return finish_own(t, ALMONER_OK, NULL);
}

/* ---- starting ---- */

static int start_do(struct civicrm_turn *t)
{
	json_t *checkpoint AUTO_JSON = kit_json_parse(t->a->context.step->checkpoint);
	int64_t contact = id_at(checkpoint, "contact");
	if (contact > 0)
		t->a->contact = contact;
	return send_phase(t, t->a->contact > 0 ? CIVI_CREATE_CONTRIBUTION : CIVI_FIND_CONTACT);
}

static bool prepare_undo(struct civicrm_attempt *a, struct kit_problem *problem)
{
	if (!kit_context_load(&a->context, problem))
		return false;
	a->contribution = id_at(a->context.own, "id");
	return a->contribution > 0 || civicrm_prepare_trxn(a, problem);
}

static bool prepare_lookup(struct civicrm_attempt *a, struct kit_problem *problem)
{
	return kit_context_load(&a->context, problem) && kit_money_of_event(&a->context, &a->money, problem) &&
		   civicrm_prepare_trxn(a, problem);
}

static int on_start(struct civicrm_turn *t)
{
	struct kit_problem problem = { 0 };
	uint32_t purpose = t->a->context.step->purpose;
	bool ready = purpose == ALMONER_UNDO     ? prepare_undo(t->a, &problem)
				 : purpose == ALMONER_LOOKUP ? prepare_lookup(t->a, &problem)
											 : civicrm_prepare(t->a, &problem);
	if (!ready)
		return kit_answer_problem(&t->a->answer, &problem, t->action, t->error);
	if (purpose == ALMONER_LOOKUP)
		return send_phase(t, CIVI_LOOKUP);
	if (purpose == ALMONER_UNDO)
		return send_phase(t, t->a->contribution > 0 ? CIVI_CANCEL : CIVI_FIND_UNDO);
	return start_do(t);
}

static bool only_reads(enum civicrm_phase phase)
{
	return phase == CIVI_FIND_CONTACT || phase == CIVI_CONFIRM || phase == CIVI_LOOKUP ||
		   phase == CIVI_FIND_UNDO;
}

static int crm_next(void *attempt, const struct almoner_reply *reply, struct almoner_action *action,
					struct almoner_error *error)
{
	static int (*const on_reply[CIVI_PHASE_COUNT])(struct civicrm_turn *) = {
		[CIVI_START] = on_start,
		[CIVI_FIND_CONTACT] = on_contact_found,
		[CIVI_CREATE_CONTACT] = on_contact_created,
		[CIVI_UPDATE_CONTACT] = on_contact_updated,
		[CIVI_CREATE_CONTRIBUTION] = on_contribution_created,
		[CIVI_CONFIRM] = on_confirm,
		[CIVI_LOOKUP] = on_lookup,
		[CIVI_FIND_UNDO] = on_found_to_undo,
		[CIVI_CANCEL] = on_cancelled,
	};
	struct civicrm_turn t = { .a = attempt, .reply = reply, .action = action, .error = error };
	if ((reply == NULL) != (t.a->phase == CIVI_START))
		return kit_error_set(error, "next was called out of turn");
	if (reply != NULL)
		civicrm_read(reply, only_reads(t.a->phase) ? ALMONER_READS : ALMONER_EFFECTS, &t.read);
	kit_answer_start(&t.a->answer);
	int rc = on_reply[t.a->phase](&t);
	civicrm_reply_free(&t.read);
	return rc;
}

static int crm_begin(void *instance, const struct almoner_step *step, void **attempt,
					 struct almoner_error *error)
{
	const struct civicrm_settings *settings = instance;
	struct civicrm_attempt *a = calloc(1, sizeof *a);
	if (a == NULL)
		return kit_error_set(error, "out of memory");
	a->settings = settings;
	kit_context_init(&a->context, step);
	kit_answer_init(&a->answer, &settings->secrets);
	*attempt = a;
	return 0;
}

static void crm_end(void *attempt)
{
	struct civicrm_attempt *a = attempt;
	kit_context_finish(&a->context);
	kit_answer_free(&a->answer);
	kit_text_free(&a->trxn_id);
	json_decref(a->found);
	free(a->first_name);
	free(a->last_name);
	free(a);
}

static void crm_close(void *instance)
{
	civicrm_settings_free(instance);
	free(instance);
}

static int crm_open(const struct almoner_host *host, struct almoner_text settings, void **instance,
					struct almoner_traits *traits, struct almoner_error *error)
{
	(void)host;
	struct civicrm_settings *s = calloc(1, sizeof *s);
	if (s == NULL)
		return kit_error_set(error, "out of memory");
	if (civicrm_settings_read(s, settings, error) != 0) {
		crm_close(s);
		return -1;
	}
	traits->repeat = ALMONER_REPEAT_QUERYABLE;
	traits->capabilities = ALMONER_CAN_UNDO | ALMONER_UNDO_IDEMPOTENT | ALMONER_CAN_LOOKUP;
	*instance = s;
	return 0;
}

const struct almoner_connector *almoner_connector(void)
{
	static const struct almoner_connector self = {
		.size = sizeof(struct almoner_connector),
		.abi_major = ALMONER_ABI_MAJOR,
		.abi_minor = ALMONER_ABI_MINOR,
		.name = "crm",
		.version = "1.0",
		.summary = "Books a donation as a contribution in CiviCRM, under the donor's contact",
		.proven = "documents only",
		.options = civicrm_options,
		.option_count = CIVI_OPTION_COUNT,
		.option_size = sizeof(struct almoner_option),
		.open = crm_open,
		.close = crm_close,
		.begin = crm_begin,
		.next = crm_next,
		.end = crm_end,
	};
	return &self;
}
