/* QuickBooks Online: settings, and the parts of the conversation. Private to the accounting connector. */
#ifndef ALMONER_CONNECTORS_ACCOUNTING_QUICKBOOKS_H
#define ALMONER_CONNECTORS_ACCOUNTING_QUICKBOOKS_H

#include <jansson.h>

#include "connectors/kit/answer.h"
#include "connectors/kit/money.h"
#include "connectors/kit/reference.h"

#define QB_OPTION_COUNT 10
extern const struct almoner_option quickbooks_options[QB_OPTION_COUNT];

struct quickbooks_settings {
	char *base;          /* "https://…/v3/company/REALM" */
	char *authorization; /* "Bearer …" */
	char *item;
	char *deposit_account; /* NULL: QuickBooks decides */
	char *customer_name;   /* text template */
	char *anonymous;
	char *home_currency; /* NULL: unknown, every document names its currency */
	int64_t minor_version;
	struct kit_secrets secrets;
};

int quickbooks_settings_read(struct quickbooks_settings *s, struct almoner_text text,
							 struct almoner_error *error);
void quickbooks_settings_free(struct quickbooks_settings *s);

/* What the next reply answers. */
enum quickbooks_phase {
	QB_START,
	QB_FIND_BY_EMAIL,
	QB_FIND_BY_NAME,
	QB_CREATE_CUSTOMER,
	QB_FIND_NAMESAKE, /* after "this name exists" */
	QB_CREATE_RECEIPT,
	QB_CONFIRM,      /* after "this number exists" */
	QB_LOOKUP,       /* a look-up for its own sake */
	QB_FIND_TO_VOID, /* what an undo is to void, its id not known */
	QB_READ_TO_VOID, /* the same, id known */
	QB_VOID,
	QB_PHASE_COUNT
};

#define QB_ID_BYTES 64

struct quickbooks_attempt {
	const struct quickbooks_settings *settings;
	struct kit_context context;
	struct kit_answer answer;
	enum quickbooks_phase phase;
	struct kit_money money;
	const char *email;    /* of the donor, NULL: none */
	struct kit_text name; /* DisplayName of the customer */
	char customer[QB_ID_BYTES];
	char receipt[QB_ID_BYTES];
	char sync_token[QB_ID_BYTES];
	char reference[KIT_REFERENCE_BYTES];
	unsigned reads_of_void;
};

/* ---- writing: each fills the attempt's answer and hands the request out
 * ------------------------------------ */

int quickbooks_send(struct quickbooks_attempt *a, enum quickbooks_phase phase, struct almoner_action *action,
					struct almoner_error *error);
/* Donor, amount and reference of the event. */
bool quickbooks_prepare(struct quickbooks_attempt *a, struct kit_problem *problem);
/* Another person has this name already: the e-mail address tells them apart. */
void quickbooks_distinguish_name(struct quickbooks_attempt *a);

/* ---- reading ---- */

/* A reply taken apart. `body` is NULL when it is no JSON. */
struct quickbooks_reply {
	json_t *body;
	uint32_t result_class;
	unsigned code;     /* of the first Fault error, 0: none */
	char message[300]; /* its words */
};

void quickbooks_read(const struct almoner_reply *reply, enum almoner_effect effect,
					 struct quickbooks_reply *ret);
void quickbooks_reply_free(struct quickbooks_reply *r);
#define AUTO_QB_REPLY __attribute__((cleanup(quickbooks_reply_free)))

enum quickbooks_code {
	QB_CODE_NOT_FOUND = 610,
	QB_CODE_STALE = 5010,
	QB_CODE_NUMBER_EXISTS = 6140,
	QB_CODE_NAME_EXISTS = 6240
};

#endif
