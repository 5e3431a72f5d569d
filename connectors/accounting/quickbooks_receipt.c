/* Replies about the sales receipt: DO, LOOKUP and UNDO. */
#include "connectors/accounting/quickbooks.h"
#include "connectors/kit/escape.h"
#include "connectors/kit/json.h"

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

int quickbooks_on_receipt_created(struct quickbooks_turn *t)
{
	if (t->read.code == QB_CODE_NUMBER_EXISTS)
		return quickbooks_send(t->a, QB_CONFIRM);
	if (t->read.result_class != ALMONER_OK)
		return quickbooks_finish(t, t->read.result_class, "the request to create the sales receipt");
	if (!quickbooks_copy_id(t->read.body, "SalesReceipt.Id", t->a->receipt))
		return quickbooks_finish(t, ALMONER_UNKNOWN,
								 "the request to create the sales receipt: the reply has no SalesReceipt.Id");
	write_result(t);
	return quickbooks_finish(t, ALMONER_OK, NULL);
}

/* The receipt that a query found; NULL: none. */
static const json_t *found_receipt(const struct quickbooks_turn *t)
{
	return kit_json_at(t->read.body, "QueryResponse.SalesReceipt.0");
}

/* A receipt has our reference. The amount must be ours too, because references can be equal by chance. */
static int check_receipt(struct quickbooks_turn *t, const json_t *receipt)
{
	if (!quickbooks_copy_id(receipt, "Id", t->a->receipt))
		return quickbooks_finish(t, ALMONER_UNREACHABLE,
								 "the search for the sales receipt gave a record without an id");
	if (!kit_money_is(&t->a->money, kit_json_at(receipt, "TotalAmt"),
					  kit_json_text_at(receipt, "CurrencyRef.value")))
		return quickbooks_finish_own(t, ALMONER_EXISTS,
									 "a sales receipt with our reference has another amount, or was voided");
	quickbooks_copy_id(receipt, "CustomerRef.value", t->a->customer);
	write_result(t);
	return quickbooks_finish_own(t, ALMONER_OK, "found by its reference");
}

int quickbooks_on_lookup(struct quickbooks_turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return quickbooks_finish(t, t->read.result_class, "the search for the sales receipt");
	const json_t *receipt = found_receipt(t);
	return receipt != NULL ? check_receipt(t, receipt)
						   : quickbooks_finish_own(t, ALMONER_ABSENT, "no sales receipt has our reference");
}

/* The number of our receipt exists already. A look-up that fails must not count as "no effect", because an
 * earlier attempt may have created the receipt. */
int quickbooks_on_confirm(struct quickbooks_turn *t)
{
	if (t->read.result_class != ALMONER_OK)
		return quickbooks_finish(t, ALMONER_UNKNOWN, "the number exists; looking for the sales receipt");
	const json_t *receipt = found_receipt(t);
	return receipt != NULL
			   ? check_receipt(t, receipt)
			   : quickbooks_finish_own(t, ALMONER_EXISTS,
									   "the number exists, but no sales receipt has our reference");
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
		return quickbooks_finish_own(t, ALMONER_OK, "the sales receipt is void already");
	if (!quickbooks_copy_id(receipt, "Id", t->a->receipt) ||
		!quickbooks_copy_id(receipt, "SyncToken", t->a->sync_token))
		return quickbooks_finish(t, ALMONER_UNREACHABLE,
								 "the request to read the sales receipt: no id or version in the reply");
	return quickbooks_send(t->a, QB_VOID);
}

int quickbooks_on_found_to_void(struct quickbooks_turn *t)
{
	if (t->read.code == QB_CODE_NOT_FOUND)
		return quickbooks_finish_own(t, ALMONER_OK, "nothing to void: the sales receipt is gone");
	if (t->read.result_class != ALMONER_OK)
		return quickbooks_finish(t, t->read.result_class, "the request to read the sales receipt to void");
	const json_t *receipt = found_receipt(t);
	return receipt != NULL ? void_found(t, receipt)
						   : quickbooks_finish_own(t, ALMONER_OK, "nothing to void: no sales receipt");
}

/* "Stale" means that another user edited the receipt between our read and our void: it is read once more. */
int quickbooks_on_voided(struct quickbooks_turn *t)
{
	if (t->read.code == QB_CODE_STALE && t->a->reads_of_void++ == 0)
		return quickbooks_send(t->a, QB_READ_TO_VOID);
	if (t->read.result_class != ALMONER_OK)
		return quickbooks_finish(t, t->read.result_class, "the request to void the sales receipt");
	if (!quickbooks_copy_id(t->read.body, "SalesReceipt.Id", t->a->receipt))
		return quickbooks_finish(t, ALMONER_UNKNOWN,
								 "the request to void the sales receipt: the reply has no SalesReceipt.Id");
	return quickbooks_finish(t, ALMONER_OK, NULL);
}
