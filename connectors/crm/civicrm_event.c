/* The data of the event that the requests need. */
#include <stdlib.h>
#include <string.h>

#include "connectors/crm/civicrm.h"
#include "connectors/kit/template.h"

/* Of the column trxn_id in CiviCRM. */
#define TRXN_BYTES_MAX 255

static char *copy_or_null(const char *text, size_t len)
{
	return len > 0 ? strndup(text, len) : NULL;
}

/* "Ada King Lovelace": the last word is the family name, the words before it are the given names. */
static void split_name(struct civicrm_attempt *a, const char *whole)
{
	size_t len = strlen(whole);
	while (len > 0 && whole[len - 1] == ' ')
		len--;
	size_t last = len;
	while (last > 0 && whole[last - 1] != ' ')
		last--;
	a->last_name = copy_or_null(whole + last, len - last);
	while (last > 0 && whole[last - 1] == ' ')
		last--;
	a->first_name = copy_or_null(whole, last);
}

/* Separate names win over a name in one piece. */
static void take_names(struct civicrm_attempt *a)
{
	const char *first = kit_context_text(&a->kit.context, "donor.first_name");
	const char *last = kit_context_text(&a->kit.context, "donor.last_name");
	const char *whole = kit_context_text(&a->kit.context, "donor.name");
	if (first == NULL && last == NULL && whole != NULL) {
		split_name(a, whole);
		return;
	}
	a->first_name = first != NULL ? strdup(first) : NULL;
	a->last_name = last != NULL ? strdup(last) : NULL;
}

static bool has_donor(const struct civicrm_attempt *a)
{
	return a->email != NULL || a->external != NULL || a->first_name != NULL || a->last_name != NULL;
}

/* How the contact is found. A gift without any data of a donor goes to the anonymous contact. */
static bool choose_contact(struct civicrm_attempt *a, struct kit_problem *problem)
{
	a->email = kit_context_text(&a->kit.context, "donor.email");
	a->external = a->settings->match_external ? kit_context_text(&a->kit.context, "donor.id") : NULL;
	a->phone = kit_context_text(&a->kit.context, "donor.phone");
	take_names(a);
	a->match = a->external != NULL ? CIVI_BY_EXTERNAL : a->email != NULL ? CIVI_BY_EMAIL : CIVI_BY_SOURCE;
	if (has_donor(a))
		return true;
	a->contact = a->settings->anonymous_contact;
	return a->contact > 0 || kit_problem_set(problem, ALMONER_REJECTED,
											 "the event names no donor, and anonymous_contact is not set");
}

/* A transaction id that is too long for CiviCRM is replaced by our reference, which is as unique. An id that
 * a template makes is never cut: two cut ids could be equal. */
bool civicrm_prepare_trxn(struct civicrm_attempt *a, struct kit_problem *problem)
{
	const struct almoner_step *step = a->kit.context.step;
	kit_reference_of(step, a->reference);
	if (a->settings->trxn_id != NULL &&
		!kit_template_text(a->settings->trxn_id, &a->kit.context, KIT_ESCAPE_HEADER, &a->trxn_id, problem))
		return false;
	if (a->settings->trxn_id == NULL) {
		kit_text_puts(&a->trxn_id, "almoner:");
		kit_text_put(&a->trxn_id, step->source);
		kit_text_putc(&a->trxn_id, ':');
		kit_text_put(&a->trxn_id, step->event_id);
		kit_text_putc(&a->trxn_id, ':');
		kit_text_put(&a->trxn_id, step->name);
		if (a->trxn_id.len > TRXN_BYTES_MAX) {
			kit_text_clear(&a->trxn_id);
			kit_text_puts(&a->trxn_id, a->reference);
		}
	}
	if (a->trxn_id.len == 0 || a->trxn_id.len > TRXN_BYTES_MAX)
		return kit_problem_set(problem, ALMONER_REJECTED, "trxn_id is empty or longer than %d bytes",
							   TRXN_BYTES_MAX);
	return true;
}

bool civicrm_prepare(struct civicrm_attempt *a, struct kit_problem *problem)
{
	return kit_context_load(&a->kit.context, problem) &&
		   kit_money_of_event(&a->kit.context, &a->money, problem) && choose_contact(a, problem) &&
		   civicrm_prepare_trxn(a, problem);
}
