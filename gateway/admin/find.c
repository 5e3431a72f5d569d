#include "gateway/admin/find.h"

#include <errno.h>
#include <stdlib.h>

int find_saga(const struct admin_call *call, struct store_reader *reader, int64_t *ret, struct err *err)
{
	if (call->name[1] != NULL)
		return reader->saga_find(reader->ctx, call->name[0], call->name[1], ret, err);
	char *end;
	errno = 0;
	long long id = strtoll(call->name[0], &end, 10);
	if (errno != 0 || *end != '\0' || id <= 0)
		return err_set(err, ERR_INVALID, "name the event by its saga's number, or as SOURCE/EVENT_ID");
	*ret = id;
	return 0;
}
