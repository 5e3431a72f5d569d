#include "connectors/kit/names.h"

#include <assert.h>

#include "connectors/kit/error.h"

/* The longest part of a path that an error quotes. Chosen; no measurement. */
#define QUOTED_MAX 100

static int quoted(size_t len)
{
	return (int)(len < QUOTED_MAX ? len : QUOTED_MAX);
}

int kit_names_check(const struct almoner_host *host, const char *path, size_t len, const char *where,
					struct almoner_error *error)
{
	assert(path != NULL && where != NULL);
	struct almoner_text nearest = { NULL, 0 };
	if (host == NULL || !ALMONER_HAS(host, almoner_host, name_known) || host->name_known == NULL ||
		host->name_known(host->ctx, (struct almoner_text){ path, len }, &nearest) != 0)
		return 0;
	if (nearest.p == NULL)
		return kit_error_set(error, "%s: no event has {{%.*s}}", where, quoted(len), path);
	return kit_error_set(error, "%s: no event has {{%.*s}}; did you mean {{%.*s}}?", where, quoted(len), path,
						 quoted(nearest.len), nearest.p);
}
