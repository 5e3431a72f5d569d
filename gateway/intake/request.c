#include "gateway/intake/request.h"

const char *request_header(const struct intake_request *request, const char *name)
{
	if (request->header == NULL || name == NULL)
		return NULL;
	return request->header(request->headers_ctx, name);
}
