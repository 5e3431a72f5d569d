/* QuickBooks Online: the settings, and the parts of a conversation with its API. Private to the accounting
 * connector. */
#ifndef ALMONER_CONNECTORS_ACCOUNTING_QUICKBOOKS_H
#define ALMONER_CONNECTORS_ACCOUNTING_QUICKBOOKS_H

#include "connectors/kit/money.h"
#include "connectors/kit/reference.h"
#include "connectors/kit/shell.h"

#define QB_OPTION_COUNT 10
extern const struct almoner_option quickbooks_options[QB_OPTION_COUNT];

struct quickbooks_settings {
	struct kit_instance kit;
	char *base;          /* "https://…/v3/company/REALM" */
	char *authorization; /* "Bearer …" */
	char *item;
	char *deposit_account; /* NULL: QuickBooks chooses */
	char *customer_name;   /* text template */
	char *anonymous;       /* the customer of gifts without a donor */
	char *home_currency;   /* the home currency; NULL: unknown, so each document names its currency */
	int64_t minor_version;
};

/* Reads s->kit.json. Returns 0, or -1 with `error` filled; quickbooks_settings_free is needed in both
 * cases. */
int quickbooks_settings_read(struct quickbooks_settings *s, struct almoner_error *error);
void quickbooks_settings_free(struct quickbooks_settings *s);

/* Which request was sent last: the next reply answers it. */
enum quickbooks_phase {
	QB_START,
	QB_FIND_BY_EMAIL,
	QB_FIND_BY_NAME,
	QB_CREATE_CUSTOMER,
	QB_FIND_NAMESAKE, /* finds the customer whose name is taken, after the reply "this name exists" */
	QB_CREATE_RECEIPT,
	QB_CONFIRM,      /* looks the receipt up after the reply "this number exists" */
	QB_LOOKUP,       /* the look-up of an attempt whose purpose is LOOKUP */
	QB_FIND_TO_VOID, /* finds the receipt to void by its reference */
	QB_READ_TO_VOID, /* reads the receipt to void by its id */
	QB_VOID,
	QB_PHASE_COUNT
};

/* Ids, and the version of a document (SyncToken), are short numbers in text. Chosen; no measurement. */
#define QB_ID_BYTES 64

struct quickbooks_attempt {
	struct kit_attempt kit;
	const struct quickbooks_settings *settings;
	enum quickbooks_phase phase;
	struct kit_money money;
	const char *email;          /* the e-mail address of the donor, borrowed from the event; NULL: none */
	struct kit_text name;       /* DisplayName of the customer */
	char customer[QB_ID_BYTES]; /* "": not known yet, as for the next two */
	char receipt[QB_ID_BYTES];
	char sync_token[QB_ID_BYTES];
	char reference[KIT_REFERENCE_BYTES];
	unsigned reads_of_void; /* how often the receipt to void was read again */
};

/* ---- requests ---- */

/* Takes donor, amount and reference from the event. False with `problem` filled if one is missing. */
bool quickbooks_prepare(struct quickbooks_attempt *a, struct kit_problem *problem);
/* Adds the e-mail address to the name of the customer, because another person has the same name. Needs
 * a->email. */
void quickbooks_distinguish_name(struct quickbooks_attempt *a);
/* Sends the request of a phase. Returns what `next` has to return. */
int quickbooks_send(struct quickbooks_attempt *a, enum quickbooks_phase phase);
/* True if the request of a phase changes nothing at the target. */
bool quickbooks_phase_reads(enum quickbooks_phase phase);

/* ---- replies ---- */

/* Codes of a Fault that the connector reacts to. From the vendor's list of error codes. */
enum quickbooks_code {
	QB_CODE_NOT_FOUND = 610,
	QB_CODE_STALE = 5010,
	QB_CODE_NUMBER_EXISTS = 6140,
	QB_CODE_NAME_EXISTS = 6240
};

/* The meaning of a reply. */
struct quickbooks_reply {
	json_t *body;          /* NULL if the body is not JSON */
	uint32_t result_class; /* enum almoner_class */
	unsigned code;         /* the code of the first error in the Fault; 0: no Fault */
	char message[300];     /* text of that error */
};

/* Fills `ret`, which quickbooks_reply_free frees. `effect` is that of the request. */
void quickbooks_read(const struct almoner_reply *reply, enum almoner_effect effect,
					 struct quickbooks_reply *ret);
void quickbooks_reply_free(struct quickbooks_reply *r);

/* ---- handlers of replies ---- */

/* One call of `next`: the attempt, and the reply that was read. */
struct quickbooks_turn {
	struct quickbooks_attempt *a;
	struct quickbooks_reply read;
};

/* Both end the attempt and return what `next` has to return. `what` starts the detail; NULL: nothing. The
 * first function adds the target's own error text to the detail, the second does not. */
int quickbooks_finish(struct quickbooks_turn *t, uint32_t result_class, const char *what);
int quickbooks_finish_own(struct quickbooks_turn *t, uint32_t result_class, const char *what);
/* Copies the id at a path. False if there is none or if it is too long. */
bool quickbooks_copy_id(const json_t *from, const char *path, char out[QB_ID_BYTES]);

/* Each handles the reply to the request of one phase and returns what `next` has to return. */
int quickbooks_on_found_by_email(struct quickbooks_turn *t);
int quickbooks_on_found_by_name(struct quickbooks_turn *t);
int quickbooks_on_customer_created(struct quickbooks_turn *t);
int quickbooks_on_namesake(struct quickbooks_turn *t);
int quickbooks_on_receipt_created(struct quickbooks_turn *t);
int quickbooks_on_confirm(struct quickbooks_turn *t);
int quickbooks_on_lookup(struct quickbooks_turn *t);
int quickbooks_on_found_to_void(struct quickbooks_turn *t); /* QB_FIND_TO_VOID and QB_READ_TO_VOID */
int quickbooks_on_voided(struct quickbooks_turn *t);

#endif
