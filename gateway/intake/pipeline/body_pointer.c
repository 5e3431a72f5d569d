/* JSON pointers (RFC 6901) into the tree of a body. */
#include <stdlib.h>
#include <string.h>

#include "gateway/intake/pipeline/body.h"
#include "saga/base/mem.h"

/* The next token of a JSON pointer, unescaped, as a fresh text; moves *at behind it. NULL: malformed. */
static char *next_token(const char **at)
{
	if (**at != '/')
		return NULL;
	const char *from = *at + 1;
	size_t len = strcspn(from, "/");
	char *token = mem_strndup(from, len);
	char *to = token;
	for (const char *c = token; *c != '\0'; c++) {
		if (*c == '~' && (c[1] == '0' || c[1] == '1'))
			*to++ = *++c == '0' ? '~' : '/';
		else
			*to++ = *c;
	}
	*to = '\0';
	*at = from + len;
	return token;
}

/* False: the token is no array index (RFC 6901 forbids leading zeros). */
static bool array_index(const char *token, size_t *ret)
{
	size_t len = strspn(token, "0123456789");
	if (len == 0 || len > 9 || token[len] != '\0' || (len > 1 && token[0] == '0'))
		return false;
	*ret = (size_t)strtoul(token, NULL, 10);
	return true;
}

static json_t *child(json_t *from, const char *token)
{
	size_t index;
	if (json_is_object(from))
		return json_object_get(from, token);
	if (json_is_array(from) && array_index(token, &index))
		return json_array_get(from, index);
	return NULL;
}

json_t *body_pointer(json_t *root, const char *pointer)
{
	json_t *value = root;
	while (value != NULL && *pointer != '\0') {
		char *token AUTO_FREE = next_token(&pointer);
		value = token != NULL ? child(value, token) : NULL;
	}
	return value;
}

bool body_remove(json_t *root, const char *pointer)
{
	const char *last = strrchr(pointer, '/');
	if (last == NULL)
		return false;
	char *head AUTO_FREE = mem_strndup(pointer, (size_t)(last - pointer));
	json_t *holder = body_pointer(root, head);
	char *token AUTO_FREE = next_token(&last);
	size_t index;
	if (json_is_object(holder))
		return json_object_del(holder, token) == 0;
	return json_is_array(holder) && array_index(token, &index) && json_array_remove(holder, index) == 0;
}
