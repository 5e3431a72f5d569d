/* The crm connector: a donation becomes a contribution of the donor's contact record.
 *
 *   DO      find the contact ─► create it, or fill in its empty fields ─► create the contribution
 *   LOOKUP  find the contribution by its transaction id, compare the amount
 *   UNDO    set the contribution to Cancelled
 *
 * CiviCRM has no idempotency keys, and its own search for duplicates is not atomic with the write. So the
 * connector is queryable: it looks for its contribution by the unique transaction id. */
#include <stdlib.h>

#include "connectors/crm/civicrm.h"
#include "connectors/kit/error.h"
#include "connectors/kit/json.h"

/* ---- start ---- */

/* The checkpoint of an earlier attempt names the contact, so only the contribution is left to do. */
static int start_do(struct civicrm_turn *t)
{
	json_t *checkpoint AUTO_JSON = kit_json_parse(t->a->kit.context.step->checkpoint);
	int64_t contact = civicrm_id_at(checkpoint, "contact");
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
	a->contribution = civicrm_id_at(a->kit.context.own, "id");
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
		[CIVI_FIND_CONTACT] = civicrm_on_contact_found,
		[CIVI_CREATE_CONTACT] = civicrm_on_contact_created,
		[CIVI_UPDATE_CONTACT] = civicrm_on_contact_updated,
		[CIVI_CREATE_CONTRIBUTION] = civicrm_on_contribution_created,
		[CIVI_CONFIRM] = civicrm_on_confirm,
		[CIVI_LOOKUP] = civicrm_on_lookup,
		[CIVI_FIND_UNDO] = civicrm_on_found_to_undo,
		[CIVI_CANCEL] = civicrm_on_cancelled,
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

/* A new donor, so that a preview shows everything that is sent; an undo finds the contribution. */
static const char preview[] = "{\"do\":[{\"to\":\"/Contact/get\",\"status\":200,\"body\":{\"values\":[]}},"
							  "{\"to\":\"/create\",\"status\":200,\"body\":{\"values\":[{\"id\":1}]}}],"
							  "\"undo\":[{\"status\":200,\"body\":{\"values\":[{\"id\":1}]}}]}";

KIT_SHELL_CONNECTOR(crm_shell, .name = "crm", .version = "1.0",
					.summary = "Books a donation as a contribution in CiviCRM, under the donor's contact",
					.proven = "documents only", .options = civicrm_options, .option_count = CIVI_OPTION_COUNT,
					.preview = preview)
