/* The crm connector: a donation becomes a contribution of the donor's contact record.
 *
 *   DO      find the contact ─► create it, or fill in its empty fields ─► create the contribution
 *   LOOKUP  find the contribution by its transaction id, compare the amount
 *   UNDO    set the contribution to Cancelled
 *
 * CiviCRM has no idempotency keys, and its own search for duplicates is not atomic with the write. So the
 * connector is queryable: it looks for its contribution by the unique transaction id. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "connectors/crm/civicrm.h"
#include "connectors/kit/error.h"
#include "connectors/kit/escape.h"
#include "connectors/kit/json.h"

/* One call of `next`: the attempt, and the reply that was read. */
struct civicrm_turn {
	struct civicrm_attempt *a;
	struct civicrm_reply read;
};

/* Ends the attempt; the detail holds the target's own error text. */
static int finish(struct civicrm_turn *t, uint32_t result_class, const char *what)
{
	const char *message = t->read.message[0] != '\0' ? t->read.message : NULL;
	return kit_answer_finish(&t->a->kit.answer, result_class, what, message);
}

/* Ends the attempt; the detail holds only our text. */
static int finish_own(struct civicrm_turn *t, uint32_t result_class, const char *what)
{
	return kit_answer_finish(&t->a->kit.answer, result_class, what, "");
}

/* The id in a member. Some versions of CiviCRM write ids as numbers, others as text. 0: no valid id. */
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
		return civicrm_send(t->a, CIVI_CREATE_CONTACT);
	t->a->contact = id_at(found, "id");
	if (t->a->contact == 0)
		return finish_own(t, ALMONER_UNREACHABLE, "looking for the contact: a record without an id");
	t->a->found = json_deep_copy(found);
	return civicrm_send(t->a, civicrm_has_updates(t->a) ? CIVI_UPDATE_CONTACT : CIVI_CREATE_CONTRIBUTION);
}

static int on_contact_created(struct civicrm_turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "creating the contact");
	t->a->contact = id_at(first_value(t), "id");
	if (t->a->contact == 0)
		return finish_own(t, ALMONER_UNKNOWN, "creating the contact: the reply has no id");
	return civicrm_send(t->a, CIVI_CREATE_CONTRIBUTION);
}

static int on_contact_updated(struct civicrm_turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "filling in the contact");
	return civicrm_send(t->a, CIVI_CREATE_CONTRIBUTION);
}

/* ---- the contribution ---- */

static void write_result(struct civicrm_turn *t, int64_t id, int64_t contact)
{
	struct kit_text *result = &t->a->kit.answer.result;
	kit_text_printf(result, "{\"id\":\"%lld\",\"contact\":\"%lld\",", (long long)id, (long long)contact);
	kit_escape_json_member(result, "trxn_id", kit_text_view(&t->a->trxn_id).p);
	kit_text_putc(result, '}');
}

static int on_contribution_created(struct civicrm_turn *t)
{
	if (t->read.result_class == ALMONER_EXISTS)
		return civicrm_send(t->a, CIVI_CONFIRM);
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "creating the contribution");
	int64_t id = id_at(first_value(t), "id");
	if (id == 0)
		return finish_own(t, ALMONER_UNKNOWN, "creating the contribution: the reply has no id");
	write_result(t, id, t->a->contact);
	return finish(t, ALMONER_OK, NULL);
}

static bool is_cancelled(const json_t *contribution)
{
	const char *status = json_string_value(json_object_get(contribution, "contribution_status_id:name"));
	return status != NULL && (strcmp(status, "Cancelled") == 0 || strcmp(status, "Refunded") == 0);
}

/* A contribution has our transaction id. The amount must be ours too, because the settings may make equal
 * ids. */
static int check_found(struct civicrm_turn *t, const json_t *contribution)
{
	int64_t id = id_at(contribution, "id");
	if (id == 0)
		return finish_own(t, ALMONER_UNREACHABLE, "looking for the contribution: a record without an id");
	if (is_cancelled(contribution))
		return finish_own(t, ALMONER_EXISTS, "the contribution exists and was cancelled or refunded");
	if (!kit_money_is(&t->a->money, json_object_get(contribution, "total_amount"),
					  kit_json_text_at(contribution, "currency")))
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

/* Our transaction id exists already. A look-up that fails must not count as "no effect", because an earlier
 * attempt may have created the contribution. */
static int on_confirm(struct civicrm_turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return finish(t, ALMONER_UNKNOWN, "the contribution exists; looking for it");
	const json_t *found = first_value(t);
	return found != NULL
			   ? check_found(t, found)
			   : finish_own(t, ALMONER_EXISTS,
							"CiviCRM reports a duplicate, but no contribution has our transaction id");
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
		return finish_own(t, ALMONER_UNREACHABLE, "looking for the contribution: a record without an id");
	return civicrm_send(t->a, CIVI_CANCEL);
}

/* The request changes only a contribution that is not cancelled yet; an empty list means that there was
 * none. */
static int on_cancelled(struct civicrm_turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "cancelling the contribution");
	if (first_value(t) == NULL)
		return finish_own(t, ALMONER_OK,
						  "nothing to cancel: the contribution is gone, refunded, or cancelled already");
	return finish_own(t, ALMONER_OK, NULL);
}

