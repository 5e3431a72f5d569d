/* The preview of a connector (almoner_connector.preview): replies of an imaginary target, with which a step
 * can be shown without a network. */
#ifndef ALMONER_GATEWAY_PLUGIN_PREVIEW_H
#define ALMONER_GATEWAY_PLUGIN_PREVIEW_H

#include <jansson.h>
#include <stddef.h>

#include "connectors/almoner_connector.h"
#include "saga/base/check.h"
#include "saga/base/err.h"

/* the most headers of one reply; chosen */
#define PREVIEW_HEADERS_MAX 16

/* The replies for one purpose. A zeroed struct is empty and valid. */
struct preview {
	json_t *json;                  /* owns the texts below */
	struct almoner_reply *replies; /* in the order of the exchanges */
	size_t count;
	struct almoner_header *headers; /* of all replies */
	char **bodies;                  /* one for each reply */
};

/* Reads the replies for `purpose` (DO, UNDO or LOOKUP) from the text of the descriptor; an absent list gives
 * no replies. The caller frees *ret with preview_free. ERR_INVALID: the text breaks the form in the connector
 * header; the error names the part, what was found and what is wanted. */
int preview_read(const char *text, uint32_t purpose, struct preview *ret, struct err *err) MUST_CHECK;
void preview_free(struct preview *p);

#endif
