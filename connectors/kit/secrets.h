/* Texts that must never come out in a detail. */
#ifndef ALMONER_KIT_SECRETS_H
#define ALMONER_KIT_SECRETS_H

#include <stddef.h>

/* Texts that must never come out in a detail, for example because a target echoes our request. */
struct kit_secrets {
	char **items;
	size_t count;
};

/* Remembers a copy; short ones (under 6 bytes) would blot out ordinary words and are left alone. */
void kit_secrets_add(struct kit_secrets *secrets, const char *text);
void kit_secrets_free(struct kit_secrets *secrets); /* wipes them */
/* The length of the secret that begins at p, 0 for none. */
size_t kit_secrets_match(const struct kit_secrets *secrets, const char *p, size_t len);

#endif