/* ---- start ---- */

/* The checkpoint of an earlier attempt names the contact, so only the contribution is left to do. */
static int start_do(struct civicrm_turn *t)
{
	json_t *checkpoint AUTO_JSON = kit_json_parse(t->a->kit.context.step->checkpoint);
	int64_t contact = id_at(checkpoint, "contact");
	if (contact > 0)
		t->a->contact = contact;
	return civicrm_send(t->a, t->a->contact > 0 ? CIVI_CREATE_CONTRIBUTION : CIVI_FIND_CONTACT);
}

/* If the result of DO is known, its id is enough. Otherwise the contribution is found by its transaction
 * id. */
static bool prepare_undo(struct civicrm_attempt *a, struct kit_problem *problem)
{
	if (!kit_context_load(&a->kit.context, problem))
		return false;
	a->contribution = id_at(a->kit.context.own, "id");
	return a->contribution > 0 || civicrm_prepare_trxn(a, problem);
}

static bool prepare_lookup(struct civicrm_attempt *a, struct kit_problem *problem)
{
	return kit_context_load(&a->kit.context, problem) &&
		   kit_money_of_event(&a->kit.context, &a->money, problem) && civicrm_prepare_trxn(a, problem);
}

/* A look-up needs the amount, to compare it; an undo does not, so it also works for an event that DO would
 * reject. */
static int on_start(struct civicrm_turn *t)
{
	struct kit_problem problem = { 0 };
	uint32_t purpose = t->a->kit.context.step->purpose;
	bool ready = purpose == ALMONER_UNDO     ? prepare_undo(t->a, &problem)
				 : purpose == ALMONER_LOOKUP ? prepare_lookup(t->a, &problem)
											 : civicrm_prepare(t->a, &problem);
	if (!ready)
		return kit_answer_problem(&t->a->kit.answer, &problem);
	if (purpose == ALMONER_LOOKUP)
		return civicrm_send(t->a, CIVI_LOOKUP);
	if (purpose == ALMONER_UNDO)
		return civicrm_send(t->a, t->a->contribution > 0 ? CIVI_CANCEL : CIVI_FIND_UNDO);
	return start_do(t);
}

/* ---- the interface ---- */

/* The reply is read once, in the same way for all phases; then the phase decides what it means. */
static int crm_next(void *attempt, const struct almoner_reply *reply)
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
	struct civicrm_turn t = { .a = attempt };
	if ((reply == NULL) != (t.a->phase == CIVI_START))
		return kit_error_set(t.a->kit.answer.error, "a reply came although nothing was sent");
	if (reply != NULL)
		civicrm_read(reply, civicrm_phase_reads(t.a->phase) ? ALMONER_READS : ALMONER_EFFECTS, &t.read);
	int rc = on_reply[t.a->phase](&t);
	civicrm_reply_free(&t.read);
	return rc;
}

static int crm_begin(void *attempt, const void *instance, struct almoner_error *error)
{
	(void)error;
	struct civicrm_attempt *a = attempt;
	a->settings = instance;
	return 0;
}

static void crm_end(void *attempt)
{
	struct civicrm_attempt *a = attempt;
	kit_text_free(&a->trxn_id);
	json_decref(a->found);
	free(a->first_name);
	free(a->last_name);
}

static int crm_open(void *instance, struct almoner_traits *traits, struct almoner_error *error)
{
	traits->repeat = ALMONER_REPEAT_QUERYABLE;
	traits->capabilities = ALMONER_CAN_UNDO | ALMONER_UNDO_IDEMPOTENT | ALMONER_CAN_LOOKUP;
	return civicrm_settings_read(instance, error);
}

static void crm_close(void *instance)
{
	civicrm_settings_free(instance);
}

static const struct kit_shell crm_shell = {
	.instance_bytes = sizeof(struct civicrm_settings),
	.attempt_bytes = sizeof(struct civicrm_attempt),
	.open = crm_open,
	.close = crm_close,
	.begin = crm_begin,
	.next = crm_next,
	.end = crm_end,
};

KIT_SHELL_CONNECTOR(crm_shell, .name = "crm", .version = "1.0",
					.summary = "Books a donation as a contribution in CiviCRM, under the donor's contact",
					.proven = "documents only", .options = civicrm_options, .option_count = CIVI_OPTION_COUNT)
