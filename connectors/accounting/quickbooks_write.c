/* The requests of each phase. */
#include <stdio.h>
#include <string.h>

#include "connectors/accounting/quickbooks.h"
#include "connectors/kit/date.h"
#include "connectors/kit/escape.h"

/* ---- parts of requests ---- */

/* A string of the query language stands in single quotes; quotes and backslashes in it get a backslash. */
static void put_query_text(struct kit_text *to, const char *value)
{
	struct kit_text quoted AUTO_TEXT = { 0 };
	kit_text_putc(&quoted, '\'');
	for (const char *p = value; *p != '\0'; p++) {
		if (*p == '\'' || *p == '\\')
			kit_text_putc(&quoted, '\\');
		kit_text_putc(&quoted, *p);
	}
	kit_text_putc(&quoted, '\'');
	kit_escape_put(to, KIT_ESCAPE_URL, kit_text_view(&quoted).p, quoted.len);
}

static void put_query(struct quickbooks_attempt *a, const char *select, const char *value)
{
	struct kit_text *url = &a->kit.answer.url;
	kit_text_printf(url, "%s/query?query=", a->settings->base);
	kit_escape_put(url, KIT_ESCAPE_URL, select, strlen(select));
	put_query_text(url, value);
	kit_text_printf(url, "&minorversion=%lld", (long long)a->settings->minor_version);
}

/* `label` tells the effects of one step apart; QuickBooks recognises a repeat by `requestid`. */
static void put_post(struct quickbooks_attempt *a, const char *path, const char *label)
{
	char key[33];
	kit_context_key(a->kit.context.step, label, key);
	kit_text_printf(&a->kit.answer.url, "%s/%srequestid=%s&minorversion=%lld", a->settings->base, path, key,
					(long long)a->settings->minor_version);
	kit_answer_header(&a->kit.answer, "Content-Type", kit_text_lit("application/json"));
}

static void put_ref(struct kit_text *to, const char *name, const char *id)
{
	kit_text_printf(to, "\"%s\":{", name);
	kit_escape_json_member(to, "value", id);
	kit_text_putc(to, '}');
}

/* The home currency is not named: companies without multi-currency refuse documents that name one. */
static void put_currency(struct quickbooks_attempt *a)
{
	const char *home = a->settings->home_currency;
	if (home != NULL && strcasecmp(home, a->money.currency) == 0)
		return;
	kit_text_putc(&a->kit.answer.body, ',');
	put_ref(&a->kit.answer.body, "CurrencyRef", a->money.currency);
}

/* ---- requests ---- */

#define CUSTOMER_QUERY "select Id, DisplayName, PrimaryEmailAddr, CurrencyRef from Customer where "
#define RECEIPT_QUERY  "select * from SalesReceipt where PaymentRefNum = "

static void find_by_email(struct quickbooks_attempt *a)
{
	put_query(a, CUSTOMER_QUERY "PrimaryEmailAddr = ", a->email);
}

static void find_by_name(struct quickbooks_attempt *a)
{
	put_query(a, CUSTOMER_QUERY "DisplayName = ", kit_text_view(&a->name).p);
}

static void find_receipt(struct quickbooks_attempt *a)
{
	put_query(a, RECEIPT_QUERY, a->reference);
}

static void read_receipt(struct quickbooks_attempt *a)
{
	put_query(a, "select * from SalesReceipt where Id = ", a->receipt);
}

static void create_customer(struct quickbooks_attempt *a)
{
	struct kit_text *body = &a->kit.answer.body;
	put_post(a, "customer?", "customer");
	kit_text_putc(body, '{');
	kit_escape_json_member(body, "DisplayName", kit_text_view(&a->name).p);
	if (a->email != NULL) {
		kit_text_puts(body, ",\"PrimaryEmailAddr\":{");
		kit_escape_json_member(body, "Address", a->email);
		kit_text_putc(body, '}');
	}
	put_currency(a);
	kit_text_putc(body, '}');
}

/* The day is the one at the place of the gift. Without a known time QuickBooks takes the current day. */
static void put_txn_date(struct quickbooks_attempt *a)
{
	int64_t at = 0;
	int offset = 0;
	char day[KIT_DATE_BYTES];
	if (!kit_date_of_event(&a->kit.context, &at, &offset))
		return;
	kit_date_day(at, offset, day);
	kit_text_printf(&a->kit.answer.body, ",\"TxnDate\":\"%s\"", day);
}

