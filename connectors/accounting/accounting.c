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

struct turn {
	struct qb_attempt *a;
	const struct almoner_reply *reply;
	struct qb_reply read;
	struct almoner_action *action;
	struct almoner_error *error;
};

static int finish(struct turn *t, uint32_t result_class, const char *what)
{
	const char *said = t->read.said[0] != '\0' ? t->read.said : NULL;
	return answer_finish(&t->a->answer, result_class, t->reply, what, said, t->action, t->error);
}

static int settle(struct turn *t, uint32_t result_class, const char *what)
{
	return answer_finish(&t->a->answer, result_class, t->reply, what, "", t->action, t->error);
}

static int go(struct turn *t, enum qb_phase phase)
{
	return qb_send(t->a, phase, t->action, t->error);
}

static bool copy_id(const json_t *from, const char *path, char out[QB_ID_BYTES])
{
	char id[200];
	if (reply_id(from, path, id) == NULL || strlen(id) >= QB_ID_BYTES)
		return false;
	memcpy(out, id, strlen(id) + 1);
	return true;
}

/* ---- the customer ---------------------------------------------------------------------------------------
 */

/* The one whose name fits, else the first; NULL when nobody was found. */
static const json_t *choose(const struct turn *t)
{
	const json_t *found = json_at(t->read.body, "QueryResponse.Customer");
	for (size_t i = 0; i < json_array_size(found); i++) {
		const char *name = json_text_at(json_array_get(found, i), "DisplayName");
		if (name != NULL && strcmp(name, text_view(&t->a->name).p) == 0)
			return json_array_get(found, i);
	}
	return json_array_get(found, 0);
}

static int use(struct turn *t, const json_t *customer)
{
	const char *currency = json_text_at(customer, "CurrencyRef.value");
	struct problem problem = { 0 };
	if (currency != NULL && strcasecmp(currency, t->a->money.currency) != 0) {
		(void)problem_set(&problem, ALMONER_REJECTED,
						  "the customer is kept in %s and the gift is in %s; QuickBooks has one currency per "
						  "customer: put {{amount.currency}} into customer_name",
						  currency, t->a->money.currency);
		return answer_problem(&t->a->answer, &problem, t->action, t->error);
	}
	if (!copy_id(customer, "Id", t->a->customer))
		return finish(t, ALMONER_UNREACHABLE, "looking for the customer: a record without id");
	return go(t, QB_CREATE_RECEIPT);
}

static int on_found_by_email(struct turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "looking for the customer");
	const json_t *customer = choose(t);
	return customer != NULL ? use(t, customer) : go(t, QB_FIND_BY_NAME);
}

/* The same name with another address is another person. */
static bool somebody_else(const struct turn *t, const json_t *customer)
{
	const char *email = json_text_at(customer, "PrimaryEmailAddr.Address");
	return t->a->email != NULL && email != NULL && strcasecmp(email, t->a->email) != 0;
}

static int on_found_by_name(struct turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "looking for the customer");
	const json_t *customer = choose(t);
	if (customer != NULL && !somebody_else(t, customer))
		return use(t, customer);
	if (customer != NULL)
		qb_distinguish_name(t->a);
	return go(t, QB_CREATE_CUSTOMER);
}

static int on_customer_created(struct turn *t)
{
	if (t->read.code == QB_CODE_NAME_EXISTS)
		return go(t, QB_FIND_NAMESAKE);
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "creating the customer");
	if (!copy_id(t->read.body, "Customer.Id", t->a->customer))
		return finish(t, ALMONER_UNKNOWN, "creating the customer: the reply has no Customer.Id");
	return go(t, QB_CREATE_RECEIPT);
}

static int on_namesake(struct turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "looking for the customer whose name exists");
	const json_t *customer = choose(t);
	if (customer == NULL)
		return settle(t, ALMONER_REJECTED,
					  "the customer's name belongs to a vendor, an employee or an inactive customer");
	return use(t, customer);
}

/* ---- the receipt -------------------------------------------------------------------------------------- */

