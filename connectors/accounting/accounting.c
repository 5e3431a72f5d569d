/* The accounting connector: a donation becomes a sales receipt for the donor's customer record in QuickBooks.
 *
 *   DO      find the customer by e-mail, else by name ─► create it if it is missing ─► create the receipt
 *   LOOKUP  find the receipt by our reference, compare the amount
 *   UNDO    find the receipt, read its version, void it
 *
 * QuickBooks recognises a repeat by `requestid`, but does not state for how long. So the connector counts as
 * keyed for one day; after that the gateway uses LOOKUP. */
#include <string.h>
#include <strings.h>

#include "connectors/accounting/quickbooks.h"
#include "connectors/kit/escape.h"
#include "connectors/kit/json.h"

/* Chosen; no measurement: the vendor's documents name no time. */
#define REQUEST_ID_TTL_MS ((uint64_t)24 * 3600 * 1000)

/* One call of `next`: the attempt, and the reply that was read. */
struct quickbooks_turn {
	struct quickbooks_attempt *a;
	struct quickbooks_reply read;
};

/* Ends the attempt; the detail holds the target's own error text. */
static int finish(struct quickbooks_turn *t, uint32_t result_class, const char *what)
{
	const char *message = t->read.message[0] != '\0' ? t->read.message : NULL;
	return kit_answer_finish(&t->a->kit.answer, result_class, what, message);
}

/* Ends the attempt; the detail holds only our text. */
static int finish_own(struct quickbooks_turn *t, uint32_t result_class, const char *what)
{
	return kit_answer_finish(&t->a->kit.answer, result_class, what, "");
}

static bool copy_id(const json_t *from, const char *path, char out[QB_ID_BYTES])
{
	char id[KIT_JSON_ID_BYTES];
	if (kit_json_id(from, path, id) == NULL || strlen(id) >= QB_ID_BYTES)
		return false;
	memcpy(out, id, strlen(id) + 1);
	return true;
}

/* ---- the customer ---- */

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
	if (!copy_id(customer, "Id", t->a->customer))
		return finish(t, ALMONER_UNREACHABLE, "looking for the customer: a record without an id");
	return quickbooks_send(t->a, QB_CREATE_RECEIPT);
}

static int on_found_by_email(struct quickbooks_turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "looking for the customer");
	const json_t *customer = choose_customer(t);
	return customer != NULL ? use_customer(t, customer) : quickbooks_send(t->a, QB_FIND_BY_NAME);
}

/* A customer with the same name but another address is another person. */
static bool is_other_person(const struct quickbooks_turn *t, const json_t *customer)
{
	const char *email = kit_json_text_at(customer, "PrimaryEmailAddr.Address");
	return t->a->email != NULL && email != NULL && strcasecmp(email, t->a->email) != 0;
}

static int on_found_by_name(struct quickbooks_turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "looking for the customer");
	const json_t *customer = choose_customer(t);
	if (customer != NULL && !is_other_person(t, customer))
		return use_customer(t, customer);
	if (customer != NULL)
		quickbooks_distinguish_name(t->a);
	return quickbooks_send(t->a, QB_CREATE_CUSTOMER);
}

static int on_customer_created(struct quickbooks_turn *t)
{
	if (t->read.code == QB_CODE_NAME_EXISTS)
		return quickbooks_send(t->a, QB_FIND_NAMESAKE);
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "creating the customer");
	if (!copy_id(t->read.body, "Customer.Id", t->a->customer))
		return finish(t, ALMONER_UNKNOWN, "creating the customer: the reply has no Customer.Id");
	return quickbooks_send(t->a, QB_CREATE_RECEIPT);
}

/* Customers, vendors and employees share their names, and a query does not show inactive customers. */
static int on_namesake(struct quickbooks_turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "looking for the customer whose name exists");
	const json_t *customer = choose_customer(t);
	if (customer == NULL)
		return finish_own(t, ALMONER_REJECTED,
						  "the customer's name belongs to a vendor, an employee or an inactive customer");
	return use_customer(t, customer);
}

/* ---- the receipt ---- */

static void write_result(struct quickbooks_turn *t)
{
	struct kit_text *result = &t->a->kit.answer.result;
	kit_text_putc(result, '{');
	kit_escape_json_member(result, "id", t->a->receipt);
	if (t->a->customer[0] != '\0') {
		kit_text_putc(result, ',');
		kit_escape_json_member(result, "customer", t->a->customer);
	}
	kit_text_putc(result, ',');
	kit_escape_json_member(result, "reference", t->a->reference);
	kit_text_putc(result, '}');
}

