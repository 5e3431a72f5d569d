/* Functions that the handlers of CiviCRM's replies share. */
#include <stdlib.h>
#include <string.h>

#include "connectors/crm/civicrm.h"
#include "connectors/kit/json.h"

/* CiviCRM gives the code 0 to every exception that has none. */
int civicrm_finish(struct civicrm_turn *t, uint32_t result_class, const char *what)
{
	const char *message = t->read.message[0] != '\0' ? t->read.message : NULL;
	char id[KIT_JSON_ID_BYTES];
	const char *code = kit_json_id(t->read.body, "error_code", id);
	kit_answer_code(&t->a->kit.answer, code != NULL && strcmp(code, "0") != 0 ? code : NULL);
	return kit_answer_finish(&t->a->kit.answer, result_class, what, message);
}

int civicrm_finish_own(struct civicrm_turn *t, uint32_t result_class, const char *what)
{
	return kit_answer_finish(&t->a->kit.answer, result_class, what, "");
}

/* strtoll cannot overflow: at most 18 digits are read. */
int64_t civicrm_id_at(const json_t *value, const char *name)
{
	const json_t *id = json_object_get(value, name);
	if (json_is_integer(id))
		return json_integer_value(id) > 0 ? json_integer_value(id) : 0;
	const char *text = json_string_value(id);
	if (text == NULL || *text == '\0' || strlen(text) > 18 || strspn(text, "0123456789") != strlen(text))
		return 0;
	return strtoll(text, NULL, 10);
}

const json_t *civicrm_first_value(const struct civicrm_turn *t)
{
	return json_array_get(t->read.values, 0);
}