static void tell_receipt(struct turn *t, const char *id)
{
	struct text *result = &t->a->answer.result;
	text_puts(result, "{\"id\":");
	text_json_string(result, id, strlen(id));
	if (t->a->customer[0] != '\0') {
		text_puts(result, ",\"customer\":");
		text_json_string(result, t->a->customer, strlen(t->a->customer));
	}
	text_puts(result, ",\"reference\":");
	text_json_string(result, t->a->reference, strlen(t->a->reference));
	text_putc(result, '}');
}

static int on_receipt_created(struct turn *t)
{
	if (t->read.code == QB_CODE_NUMBER_EXISTS)
		return go(t, QB_CONFIRM);
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "creating the sales receipt");
	if (!copy_id(t->read.body, "SalesReceipt.Id", t->a->receipt))
		return finish(t, ALMONER_UNKNOWN, "creating the sales receipt: the reply has no SalesReceipt.Id");
	tell_receipt(t, t->a->receipt);
	return finish(t, ALMONER_OK, NULL);
}

static bool same_amount(const struct turn *t, const json_t *receipt)
{
	struct text total AUTO_TEXT = { 0 };
	int64_t minor = 0;
	const char *currency = json_text_at(receipt, "CurrencyRef.value");
	if (currency != NULL && strcasecmp(currency, t->a->money.currency) != 0)
		return false;
	return json_scalar(&total, json_at(receipt, "TotalAmt")) &&
		   money_parse(text_view(&total).p, t->a->money.currency, &minor) && minor == t->a->money.minor;
}

/* The receipt a query found, NULL for none. */
static const json_t *found_receipt(const struct turn *t)
{
	return json_at(t->read.body, "QueryResponse.SalesReceipt.0");
}

static int judge_receipt(struct turn *t, const json_t *receipt)
{
	if (!copy_id(receipt, "Id", t->a->receipt))
		return finish(t, ALMONER_UNREACHABLE, "looking for the sales receipt: a record without id");
	if (!same_amount(t, receipt))
		return settle(t, ALMONER_EXISTS,
					  "a sales receipt with our reference has another amount, or was voided");
	(void)copy_id(receipt, "CustomerRef.value", t->a->customer);
	tell_receipt(t, t->a->receipt);
	return settle(t, ALMONER_OK, "found by its reference");
}

static int on_looked(struct turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "looking for the sales receipt");
	const json_t *receipt = found_receipt(t);
	return receipt != NULL ? judge_receipt(t, receipt)
						   : settle(t, ALMONER_ABSENT, "no sales receipt has our reference");
}

/* The number exists already; trouble while looking must not count as "no effect". */
static int on_confirmed(struct turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return finish(t, ALMONER_UNKNOWN, "the number exists; looking for the sales receipt");
	const json_t *receipt = found_receipt(t);
	return receipt != NULL
			   ? judge_receipt(t, receipt)
			   : settle(t, ALMONER_EXISTS, "the number exists, and no sales receipt has our reference");
}

/* ---- undo --------------------------------------------------------------------------------------------- */

static bool is_void(const json_t *receipt)
{
	struct text total AUTO_TEXT = { 0 };
	int64_t minor = -1;
	return json_scalar(&total, json_at(receipt, "TotalAmt")) &&
		   money_parse(text_view(&total).p, "EUR", &minor) && minor == 0;
}

static int void_it(struct turn *t, const json_t *receipt)
{
	if (is_void(receipt))
		return settle(t, ALMONER_OK, "the sales receipt is void already");
	if (!copy_id(receipt, "Id", t->a->receipt) || !copy_id(receipt, "SyncToken", t->a->sync_token))
		return finish(t, ALMONER_UNREACHABLE, "reading the sales receipt: no id or version in the reply");
	return go(t, QB_VOID);
}

static int on_found_to_void(struct turn *t)
{
	if (t->read.code == QB_CODE_NOT_FOUND)
		return settle(t, ALMONER_OK, "nothing to void: the sales receipt is gone");
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "reading the sales receipt to void");
	const json_t *receipt = found_receipt(t);
	return receipt != NULL ? void_it(t, receipt) : settle(t, ALMONER_OK, "nothing to void: no sales receipt");
}

