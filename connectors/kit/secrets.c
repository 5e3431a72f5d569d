#include "connectors/kit/secrets.h"

#include <stdlib.h>
#include <string.h>

#define SECRET_BYTES_MIN 6

void kit_secrets_add(struct kit_secrets *secrets, const char *text)
{
	if (text == NULL || strlen(text) < SECRET_BYTES_MIN)
		return;
	char **items = realloc(secrets->items, (secrets->count + 1) * sizeof *items);
	if (items == NULL)
		return;
	secrets->items = items;
	items[secrets->count] = strdup(text);
	secrets->count += items[secrets->count] != NULL;
}

void kit_secrets_free(struct kit_secrets *secrets)
{
	for (size_t i = 0; i < secrets->count; i++) {
		explicit_bzero(secrets->items[i], strlen(secrets->items[i]));
		free(secrets->items[i]);
	}
	free(secrets->items);
	*secrets = (struct kit_secrets){ 0 };
}

size_t kit_secrets_match(const struct kit_secrets *secrets, const char *p, size_t len)
{
	size_t longest = 0;
	for (size_t i = 0; secrets != NULL && i < secrets->count; i++) {
		size_t n = strlen(secrets->items[i]);
		if (n <= len && n > longest && memcmp(p, secrets->items[i], n) == 0)
			longest = n;
	}
	return longest;
}
