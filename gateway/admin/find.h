/* Events are named by saga id, or by source and the sender's event id. */
#ifndef ALMONER_ADMIN_FIND_H
#define ALMONER_ADMIN_FIND_H

#include "gateway/admin/call.h"

/* From the names in the call's path. ERR_NOT_FOUND, ERR_INVALID. */
int find_saga(const struct admin_call *call, struct store_reader *reader, int64_t *ret,
			  struct err *err) MUST_CHECK;

#endif