static int on_voided(struct turn *t)
{
	/* Somebody changed it between reading and voiding: read its version once more. */
	if (t->read.code == QB_CODE_STALE && t->a->reads_of_void++ == 0)
		return go(t, QB_READ_VOID);
	if (t->read.result_class != ALMONER_OK)
		return finish(t, t->read.result_class, "voiding the sales receipt");
	if (!copy_id(t->read.body, "SalesReceipt.Id", t->a->receipt))
		return finish(t, ALMONER_UNKNOWN, "voiding the sales receipt: the reply has no SalesReceipt.Id");
	return finish(t, ALMONER_OK, NULL);
}

/* ---- starting ----------------------------------------------------------------------------------------- */

static int start_do(struct turn *t)
{
	json_t *checkpoint AUTO_JSON = json_parse(t->a->context.step->checkpoint);
	if (copy_id(checkpoint, "customer", t->a->customer))
		return go(t, QB_CREATE_RECEIPT);
	return go(t, t->a->email != NULL ? QB_FIND_BY_EMAIL : QB_FIND_BY_NAME);
}

static int on_begun(struct turn *t)
{
	struct problem problem = { 0 };
	uint32_t purpose = t->a->context.step->purpose;
	bool ready =
		purpose == ALMONER_UNDO ? context_load(&t->a->context, &problem) : qb_prepare(t->a, &problem);
	if (!ready)
		return answer_problem(&t->a->answer, &problem, t->action, t->error);
	if (purpose == ALMONER_DO)
		return start_do(t);
	if (purpose == ALMONER_LOOKUP)
		return go(t, QB_LOOK);
	reference_of(t->a->context.step, t->a->reference);
	bool known = t->a->context.own != NULL && copy_id(t->a->context.own, "id", t->a->receipt);
	return go(t, known ? QB_READ_VOID : QB_FIND_VOID);
}

static bool only_read(enum qb_phase phase)
{
	return phase != QB_CREATE_CUSTOMER && phase != QB_CREATE_RECEIPT && phase != QB_VOID;
}

static int accounting_next(void *attempt, const struct almoner_reply *reply, struct almoner_action *action,
						   struct almoner_error *error)
{
	static int (*const on_reply[QB_PHASE_COUNT])(struct turn *) = {
		[QB_BEGUN] = on_begun,
		[QB_FIND_BY_EMAIL] = on_found_by_email,
		[QB_FIND_BY_NAME] = on_found_by_name,
		[QB_CREATE_CUSTOMER] = on_customer_created,
		[QB_FIND_NAMESAKE] = on_namesake,
		[QB_CREATE_RECEIPT] = on_receipt_created,
		[QB_CONFIRM] = on_confirmed,
		[QB_LOOK] = on_looked,
		[QB_FIND_VOID] = on_found_to_void,
		[QB_READ_VOID] = on_found_to_void,
		[QB_VOID] = on_voided,
	};
	struct turn t = { .a = attempt, .reply = reply, .action = action, .error = error };
	if ((reply == NULL) != (t.a->phase == QB_BEGUN))
		return error_set(error, "next was called out of turn");
	if (reply != NULL)
		qb_read(reply, only_read(t.a->phase) ? ALMONER_READS : ALMONER_EFFECTS, &t.read);
	answer_start(&t.a->answer);
	int rc = on_reply[t.a->phase](&t);
	qb_reply_free(&t.read);
	return rc;
}

static int accounting_begin(void *instance, const struct almoner_step *step, void **attempt,
							struct almoner_error *error)
{
	const struct qb_settings *settings = instance;
	struct qb_attempt *a = calloc(1, sizeof *a);
	if (a == NULL)
		return error_set(error, "out of memory");
	a->settings = settings;
	context_init(&a->context, step);
	answer_init(&a->answer, &settings->secrets);
	*attempt = a;
	return 0;
}

static void accounting_end(void *attempt)
{
	struct qb_attempt *a = attempt;
	context_finish(&a->context);
	answer_free(&a->answer);
	text_free(&a->name);
	free(a);
}

static void accounting_close(void *instance)
{
	qb_settings_free(instance);
	free(instance);
}

static int accounting_open(const struct almoner_host *host, struct almoner_text settings, void **instance,
						   struct almoner_traits *traits, struct almoner_error *error)
{
	(void)host;
	struct qb_settings *s = calloc(1, sizeof *s);
	if (s == NULL)
		return error_set(error, "out of memory");
	if (qb_settings_read(s, settings, error) != 0) {
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
		.options = qb_options,
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
