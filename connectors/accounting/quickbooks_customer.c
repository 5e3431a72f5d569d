/* Replies about the customer. */
#include <string.h>
#include <strings.h>

#include "connectors/accounting/quickbooks.h"
#include "connectors/kit/json.h"

/* Of the customers that were found, the one with our name, else the first. NULL: none was found. */
static const json_t *choose_customer(const struct quickbooks_turn *t)
{
	const json_t *found = kit_json_at(t->read.body, "QueryResponse.Customer");
	for (size_t i = 0; i < json_array_size(found); i++) {
		const char *name = kit_json_text_at(json_array_get(found, i), "DisplayName");
		if (name != NULL && strcmp(name, kit_text_view(&t->a->name).p) == 0)
			return json_array_get(found, i);
	}
	return json_array_get(found, 0);
}

/* QuickBooks has one currency per customer, so a gift in another currency cannot be booked for it. */
static int use_customer(struct quickbooks_turn *t, const json_t *customer)
{
	const char *currency = kit_json_text_at(customer, "CurrencyRef.value");
	struct kit_problem problem = { 0 };
	if (currency != NULL && strcasecmp(currency, t->a->money.currency) != 0) {
		kit_problem_set(&problem, ALMONER_REJECTED,
						"the customer's currency is %s and the gift is in %s; QuickBooks has one currency "
						"per customer: add {{amount.currency}} to customer_name",
						currency, t->a->money.currency);
		return kit_answer_problem(&t->a->kit.answer, &problem);
	}
	if (!quickbooks_copy_id(customer, "Id", t->a->customer))
		return quickbooks_finish(t, ALMONER_UNREACHABLE,
								 "the search for the customer gave a record without an id");
	return quickbooks_send(t->a, QB_CREATE_RECEIPT);
}

int quickbooks_on_found_by_email(struct quickbooks_turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return quickbooks_finish(t, t->read.result_class, "the search for the customer");
	const json_t *customer = choose_customer(t);
	return customer != NULL ? use_customer(t, customer) : quickbooks_send(t->a, QB_FIND_BY_NAME);
}

/* A customer with the same name but another address is another person. */
static bool is_other_person(const struct quickbooks_turn *t, const json_t *customer)
{
	const char *email = kit_json_text_at(customer, "PrimaryEmailAddr.Address");
	return t->a->email != NULL && email != NULL && strcasecmp(email, t->a->email) != 0;
}

int quickbooks_on_found_by_name(struct quickbooks_turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return quickbooks_finish(t, t->read.result_class, "the search for the customer");
	const json_t *customer = choose_customer(t);
	if (customer != NULL && !is_other_person(t, customer))
		return use_customer(t, customer);
	if (customer != NULL)
		quickbooks_distinguish_name(t->a);
	return quickbooks_send(t->a, QB_CREATE_CUSTOMER);
}

int quickbooks_on_customer_created(struct quickbooks_turn *t)
{
	if (t->read.code == QB_CODE_NAME_EXISTS)
		return quickbooks_send(t->a, QB_FIND_NAMESAKE);
	if (t->read.result_class != ALMONER_OK)
		return quickbooks_finish(t, t->read.result_class, "the request to create the customer");
	if (!quickbooks_copy_id(t->read.body, "Customer.Id", t->a->customer))
		return quickbooks_finish(t, ALMONER_UNKNOWN,
								 "the request to create the customer: the reply has no Customer.Id");
	return quickbooks_send(t->a, QB_CREATE_RECEIPT);
}

/* Customers, vendors and employees share their names, and a query does not show inactive customers. */
int quickbooks_on_namesake(struct quickbooks_turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return quickbooks_finish(t, t->read.result_class, "the search for the customer whose name exists");
	const json_t *customer = choose_customer(t);
	if (customer == NULL)
		return quickbooks_finish_own(
			t, ALMONER_REJECTED,
			"the customer's name belongs to a vendor, an employee or an inactive customer");
	return use_customer(t, customer);
}
