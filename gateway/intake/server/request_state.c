#include <stdlib.h>

#include "gateway/intake/server/request_internal.h"

struct server_request *request_ref(struct server_request *r)
{
	__atomic_add_fetch(&r->references, 1, __ATOMIC_RELAXED);
	return r;
}

void request_unref(struct server_request *r)
{
	if (__atomic_sub_fetch(&r->references, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	rules_unref(r->rules);
	buf_free(&r->body);
	free(r->uri);
	free(r);
}

const char *request_mhd_header(void *ctx, const char *name)
{
	return MHD_lookup_connection_value(ctx, MHD_HEADER_KIND, name);
}
