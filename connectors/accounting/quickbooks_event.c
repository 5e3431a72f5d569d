/* The data of the event that the requests need. */
#include <string.h>

#include "connectors/accounting/quickbooks.h"
#include "connectors/kit/template.h"

/* The longest DisplayName, from the vendor's documents. */
#define NAME_BYTES_MAX 100

/* Makes a valid DisplayName: colons (they separate levels) and control characters become spaces, spaces at
 * both ends are removed, and the name is cut after the last whole character that fits. */
static void clean_name(struct kit_text *name)
{
	struct kit_text raw AUTO_TEXT = *name;
	*name = (struct kit_text){ 0 };
	size_t take = 0;
	const char *p = kit_text_view(&raw).p;
	p += strspn(p, " ");
	for (size_t n = 0; p[take] != '\0' && take < NAME_BYTES_MAX; take += n) {
		n = kit_text_utf8_len(p + take, strlen(p + take));
		if (n == 0 || take + n > NAME_BYTES_MAX)
			break;
		bool bad = n == 1 && (p[take] == ':' || (unsigned char)p[take] < ' ');
		kit_text_add(name, bad ? " " : p + take, bad ? 1 : n);
	}
	kit_text_trim(name);
}

/* A gift without a name and without an address belongs to the anonymous customer. */
static bool name_customer(struct quickbooks_attempt *a, struct kit_problem *problem)
{
	kit_text_clear(&a->name);
	if (!kit_template_text(a->settings->customer_name, &a->kit.context, KIT_ESCAPE_NONE, &a->name, problem))
		return false;
	clean_name(&a->name);
	if (a->name.len == 0)
		kit_text_puts(&a->name, a->email != NULL ? a->email : a->settings->anonymous);
	return true;
}

bool quickbooks_prepare(struct quickbooks_attempt *a, struct kit_problem *problem)
{
	if (!kit_context_load(&a->kit.context, problem) ||
		!kit_money_of_event(&a->kit.context, &a->money, problem))
		return false;
	if (a->money.minor <= 0)
		return kit_problem_set(problem, ALMONER_REJECTED,
							   "amount.minor must be more than 0 for a sales receipt");
	kit_reference_of(a->kit.context.step, a->reference);
	a->email = kit_context_text(&a->kit.context, "donor.email");
	return name_customer(a, problem);
}

/* The name is cut, not the address: the address is the part that makes the result unique. */
void quickbooks_distinguish_name(struct quickbooks_attempt *a)
{
	struct kit_text longer = { 0 };
	size_t cap = NAME_BYTES_MAX - 3 > strlen(a->email) ? NAME_BYTES_MAX - 3 - strlen(a->email) : 0;
	size_t keep = 0;
	for (size_t n = 0; keep < a->name.len; keep += n) {
		n = kit_text_utf8_len(a->name.p + keep, a->name.len - keep);
		if (n == 0 || keep + n > cap)
			break;
	}
	kit_text_add(&longer, kit_text_view(&a->name).p, keep);
	kit_text_printf(&longer, "%s(%s)", keep > 0 ? " " : "", a->email);
	kit_text_free(&a->name);
	a->name = longer;
}
