/* CiviCRM APIv4: settings, and the parts of the conversation. Private to the crm connector. */
#ifndef ALMONER_CONNECTORS_CRM_CIVICRM_H
#define ALMONER_CONNECTORS_CRM_CIVICRM_H

#include <jansson.h>

#include "connectors/kit/answer.h"
#include "connectors/kit/money.h"
#include "connectors/kit/reference.h"

#define CIVI_OPTION_COUNT 13
extern const struct almoner_option civicrm_options[CIVI_OPTION_COUNT];

/* What happens to a contact that was found. */
enum civicrm_existing { CIVI_KEEP, CIVI_FILL, CIVI_OVERWRITE };

struct civicrm_settings {
	json_t *json;
	char *base;          /* "https://…/civicrm/ajax/api4" */
	char *authorization; /* "Bearer …" */
	char *financial_type;
	char *payment_instrument; /* NULL: CiviCRM decides */
	char *status;
	char *trxn_id;              /* text template; NULL: made from source, event and step */
	const json_t *contribution; /* JSON template with further fields */
	bool match_external;
	enum civicrm_existing existing;
	int64_t anonymous_contact; /* 0: none */
	struct kit_secrets secrets;
};

int civicrm_settings_read(struct civicrm_settings *s, struct almoner_text text, struct almoner_error *error);
void civicrm_settings_free(struct civicrm_settings *s);

/* What the next reply answers. */
enum civicrm_phase {
	CIVI_START,
	CIVI_FIND_CONTACT,
	CIVI_CREATE_CONTACT,
	CIVI_UPDATE_CONTACT,
	CIVI_CREATE_CONTRIBUTION,
	CIVI_CONFIRM, /* after "this transaction exists" */
	CIVI_LOOKUP,  /* a look-up for its own sake */
	CIVI_FIND_UNDO,
	CIVI_CANCEL,
	CIVI_PHASE_COUNT
};

/* By what the contact is recognised. */
enum civicrm_match { CIVI_BY_EMAIL, CIVI_BY_EXTERNAL, CIVI_BY_SOURCE };

struct civicrm_attempt {
	const struct civicrm_settings *settings;
	struct kit_context context;
	struct kit_answer answer;
	enum civicrm_phase phase;
	struct kit_money money;
	enum civicrm_match match;
	const char *email;    /* of the donor; NULL: none */
	const char *external; /* the donor's id; NULL: none */
	const char *phone;    /* NULL: none */
	char *first_name;     /* NULL: the event carries none */
	char *last_name;
	json_t *found;   /* the contact as it was found */
	int64_t contact; /* 0: not known yet */
	int64_t contribution;
	struct kit_text trxn_id;
	char reference[KIT_REFERENCE_BYTES];
};

/* Donor, amount and transaction id of the event. */
bool civicrm_prepare(struct civicrm_attempt *a, struct kit_problem *problem);
bool civicrm_prepare_trxn(struct civicrm_attempt *a, struct kit_problem *problem);

/* Writes the request of a phase and hands it out. */
int civicrm_send(struct civicrm_attempt *a, enum civicrm_phase phase, struct almoner_action *action,
				 struct almoner_error *error);
/* Something of the event is to be written into the contact that was found. */
bool civicrm_has_updates(const struct civicrm_attempt *a);

struct civicrm_reply {
	json_t *body;
	const json_t *values; /* of the body: the list; NULL when there is none */
	uint32_t result_class;
	char message[300];
};

void civicrm_read(const struct almoner_reply *reply, enum almoner_effect effect, struct civicrm_reply *ret);
void civicrm_reply_free(struct civicrm_reply *r);

#endif
