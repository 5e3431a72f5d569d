#include "gateway/plugin/traits_check.h"

#include <stdbool.h>
#include <string.h>

#include "saga/base/err.h"

/* The longest name of a type, in bytes. Canonical types have at most 20; chosen. */
#define TYPE_BYTES 64

/* What is wrong with the promises about repeats, as in version 1.1; NULL: nothing. */
static const char *repeat_fault(const struct almoner_traits *t)
{
	if (t->repeat < ALMONER_REPEAT_IDEMPOTENT || t->repeat > ALMONER_REPEAT_UNSAFE)
		return "repeat is not one of idempotent, keyed, queryable, unsafe";
	if (t->repeat == ALMONER_REPEAT_KEYED && t->repeat_ttl_ms == 0)
		return "repeat is keyed, but repeat_ttl_ms is 0";
	if (t->repeat == ALMONER_REPEAT_QUERYABLE && (t->capabilities & ALMONER_CAN_LOOKUP) == 0)
		return "repeat is queryable, but CAN_LOOKUP is missing";
	if ((t->capabilities & ALMONER_CAN_UNDO_NOTHING) != 0 && (t->capabilities & ALMONER_CAN_UNDO) == 0)
		return "CAN_UNDO_NOTHING is set, but CAN_UNDO is missing";
	if ((t->capabilities & ALMONER_UNDO_IDEMPOTENT) != 0 && (t->capabilities & ALMONER_CAN_UNDO) == 0)
		return "UNDO_IDEMPOTENT is set, but CAN_UNDO is missing";
	return NULL;
}

static bool is_type(const char *name, size_t len)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_.";
	return len > 0 && len <= TYPE_BYTES && strspn(name, allowed) >= len;
}

/* Names separated by single blanks. */
static bool are_types(const char *text)
{
	if (strnlen(text, TRAITS_TYPES_BYTES) == TRAITS_TYPES_BYTES)
		return false;
	for (;;) {
		size_t len = strcspn(text, " ");
		if (!is_type(text, len))
			return false;
		if (text[len] == '\0')
			return true;
		text += len + 1;
	}
}

static int check_types(const char *field, const char *types, struct buf *ret_fault)
{
	if (types == NULL || are_types(types))
		return 0;
	buf_printf(
		ret_fault,
		"%s: found \"%.80s\", wanted names of event types such as \"donation.created\", separated by single "
		"blanks, less than %d bytes",
		field, types, TRAITS_TYPES_BYTES);
	return ERR_INVALID;
}

int traits_check(const struct almoner_traits *traits, struct buf *ret_fault)
{
	const char *fault = repeat_fault(traits);
	if (fault == NULL && traits->types == NULL && traits->types_of_original != NULL)
		fault = "types_of_original is set, but types is missing: all types are taken already";
	if (fault != NULL) {
		buf_text(ret_fault, fault);
		return ERR_INVALID;
	}
	int rc = check_types("types", traits->types, ret_fault);
	return rc == 0 ? check_types("types_of_original", traits->types_of_original, ret_fault) : rc;
}
