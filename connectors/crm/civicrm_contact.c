/* Replies about the contact. */
#include "connectors/crm/civicrm.h"

int civicrm_on_contact_found(struct civicrm_turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return civicrm_finish(t, t->read.result_class, "the search for the contact");
	const json_t *found = civicrm_first_value(t);
	if (found == NULL)
		return civicrm_send(t->a, CIVI_CREATE_CONTACT);
	t->a->contact = civicrm_id_at(found, "id");
	if (t->a->contact == 0)
		return civicrm_finish_own(t, ALMONER_UNREACHABLE,
								  "the search for the contact gave a record without an id");
	t->a->found = json_deep_copy(found);
	return civicrm_send(t->a, civicrm_has_updates(t->a) ? CIVI_UPDATE_CONTACT : CIVI_CREATE_CONTRIBUTION);
}

int civicrm_on_contact_created(struct civicrm_turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return civicrm_finish(t, t->read.result_class, "the request to create the contact");
	t->a->contact = civicrm_id_at(civicrm_first_value(t), "id");
	if (t->a->contact == 0)
		return civicrm_finish_own(t, ALMONER_UNKNOWN,
								  "the request to create the contact: the reply has no id");
	return civicrm_send(t->a, CIVI_CREATE_CONTRIBUTION);
}

int civicrm_on_contact_updated(struct civicrm_turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return civicrm_finish(t, t->read.result_class, "the request to fill in the contact");
	return civicrm_send(t->a, CIVI_CREATE_CONTRIBUTION);
}