/* The private note lets a bookkeeper find the event of a receipt. */
static void put_note(struct quickbooks_attempt *a)
{
	const struct almoner_step *step = a->kit.context.step;
	struct kit_text note AUTO_TEXT = { 0 };
	const char *gift = kit_context_text(&a->kit.context, "gift");
	kit_text_printf(&note, "almoner: ");
	kit_text_put(&note, step->source);
	kit_text_putc(&note, '/');
	kit_text_put(&note, step->event_id);
	if (gift != NULL)
		kit_text_printf(&note, ", gift %s", gift);
	kit_text_putc(&a->kit.answer.body, ',');
	kit_escape_json_member(&a->kit.answer.body, "PrivateNote", kit_text_view(&note).p);
}

/* The checkpoint keeps the customer: a later attempt then does not look for it again. */
static void create_receipt(struct quickbooks_attempt *a)
{
	struct kit_text *body = &a->kit.answer.body;
	put_post(a, "salesreceipt?", "");
	kit_text_puts(&a->kit.answer.checkpoint, "{");
	kit_escape_json_member(&a->kit.answer.checkpoint, "customer", a->customer);
	kit_text_puts(&a->kit.answer.checkpoint, "}");
	kit_text_putc(body, '{');
	put_ref(body, "CustomerRef", a->customer);
	kit_text_putc(body, ',');
	kit_escape_json_member(body, "PaymentRefNum", a->reference);
	put_txn_date(a);
	put_note(a);
	put_currency(a);
	kit_text_printf(
		body, ",\"Line\":[{\"Amount\":%s,\"DetailType\":\"SalesItemLineDetail\",\"SalesItemLineDetail\":{",
		a->money.text);
	put_ref(body, "ItemRef", a->settings->item);
	kit_text_puts(body, "}}]");
	if (a->settings->deposit_account != NULL) {
		kit_text_putc(body, ',');
		put_ref(body, "DepositToAccountRef", a->settings->deposit_account);
	}
	kit_text_putc(body, '}');
}

/* The version of the receipt is part of the key: if another user edits the receipt, the next void is a new
 * request and not a repeat of the first one. */
static void void_receipt(struct quickbooks_attempt *a)
{
	char label[QB_ID_BYTES + 8];
	snprintf(label, sizeof label, "void-%s", a->sync_token);
	put_post(a, "salesreceipt?operation=update&include=void&", label);
	kit_text_putc(&a->kit.answer.body, '{');
	kit_escape_json_member(&a->kit.answer.body, "Id", a->receipt);
	kit_text_putc(&a->kit.answer.body, ',');
	kit_escape_json_member(&a->kit.answer.body, "SyncToken", a->sync_token);
	kit_text_puts(&a->kit.answer.body, ",\"sparse\":true}");
}

/* How the request of a phase is written, and its effect. */
struct quickbooks_request {
	void (*make)(struct quickbooks_attempt *a);
	enum almoner_effect effect;
};

static const struct quickbooks_request requests[QB_PHASE_COUNT] = {
	[QB_FIND_BY_EMAIL] = { find_by_email, ALMONER_READS },
	[QB_FIND_BY_NAME] = { find_by_name, ALMONER_READS },
	[QB_CREATE_CUSTOMER] = { create_customer, ALMONER_EFFECTS },
	[QB_FIND_NAMESAKE] = { find_by_name, ALMONER_READS },
	[QB_CREATE_RECEIPT] = { create_receipt, ALMONER_EFFECTS },
	[QB_CONFIRM] = { find_receipt, ALMONER_READS },
	[QB_LOOKUP] = { find_receipt, ALMONER_READS },
	[QB_FIND_TO_VOID] = { find_receipt, ALMONER_READS },
	[QB_READ_TO_VOID] = { read_receipt, ALMONER_READS },
	[QB_VOID] = { void_receipt, ALMONER_EFFECTS },
};

bool quickbooks_phase_reads(enum quickbooks_phase phase)
{
	return requests[phase].effect == ALMONER_READS;
}

int quickbooks_send(struct quickbooks_attempt *a, enum quickbooks_phase phase)
{
	const struct quickbooks_request *r = &requests[phase];
	bool posts = r->effect == ALMONER_EFFECTS;
	a->phase = phase;
	kit_answer_clear(&a->kit.answer);
	kit_answer_header(&a->kit.answer, "Authorization", kit_text_lit(a->settings->authorization));
	kit_answer_header(&a->kit.answer, "Accept", kit_text_lit("application/json"));
	r->make(a);
	return kit_answer_send(&a->kit.answer, posts ? "POST" : "GET", posts, r->effect);
}
