/* The secrets of one instance. The kit takes them out of every detail, because a target may repeat our
 * request in its error text. */
#ifndef ALMONER_KIT_SECRETS_H
#define ALMONER_KIT_SECRETS_H

#include <stddef.h>

/* A shorter text is not kept as a secret: it would also hide parts of ordinary words. Chosen; no
 * measurement. */
#define KIT_SECRETS_BYTES_MIN 6

/* A zeroed struct is a valid empty list. */
struct kit_secrets {
	char **items; /* owned copies */
	size_t count;
};

/* Keeps a copy of `text`. Ignores NULL and a text of fewer than KIT_SECRETS_BYTES_MIN bytes. */
void kit_secrets_add(struct kit_secrets *secrets, const char *text);
/* Overwrites each copy before it frees it. The list is empty afterwards. */
void kit_secrets_free(struct kit_secrets *secrets);

/* The length of the longest secret that starts at `p`, where `len` bytes follow; 0 if no secret starts there.
 * `secrets` may be NULL. */
size_t kit_secrets_match(const struct kit_secrets *secrets, const char *p, size_t len);

/* Overwrites one secret text and frees it. NULL is accepted. */
void kit_secrets_wipe(char *text);

#endif
