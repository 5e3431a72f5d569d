/* Functions that the handlers of QuickBooks' replies share. */
#include <stdio.h>
#include <string.h>

#include "connectors/accounting/quickbooks.h"
#include "connectors/kit/json.h"

int quickbooks_finish(struct quickbooks_turn *t, uint32_t result_class, const char *what)
{
	const char *message = t->read.message[0] != '\0' ? t->read.message : NULL;
	char code[16];
	snprintf(code, sizeof code, "%u", t->read.code);
	kit_answer_code(&t->a->kit.answer, t->read.code != 0 ? code : NULL);
	return kit_answer_finish(&t->a->kit.answer, result_class, what, message);
}

int quickbooks_finish_own(struct quickbooks_turn *t, uint32_t result_class, const char *what)
{
	return kit_answer_finish(&t->a->kit.answer, result_class, what, "");
}

bool quickbooks_copy_id(const json_t *from, const char *path, char out[QB_ID_BYTES])
{
	char id[KIT_JSON_ID_BYTES];
	if (kit_json_id(from, path, id) == NULL || strlen(id) >= QB_ID_BYTES)
		return false;
	memcpy(out, id, strlen(id) + 1);
	return true;
}
