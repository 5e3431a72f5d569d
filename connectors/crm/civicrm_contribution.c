/* Replies about the contribution: DO, LOOKUP and UNDO. */
#include <string.h>

#include "connectors/crm/civicrm.h"
#include "connectors/kit/escape.h"
#include "connectors/kit/json.h"

/* ---- the contribution ---- */

static void write_result(struct civicrm_turn *t, int64_t id, int64_t contact)
{
	struct kit_text *result = &t->a->kit.answer.result;
	kit_text_printf(result, "{\"id\":\"%lld\",\"contact\":\"%lld\",", (long long)id, (long long)contact);
	kit_escape_json_member(result, "trxn_id", kit_text_view(&t->a->trxn_id).p);
	kit_text_putc(result, '}');
}

int civicrm_on_contribution_created(struct civicrm_turn *t)
{
	if (t->read.result_class == ALMONER_EXISTS)
		return civicrm_send(t->a, CIVI_CONFIRM);
	if (t->read.result_class != ALMONER_OK)
		return civicrm_finish(t, t->read.result_class, "the request to create the contribution");
	int64_t id = civicrm_id_at(civicrm_first_value(t), "id");
	if (id == 0)
		return civicrm_finish_own(t, ALMONER_UNKNOWN,
								  "the request to create the contribution: the reply has no id");
	write_result(t, id, t->a->contact);
	return civicrm_finish(t, ALMONER_OK, NULL);
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
	int64_t id = civicrm_id_at(contribution, "id");
	if (id == 0)
		return civicrm_finish_own(t, ALMONER_UNREACHABLE,
								  "the search for the contribution gave a record without an id");
	if (is_cancelled(contribution))
		return civicrm_finish_own(t, ALMONER_EXISTS, "the contribution exists and was cancelled or refunded");
	if (!kit_money_is(&t->a->money, json_object_get(contribution, "total_amount"),
					  kit_json_text_at(contribution, "currency")))
		return civicrm_finish_own(t, ALMONER_EXISTS,
								  "a contribution with our transaction id has another amount");
	write_result(t, id, civicrm_id_at(contribution, "contact_id"));
	return civicrm_finish_own(t, ALMONER_OK, "found by its transaction id");
}

int civicrm_on_lookup(struct civicrm_turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return civicrm_finish(t, t->read.result_class, "the search for the contribution");
	const json_t *found = civicrm_first_value(t);
	return found != NULL ? check_found(t, found)
						 : civicrm_finish_own(t, ALMONER_ABSENT, "no contribution has our transaction id");
}

/* Our transaction id exists already. A look-up that fails must not count as "no effect", because an earlier
 * attempt may have created the contribution. */
int civicrm_on_confirm(struct civicrm_turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return civicrm_finish(t, ALMONER_UNKNOWN, "the contribution exists, and the connector looks for it");
	const json_t *found = civicrm_first_value(t);
	return found != NULL ? check_found(t, found)
						 : civicrm_finish_own(
							   t, ALMONER_EXISTS,
							   "CiviCRM reports a duplicate, but no contribution has our transaction id");
}

/* ---- undo ---- */

int civicrm_on_found_to_undo(struct civicrm_turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return civicrm_finish(t, t->read.result_class, "the search for the contribution to cancel");
	const json_t *found = civicrm_first_value(t);
	if (found == NULL)
		return civicrm_finish_own(t, ALMONER_OK, "nothing to cancel: no contribution has our transaction id");
	t->a->contribution = civicrm_id_at(found, "id");
	if (t->a->contribution == 0)
		return civicrm_finish_own(t, ALMONER_UNREACHABLE,
								  "the search for the contribution gave a record without an id");
	return civicrm_send(t->a, CIVI_CANCEL);
}

/* The request changes only a contribution that is not cancelled yet; an empty list means that there was
 * none. */
int civicrm_on_cancelled(struct civicrm_turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return civicrm_finish(t, t->read.result_class, "the request to cancel the contribution");
	if (civicrm_first_value(t) == NULL)
		return civicrm_finish_own(
			t, ALMONER_OK, "nothing to cancel: the contribution is gone, refunded, or cancelled already");
	return civicrm_finish_own(t, ALMONER_OK, NULL);
}
