/* The accounting connector: a donation becomes a sales receipt of the donor's customer record.
 *
 *   DO      find the customer by e-mail, else by name ─► create it when missing ─► create the receipt
 *   LOOKUP  find the receipt by our reference number, compare the amount
 *   UNDO    find it, read its version, void it
 *
 * QuickBooks recognises a repeat by `requestid`, for a time it does not state: so the connector is keyed for
 * a day, and after that we look. */
#include <stdlib.h>
#include <string.h>

#include "connectors/accounting/quickbooks.h"
#include "connectors/kit/json.h"

#define REQUEST_ID_TTL_MS ((uint64_t)24 * 3600 * 1000)

struct quickbooks_turn {
	struct quickbooks_attempt *a;
	const struct almoner_reply *reply;
	struct quickbooks_reply read;
	struct almoner_action *action;
	struct almoner_error *error;
};

static int finish(struct quickbooks_turn *t, uint32_t result_class, const char *what)
{
	const char *message = t->read.message[0] != '\0' ? t->read.message : NULL;
	return kit_answer_finish(&t->a->answer, result_class, t->reply, what, message, t->action, t->error);
}

static int finish_own(struct quickbooks_turn *t, uint32_t result_class, const char *what)
{
	return kit_answer_finish(&t->a->answer, result_class, t->reply, what, "", t->action, t->error);
}

static int send_phase(struct quickbooks_turn *t, enum quickbooks_phase phase)
{
	return quickbooks_send(t->a, phase, t->action, t->error);
}

static bool copy_id(const json_t *from, const char *path, char out[QB_ID_BYTES])
{
	char id[200];
	if (kit_json_id(from, path, id) == NULL || strlen(id) >= QB_ID_BYTES)
		return false;
	memcpy(out, id, strlen(id) + 1);
	return true;
}

/* ---- the customer ---- */

/* The one whose name fits, else the first; NULL when nobody was found. */
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

static int use_customer(struct quickbooks_turn *t, const json_t *customer)
{
	const char *currency = kit_json_text_at(customer, "CurrencyRef.value");
	struct kit_problem problem = { 0 };
	if (currency != NULL && strcasecmp(currency, t->a->money.currency) != 0) {
		(void)kit_problem_set(
			&problem, ALMONER_REJECTED,
			"the customer is kept in %s and the gift is in %s; QuickBooks has one currency per "
			"customer: put {{amount.currency}} into customer_name",
			currency, t->a->money.currency);
		return kit_answer_problem(&t->a->answer, &problem, t->action, t->error);
	}
	if (!copy_id(customer, "Id", t->a->customer))
		return finish(t, ALMONER_UNREACHABLE, "looking for the customer: a record without id");
	return send_phase(t, QB_CREATE_RECEIPT);
}

static int on_found_by_email(struct quickbooks_turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "looking for the customer");
	const json_t *customer = choose_customer(t);
	return customer != NULL ? use_customer(t, customer) : send_phase(t, QB_FIND_BY_NAME);
}

/* The same name with another address is another person. */
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
	return send_phase(t, QB_CREATE_CUSTOMER);
}

static int on_customer_created(struct quickbooks_turn *t)
{
	if (t->read.code == QB_CODE_NAME_EXISTS)
		return send_phase(t, QB_FIND_NAMESAKE);
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "creating the customer");
	if (!copy_id(t->read.body, "Customer.Id", t->a->customer))
		return finish(t, ALMONER_UNKNOWN, "creating the customer: the reply has no Customer.Id");
	return send_phase(t, QB_CREATE_RECEIPT);
}

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

static void write_result(struct quickbooks_turn *t, const char *id)
{
	struct kit_text *result = &t->a->answer.result;
	kit_text_puts(result, "{\"id\":");
	kit_text_json_string(result, id, strlen(id));
	if (t->a->customer[0] != '\0') {
		kit_text_puts(result, ",\"customer\":");
		kit_text_json_string(result, t->a->customer, strlen(t->a->customer));
	}
	kit_text_puts(result, ",\"reference\":");
	kit_text_json_string(result, t->a->reference, strlen(t->a->reference));
	kit_text_putc(result, '}');
}

static int on_receipt_created(struct quickbooks_turn *t)
{
	if (t->read.code == QB_CODE_NUMBER_EXISTS)
		return send_phase(t, QB_CONFIRM);
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "creating the sales receipt");
	if (!copy_id(t->read.body, "SalesReceipt.Id", t->a->receipt))
		return finish(t, ALMONER_UNKNOWN, "creating the sales receipt: the reply has no SalesReceipt.Id");
	write_result(t, t->a->receipt);
	return finish(t, ALMONER_OK, NULL);
}

static bool same_amount(const struct quickbooks_turn *t, const json_t *receipt)
{
	struct kit_text total AUTO_TEXT = { 0 };
	int64_t minor = 0;
	const char *currency = kit_json_text_at(receipt, "CurrencyRef.value");
	if (currency != NULL && strcasecmp(currency, t->a->money.currency) != 0)
		return false;
	return kit_json_scalar(&total, kit_json_at(receipt, "TotalAmt")) &&
		   kit_money_parse(kit_text_view(&total).p, t->a->money.currency, &minor) &&
		   minor == t->a->money.minor;
}

/* The receipt a query found, NULL for none. */
static const json_t *found_receipt(const struct quickbooks_turn *t)
{
	return kit_json_at(t->read.body, "QueryResponse.SalesReceipt.0");
}