static int on_receipt_created(struct quickbooks_turn *t)
{
	if (t->read.code == QB_CODE_NUMBER_EXISTS)
		return quickbooks_send(t->a, QB_CONFIRM);
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "creating the sales receipt");
	if (!copy_id(t->read.body, "SalesReceipt.Id", t->a->receipt))
		return finish(t, ALMONER_UNKNOWN, "creating the sales receipt: the reply has no SalesReceipt.Id");
	write_result(t);
	return finish(t, ALMONER_OK, NULL);
}

/* The receipt that a query found; NULL: none. */
static const json_t *found_receipt(const struct quickbooks_turn *t)
{
	return kit_json_at(t->read.body, "QueryResponse.SalesReceipt.0");
}

/* A receipt has our reference. The amount must be ours too, because references can be equal by chance. */
static int check_receipt(struct quickbooks_turn *t, const json_t *receipt)
{
	if (!copy_id(receipt, "Id", t->a->receipt))
		return finish(t, ALMONER_UNREACHABLE, "looking for the sales receipt: a record without an id");
	if (!kit_money_is(&t->a->money, kit_json_at(receipt, "TotalAmt"),
					  kit_json_text_at(receipt, "CurrencyRef.value")))
		return finish_own(t, ALMONER_EXISTS,
						  "a sales receipt with our reference has another amount, or was voided");
	copy_id(receipt, "CustomerRef.value", t->a->customer);
	write_result(t);
	return finish_own(t, ALMONER_OK, "found by its reference");
}

static int on_lookup(struct quickbooks_turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "looking for the sales receipt");
	const json_t *receipt = found_receipt(t);
	return receipt != NULL ? check_receipt(t, receipt)
						   : finish_own(t, ALMONER_ABSENT, "no sales receipt has our reference");
}

/* The number of our receipt exists already. A look-up that fails must not count as "no effect", because an
 * earlier attempt may have created the receipt. */
static int on_confirm(struct quickbooks_turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return finish(t, ALMONER_UNKNOWN, "the number exists; looking for the sales receipt");
	const json_t *receipt = found_receipt(t);
	return receipt != NULL
			   ? check_receipt(t, receipt)
			   : finish_own(t, ALMONER_EXISTS, "the number exists, but no sales receipt has our reference");
}

/* ---- undo ---- */

/* A void sets the total to zero. The currency does not matter: zero is written alike in all of them. */
static bool is_void(const json_t *receipt)
{
	struct kit_text total AUTO_TEXT = { 0 };
	int64_t minor = -1;
	return kit_json_scalar(&total, kit_json_at(receipt, "TotalAmt")) &&
		   kit_money_parse(kit_text_view(&total).p, "EUR", &minor) && minor == 0;
}

static int void_found(struct quickbooks_turn *t, const json_t *receipt)
{
	if (is_void(receipt))
		return finish_own(t, ALMONER_OK, "the sales receipt is void already");
	if (!copy_id(receipt, "Id", t->a->receipt) || !copy_id(receipt, "SyncToken", t->a->sync_token))
		return finish(t, ALMONER_UNREACHABLE, "reading the sales receipt: no id or version in the reply");
	return quickbooks_send(t->a, QB_VOID);
}

static int on_found_to_void(struct quickbooks_turn *t)
{
	if (t->read.code == QB_CODE_NOT_FOUND)
		return finish_own(t, ALMONER_OK, "nothing to void: the sales receipt is gone");
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "reading the sales receipt to void");
	const json_t *receipt = found_receipt(t);
	return receipt != NULL ? void_found(t, receipt)
						   : finish_own(t, ALMONER_OK, "nothing to void: no sales receipt");
}

/* "Stale" means that another user edited the receipt between our read and our void: it is read once more. */
static int on_voided(struct quickbooks_turn *t)
{
	if (t->read.code == QB_CODE_STALE && t->a->reads_of_void++ == 0)
		return quickbooks_send(t->a, QB_READ_TO_VOID);
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "voiding the sales receipt");
	if (!copy_id(t->read.body, "SalesReceipt.Id", t->a->receipt))
		return finish(t, ALMONER_UNKNOWN, "voiding the sales receipt: the reply has no SalesReceipt.Id");
	return finish(t, ALMONER_OK, NULL);
}

