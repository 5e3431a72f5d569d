/* QuickBooks Online: settings, and the parts of the conversation. Private to the accounting connector. */
#ifndef ALMONER_CONNECTORS_ACCOUNTING_QUICKBOOKS_H
#define ALMONER_CONNECTORS_ACCOUNTING_QUICKBOOKS_H

#include <jansson.h>

#include "connectors/kit/answer.h"
#include "connectors/kit/money.h"
#include "connectors/kit/reference.h"

#define QB_OPTION_COUNT 10
extern const struct almoner_option qb_options[QB_OPTION_COUNT];

struct qb_settings {
	char *base;          /* "https://…/v3/company/REALM" */
	char *authorization; /* "Bearer …" */
	char *item;
	char *deposit_account; /* NULL: QuickBooks decides */
	char *customer_name;   /* text template */
	char *anonymous;
	char *home_currency; /* NULL: unknown, every document names its currency */
	int64_t minor_version;
	struct secrets secrets;
};

int qb_settings_read(struct qb_settings *s, struct almoner_text text, struct almoner_error *error);
void qb_settings_free(struct qb_settings *s);

/* What the next reply answers. */
enum qb_phase {
	QB_BEGUN,
	QB_FIND_BY_EMAIL,
	QB_FIND_BY_NAME,
	QB_CREATE_CUSTOMER,
	QB_FIND_NAMESAKE, /* after "this name exists" */
	QB_CREATE_RECEIPT,
	QB_CONFIRM,   /* after "this number exists" */
	QB_LOOK,      /* a look-up for its own sake */
	QB_FIND_VOID, /* what an undo is to void, its id not known */
	QB_READ_VOID, /* the same, id known */
	QB_VOID,
	QB_PHASE_COUNT
};

#define QB_ID_BYTES 64

struct qb_attempt {
	const struct qb_settings *settings;
	struct context context;
	struct answer answer;
	enum qb_phase phase;
	struct money money;
	const char *email; /* of the donor, NULL: none */
	struct text name;  /* DisplayName of the customer */
	char customer[QB_ID_BYTES];
	char receipt[QB_ID_BYTES];
	char sync_token[QB_ID_BYTES];
	char reference[REFERENCE_BYTES];
	unsigned reads_of_void;
};

/* ---- writing: each fills the attempt's answer and hands the request out
 * ------------------------------------ */

int qb_send(struct qb_attempt *a, enum qb_phase phase, struct almoner_action *action,
			struct almoner_error *error);
/* Donor, amount and reference of the event. */
bool qb_prepare(struct qb_attempt *a, struct problem *problem);
/* Another person has this name already: the e-mail address tells them apart. */
void qb_distinguish_name(struct qb_attempt *a);

/* ---- reading ------------------------------------------------------------------------------------------ */

/* A reply taken apart. `body` is NULL when it is no JSON. */
struct qb_reply {
	json_t *body;
	uint32_t result_class;
	unsigned code;  /* of the first Fault error, 0: none */
	char said[300]; /* its words */
};

void qb_read(const struct almoner_reply *reply, enum almoner_effect effect, struct qb_reply *ret);
void qb_reply_free(struct qb_reply *r);
#define AUTO_QB_REPLY __attribute__((cleanup(qb_reply_free)))

enum qb_code {
	QB_CODE_NOT_FOUND = 610,
	QB_CODE_STALE = 5010,
	QB_CODE_NUMBER_EXISTS = 6140,
	QB_CODE_NAME_EXISTS = 6240
};

#endif
