/* The accounting connector: a donation becomes a sales receipt for the donor's customer record in QuickBooks.
 *
 *   DO      find the customer by e-mail, else by name ─► create it if it is missing ─► create the receipt
 *   LOOKUP  find the receipt by our reference, compare the amount
 *   UNDO    find the receipt, read its version, void it
 *
 * QuickBooks recognises a repeat by `requestid`, but does not state for how long. So the connector counts as
 * keyed for one day; after that the gateway uses LOOKUP. */
#include "connectors/accounting/quickbooks.h"
#include "connectors/kit/json.h"

/* This time is chosen; no measurement: the vendor's documents name no time. */
#define REQUEST_ID_TTL_MS ((uint64_t)24 * 3600 * 1000)

/* ---- start ---- */

/* The checkpoint of an earlier attempt names the customer, so only the receipt is left to do. */
static int start_do(struct quickbooks_turn *t)
{
	json_t *checkpoint AUTO_JSON = kit_json_parse(t->a->kit.context.step->checkpoint);
	if (quickbooks_copy_id(checkpoint, "customer", t->a->customer))
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
	bool known = context->own != NULL && quickbooks_copy_id(context->own, "id", t->a->receipt);
	return quickbooks_send(t->a, known ? QB_READ_TO_VOID : QB_FIND_TO_VOID);
}

/* ---- the interface ---- */

/* The reply is read once, in the same way for all phases; then the phase decides what it means. */
static int accounting_next(void *attempt, const struct almoner_reply *reply)
{
	static int (*const on_reply[QB_PHASE_COUNT])(struct quickbooks_turn *) = {
		[QB_START] = on_start,
		[QB_FIND_BY_EMAIL] = quickbooks_on_found_by_email,
		[QB_FIND_BY_NAME] = quickbooks_on_found_by_name,
		[QB_CREATE_CUSTOMER] = quickbooks_on_customer_created,
		[QB_FIND_NAMESAKE] = quickbooks_on_namesake,
		[QB_CREATE_RECEIPT] = quickbooks_on_receipt_created,
		[QB_CONFIRM] = quickbooks_on_confirm,
		[QB_LOOKUP] = quickbooks_on_lookup,
		[QB_FIND_TO_VOID] = quickbooks_on_found_to_void,
		[QB_READ_TO_VOID] = quickbooks_on_found_to_void,
		[QB_VOID] = quickbooks_on_voided,
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

/* A new donor, so that a preview shows everything that is sent; an undo finds the receipt. */
static const char preview[] =
	"{\"do\":[{\"to\":\"GET \",\"status\":200,\"body\":{\"QueryResponse\":{}}},"
	"{\"to\":\"/customer?\",\"status\":200,\"body\":{\"Customer\":{\"Id\":\"1\"}}},"
	"{\"to\":\"/salesreceipt?\",\"status\":200,\"body\":{\"SalesReceipt\":{\"Id\":\"1\"}}}],"
	"\"undo\":[{\"to\":\"GET \",\"status\":200,\"body\":{\"QueryResponse\":{\"SalesReceipt\":"
	"[{\"Id\":\"1\",\"SyncToken\":\"0\"}]}}},"
	"{\"status\":200,\"body\":{\"SalesReceipt\":{\"Id\":\"1\"}}}]}";

KIT_SHELL_CONNECTOR(accounting_shell, .name = "accounting", .version = "1.0",
					.summary = "Books a donation as a sales receipt in QuickBooks Online",
					.proven = "documents only", .options = quickbooks_options,
					.option_count = QB_OPTION_COUNT, .preview = preview)
