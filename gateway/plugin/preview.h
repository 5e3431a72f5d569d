/* The preview of a connector (almoner_connector.preview): replies of an imaginary target, with which a step
 * can be shown without a network. */
#ifndef ALMONER_GATEWAY_PLUGIN_PREVIEW_H
#define ALMONER_GATEWAY_PLUGIN_PREVIEW_H

#include <jansson.h>
#include <stddef.h>

#include "connectors/almoner_connector.h"
#include "saga/base/check.h"
#include "saga/base/err.h"

/* the most replies of one list, and the most headers of one reply; chosen */
#define PREVIEW_REPLIES_MAX 32
#define PREVIEW_HEADERS_MAX 16

/* One reply. Its texts belong to the struct preview. */
struct preview_reply {
	const char *to; /* NULL: it fits every request */
	struct almoner_reply reply;
	struct almoner_header headers[PREVIEW_HEADERS_MAX];
	char *body;
};

/* The replies for one purpose. A zeroed struct is empty and valid. */
struct preview {
	json_t *json;
	struct preview_reply *replies;
	size_t count;
};

/* Reads the replies for `purpose` (DO, UNDO or LOOKUP) from the text of the descriptor; an absent list gives
 * no replies. The caller frees *ret with preview_free. ERR_INVALID: the text breaks the form in the connector
 * header; the error names the part, what was found and what is wanted. */
int preview_read(const char *text, uint32_t purpose, struct preview *ret, struct err *err) MUST_CHECK;
void preview_free(struct preview *p);

/* The reply to an action that sends HTTP; NULL if no reply fits it. Borrowed. */
const struct almoner_reply *preview_find(const struct preview *p, const struct almoner_http *http);

#endif
