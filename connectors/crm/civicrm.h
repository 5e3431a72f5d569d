/* CiviCRM APIv4: the settings, and the parts of a conversation with it. Private to the crm connector. */
#ifndef ALMONER_CONNECTORS_CRM_CIVICRM_H
#define ALMONER_CONNECTORS_CRM_CIVICRM_H

#include "connectors/kit/money.h"
#include "connectors/kit/reference.h"
#include "connectors/kit/shell.h"

#define CIVI_OPTION_COUNT 13
extern const struct almoner_option civicrm_options[CIVI_OPTION_COUNT];

/* What a gift may change in a contact that exists already. */
enum civicrm_existing {
	CIVI_KEEP,     /* nothing */
	CIVI_FILL,     /* empty fields */
	CIVI_OVERWRITE /* an existing contact gets every field that the event carries */
};

struct civicrm_settings {
	struct kit_instance kit;
	char *base;          /* "https://…/civicrm/ajax/api4" */
	char *authorization; /* "Bearer …" */
	char *financial_type;
	char *payment_instrument; /* NULL: CiviCRM chooses */
	char *status;
	/* text template of the transaction id; NULL: the id is made of source, event and step */
	char *trxn_id;
	const json_t *contribution; /* JSON template with more fields; borrowed from kit.json */
	bool match_external;        /* a contact is found by the donor's id, not by e-mail */
	enum civicrm_existing existing;
	int64_t anonymous_contact; /* 0: none */
};

/* Reads s->kit.json. Returns 0, or -1 with `error` filled; civicrm_settings_free is needed in both cases. */
int civicrm_settings_read(struct civicrm_settings *s, struct almoner_error *error);
void civicrm_settings_free(struct civicrm_settings *s);

/* Which request was sent last: the next reply answers it. */
enum civicrm_phase {
	CIVI_START,
	CIVI_FIND_CONTACT,
	CIVI_CREATE_CONTACT,
	CIVI_UPDATE_CONTACT,
	CIVI_CREATE_CONTRIBUTION,
	CIVI_CONFIRM,   /* looks the contribution up after the reply "this transaction exists" */
	CIVI_LOOKUP,    /* the look-up of an attempt whose purpose is LOOKUP */
	CIVI_FIND_UNDO, /* finds the contribution to cancel by its transaction id */
	CIVI_CANCEL,
	CIVI_PHASE_COUNT
};

/* The field by which the contact is found. */
enum civicrm_match {
	CIVI_BY_EMAIL,
	CIVI_BY_EXTERNAL, /* the contact is found by the donor's id at the sender */
	CIVI_BY_SOURCE    /* the contact is found by our reference: the donor has neither address nor id */
};

struct civicrm_attempt {
	struct kit_attempt kit;
	const struct civicrm_settings *settings;
	enum civicrm_phase phase;
	struct kit_money money;
	enum civicrm_match match;
	const char *email;    /* the e-mail address of the donor, borrowed from the event; NULL: none */
	const char *external; /* id of the donor, borrowed; NULL: none, or not used to find the contact */
	const char *phone;    /* of the donor, borrowed; NULL: none */
	char *first_name;     /* owned; NULL: none */
	char *last_name;      /* owned; NULL: none */
	json_t *found;        /* owned copy of the contact that was found; NULL: none was found */
	int64_t contact;      /* id; 0: not known yet */
	int64_t contribution; /* id; 0: not known yet */
	struct kit_text trxn_id;
	char reference[KIT_REFERENCE_BYTES];
};

/* Takes donor, amount and transaction id from the event; the second function takes only the transaction id.
 * False with `problem` filled if the event lacks one of them. */
bool civicrm_prepare(struct civicrm_attempt *a, struct kit_problem *problem);
bool civicrm_prepare_trxn(struct civicrm_attempt *a, struct kit_problem *problem);

/* Sends the request of a phase. Returns what `next` has to return. */
int civicrm_send(struct civicrm_attempt *a, enum civicrm_phase phase);
/* True if the request of a phase changes nothing at the target. */
bool civicrm_phase_reads(enum civicrm_phase phase);
/* True if the event has values to write into the contact that was found. */
bool civicrm_has_updates(const struct civicrm_attempt *a);

/* The meaning of a reply. */
struct civicrm_reply {
	json_t *body;          /* NULL if the body is not JSON */
	const json_t *values;  /* the list of records in the body; NULL if there is none */
	uint32_t result_class; /* enum almoner_class */
	char message[300];     /* error text of CiviCRM; "": none */
};

/* Fills `ret`, which civicrm_reply_free frees. `effect` is that of the request. */
void civicrm_read(const struct almoner_reply *reply, enum almoner_effect effect, struct civicrm_reply *ret);
void civicrm_reply_free(struct civicrm_reply *r);

/* ---- handlers of replies ---- */

/* One call of `next`: the attempt, and the reply that was read. */
struct civicrm_turn {
	struct civicrm_attempt *a;
	struct civicrm_reply read;
};

/* Both end the attempt and return what `next` has to return. `what` starts the detail; NULL: nothing. The
 * first function adds the error text of CiviCRM to the detail, the second does not. */
int civicrm_finish(struct civicrm_turn *t, uint32_t result_class, const char *what);
int civicrm_finish_own(struct civicrm_turn *t, uint32_t result_class, const char *what);
/* The id in the member `name`; 0: no valid id. Some versions of CiviCRM write ids as numbers, others as
 * text. */
int64_t civicrm_id_at(const json_t *value, const char *name);
/* The first record of the reply; NULL: none. */
const json_t *civicrm_first_value(const struct civicrm_turn *t);

/* Each handles the reply to the request of one phase and returns what `next` has to return. */
int civicrm_on_contact_found(struct civicrm_turn *t);
int civicrm_on_contact_created(struct civicrm_turn *t);
int civicrm_on_contact_updated(struct civicrm_turn *t);
int civicrm_on_contribution_created(struct civicrm_turn *t);
int civicrm_on_confirm(struct civicrm_turn *t);
int civicrm_on_lookup(struct civicrm_turn *t);
int civicrm_on_found_to_undo(struct civicrm_turn *t);
int civicrm_on_cancelled(struct civicrm_turn *t);

#endif
