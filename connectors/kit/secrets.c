#include "connectors/kit/secrets.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"

void kit_secrets_add(struct kit_secrets *secrets, const char *text)
{
	assert((secrets->items == NULL) == (secrets->count == 0));
	if (text == NULL || strlen(text) < KIT_SECRETS_BYTES_MIN)
		return;
	secrets->items = mem_grow(secrets->items, (secrets->count + 1) * sizeof *secrets->items);
	secrets->items[secrets->count++] = mem_strdup(text);
}

void kit_secrets_wipe(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

void kit_secrets_free(struct kit_secrets *secrets)
{
	for (size_t i = 0; i < secrets->count; i++)
		kit_secrets_wipe(secrets->items[i]);
	free(secrets->items);
	*secrets = (struct kit_secrets){ 0 };
}

size_t kit_secrets_match(const struct kit_secrets *secrets, const char *p, size_t len)
{
	assert(p != NULL || len == 0);
	size_t longest = 0;
	for (size_t i = 0; secrets != NULL && i < secrets->count; i++) {
		size_t n = strlen(secrets->items[i]);
		if (n <= len && n > longest && memcmp(p, secrets->items[i], n) == 0)
			longest = n;
	}
	return longest;
}
