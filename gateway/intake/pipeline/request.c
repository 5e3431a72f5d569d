#include "gateway/intake/pipeline/request.h"

#include <stddef.h>

const char *request_header(const struct intake_request *request, const char *name)
{
	return request->header != NULL && name != NULL ? request->header(request->headers_ctx, name) : NULL;
}