/* ---- start ---- */

/* The checkpoint of an earlier attempt names the customer, so only the receipt is left to do. */
static int start_do(struct quickbooks_turn *t)
{
	json_t *checkpoint AUTO_JSON = kit_json_parse(t->a->kit.context.step->checkpoint);
	if (copy_id(checkpoint, "customer", t->a->customer))
		return quickbooks_send(t->a, QB_CREATE_RECEIPT);
	return quickbooks_send(t->a, t->a->email != NULL ? QB_FIND_BY_EMAIL : QB_FIND_BY_NAME);
}

/* An undo needs no amount and no donor, so it also works for an event that DO would reject. */
static int on_start(struct quickbooks_turn *t)
{
	struct kit_problem problem = { 0 };
	struct kit_context *context = &t->a->kit.context;
	uint32_t purpose = context->step->purpose;
	bool ready =
		purpose == ALMONER_UNDO ? kit_context_load(context, &problem) : quickbooks_prepare(t->a, &problem);
	if (!ready)
		return kit_answer_problem(&t->a->kit.answer, &problem);
	if (purpose == ALMONER_DO)
		return start_do(t);
	if (purpose == ALMONER_LOOKUP)
		return quickbooks_send(t->a, QB_LOOKUP);
	kit_reference_of(context->step, t->a->reference);
	bool known = context->own != NULL && copy_id(context->own, "id", t->a->receipt);
	return quickbooks_send(t->a, known ? QB_READ_TO_VOID : QB_FIND_TO_VOID);
}

/* ---- the interface ---- */

/* The reply is read once, in the same way for all phases; then the phase decides what it means. */
static int accounting_next(void *attempt, const struct almoner_reply *reply)
{
	static int (*const on_reply[QB_PHASE_COUNT])(struct quickbooks_turn *) = {
		[QB_START] = on_start,
		[QB_FIND_BY_EMAIL] = on_found_by_email,
		[QB_FIND_BY_NAME] = on_found_by_name,
		[QB_CREATE_CUSTOMER] = on_customer_created,
		[QB_FIND_NAMESAKE] = on_namesake,
		[QB_CREATE_RECEIPT] = on_receipt_created,
		[QB_CONFIRM] = on_confirm,
		[QB_LOOKUP] = on_lookup,
		[QB_FIND_TO_VOID] = on_found_to_void,
		[QB_READ_TO_VOID] = on_found_to_void,
		[QB_VOID] = on_voided,
	};
	struct quickbooks_turn t = { .a = attempt };
	if ((reply == NULL) != (t.a->phase == QB_START))
		return kit_error_set(t.a->kit.answer.error, "a reply came although nothing was sent");
	if (reply != NULL)
		quickbooks_read(reply, quickbooks_phase_reads(t.a->phase) ? ALMONER_READS : ALMONER_EFFECTS, &t.read);
	int rc = on_reply[t.a->phase](&t);
	quickbooks_reply_free(&t.read);
	return rc;
}

static int accounting_begin(void *attempt, const void *instance, struct almoner_error *error)
{
	(void)error;
	struct quickbooks_attempt *a = attempt;
	a->settings = instance;
	return 0;
}

static void accounting_end(void *attempt)
{
	struct quickbooks_attempt *a = attempt;
	kit_text_free(&a->name);
}

static int accounting_open(void *instance, struct almoner_traits *traits, struct almoner_error *error)
{
	traits->repeat = ALMONER_REPEAT_KEYED;
	traits->repeat_ttl_ms = REQUEST_ID_TTL_MS;
	traits->capabilities = ALMONER_CAN_UNDO | ALMONER_UNDO_IDEMPOTENT | ALMONER_CAN_LOOKUP;
	return quickbooks_settings_read(instance, error);
}

static void accounting_close(void *instance)
{
	quickbooks_settings_free(instance);
}

static const struct kit_shell accounting_shell = {
	.instance_bytes = sizeof(struct quickbooks_settings),
	.attempt_bytes = sizeof(struct quickbooks_attempt),
	.open = accounting_open,
	.close = accounting_close,
	.begin = accounting_begin,
	.next = accounting_next,
	.end = accounting_end,
};

KIT_SHELL_CONNECTOR(accounting_shell, .name = "accounting", .version = "1.0",
					.summary = "Books a donation as a sales receipt in QuickBooks Online",
					.proven = "documents only", .options = quickbooks_options,
					.option_count = QB_OPTION_COUNT)