static int check_receipt(struct quickbooks_turn *t, const json_t *receipt)
{
	if (!copy_id(receipt, "Id", t->a->receipt))
		return finish(t, ALMONER_UNREACHABLE, "looking for the sales receipt: a record without id");
	if (!same_amount(t, receipt))
		return finish_own(t, ALMONER_EXISTS,
						  "a sales receipt with our reference has another amount, or was voided");
	(void)copy_id(receipt, "CustomerRef.value", t->a->customer);
	write_result(t, t->a->receipt);
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

/* The number exists already; trouble while looking must not count as "no effect". */
static int on_confirm(struct quickbooks_turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return finish(t, ALMONER_UNKNOWN, "the number exists; looking for the sales receipt");
	const json_t *receipt = found_receipt(t);
	return receipt != NULL
			   ? check_receipt(t, receipt)
			   : finish_own(t, ALMONER_EXISTS, "the number exists, and no sales receipt has our reference");
}

/* ---- undo ---- */

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
	return send_phase(t, QB_VOID);
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

static int on_voided(struct quickbooks_turn *t)
{
	/* Somebody changed it between reading and voiding: read its version once more. */
	if (t->read.code == QB_CODE_STALE && t->a->reads_of_void++ == 0)
		return send_phase(t, QB_READ_TO_VOID);
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "voiding the sales receipt");
	if (!copy_id(t->read.body, "SalesReceipt.Id", t->a->receipt))
		return finish(t, ALMONER_UNKNOWN, "voiding the sales receipt: the reply has no SalesReceipt.Id");
	return finish(t, ALMONER_OK, NULL);
}

/* ---- starting ---- */

static int start_do(struct quickbooks_turn *t)
{
	json_t *checkpoint AUTO_JSON = kit_json_parse(t->a->context.step->checkpoint);
	if (copy_id(checkpoint, "customer", t->a->customer))
		return send_phase(t, QB_CREATE_RECEIPT);
	return send_phase(t, t->a->email != NULL ? QB_FIND_BY_EMAIL : QB_FIND_BY_NAME);
}

static int on_start(struct quickbooks_turn *t)
{
	struct kit_problem problem = { 0 };
	uint32_t purpose = t->a->context.step->purpose;
	bool ready = purpose == ALMONER_UNDO ? kit_context_load(&t->a->context, &problem)
										 : quickbooks_prepare(t->a, &problem);
	if (!ready)
		return kit_answer_problem(&t->a->answer, &problem, t->action, t->error);
	if (purpose == ALMONER_DO)
		return start_do(t);
	if (purpose == ALMONER_LOOKUP)
		return send_phase(t, QB_LOOKUP);
	kit_reference_of(t->a->context.step, t->a->reference);
	bool known = t->a->context.own != NULL && copy_id(t->a->context.own, "id", t->a->receipt);
	return send_phase(t, known ? QB_READ_TO_VOID : QB_FIND_TO_VOID);
}

static bool only_read(enum quickbooks_phase phase)
{
	return phase != QB_CREATE_CUSTOMER && phase != QB_CREATE_RECEIPT && phase != QB_VOID;
}

static int accounting_next(void *attempt, const struct almoner_reply *reply, struct almoner_action *action,
						   struct almoner_error *error)
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
	struct quickbooks_turn t = { .a = attempt, .reply = reply, .action = action, .error = error };
	if ((reply == NULL) != (t.a->phase == QB_START))
		return kit_error_set(error, "next was called out of turn");
	if (reply != NULL)
		quickbooks_read(reply, only_read(t.a->phase) ? ALMONER_READS : ALMONER_EFFECTS, &t.read);
	kit_answer_start(&t.a->answer);
	int rc = on_reply[t.a->phase](&t);
	quickbooks_reply_free(&t.read);
	return rc;
}

static int accounting_begin(void *instance, const struct almoner_step *step, void **attempt,
							struct almoner_error *error)
{
	const struct quickbooks_settings *settings = instance;
	struct quickbooks_attempt *a = calloc(1, sizeof *a);
	if (a == NULL)
		return kit_error_set(error, "out of memory");
	a->settings = settings;
	kit_context_init(&a->context, step);
	kit_answer_init(&a->answer, &settings->secrets);
	*attempt = a;
	return 0;
}

static void accounting_end(void *attempt)
{
	struct quickbooks_attempt *a = attempt;
	kit_context_finish(&a->context);
	kit_answer_free(&a->answer);
	kit_text_free(&a->name);
	free(a);
}

static void accounting_close(void *instance)
{
	quickbooks_settings_free(instance);
	free(instance);
}

static int accounting_open(const struct almoner_host *host, struct almoner_text settings, void **instance,
						   struct almoner_traits *traits, struct almoner_error *error)
{
	(void)host;
	struct quickbooks_settings *s = calloc(1, sizeof *s);
	if (s == NULL)
		return kit_error_set(error, "out of memory");
	if (quickbooks_settings_read(s, settings, error) != 0) {
		accounting_close(s);
		return -1;
	}
	traits->repeat = ALMONER_REPEAT_KEYED;
	traits->repeat_ttl_ms = REQUEST_ID_TTL_MS;
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
		.name = "accounting",
		.version = "1.0",
		.summary = "Books a donation as a sales receipt in QuickBooks Online",
		.proven = "documents only",
		.options = quickbooks_options,
		.option_count = QB_OPTION_COUNT,
		.option_size = sizeof(struct almoner_option),
		.open = accounting_open,
		.close = accounting_close,
		.begin = accounting_begin,
		.next = accounting_next,
		.end = accounting_end,
	};
	return &self;
}
