#include "gateway/intake/server/framing.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

struct framing_headers {
	unsigned lengths, encodings;
	bool digits;  /* every Content-Length consists of digits */
	bool chunked; /* every Transfer-Encoding is "chunked" */
};

static enum MHD_Result check_header(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct framing_headers *f = ctx;
	(void)kind;
	if (strcasecmp(name, "Content-Length") == 0) {
		f->lengths++;
		f->digits = f->digits && *value != '\0' && value[strspn(value, "0123456789")] == '\0';
	} else if (strcasecmp(name, "Transfer-Encoding") == 0) {
		f->encodings++;
		f->chunked = f->chunked && strcasecmp(value, "chunked") == 0;
	}
	return MHD_YES;
}

const char *framing_fault(struct MHD_Connection *mhd, const char *version)
{
	struct framing_headers f = { .digits = true, .chunked = true };
	MHD_get_connection_values(mhd, MHD_HEADER_KIND, check_header, &f);
	if (f.lengths + f.encodings > 1)
		return f.encodings == 0
				   ? "more than one Content-Length"
				   : "Content-Length beside Transfer-Encoding, or more than one Transfer-Encoding";
	if (!f.digits)
		return "Content-Length is not a number";
	if (!f.chunked)
		return "Transfer-Encoding is not chunked";
	if (f.encodings > 0 && strcmp(version, MHD_HTTP_VERSION_1_0) == 0)
		return "Transfer-Encoding in HTTP/1.0";
	return NULL;
}
