#include "saga/model/envelope.h"

int envelope_open(struct str payload, struct str *ret_content, struct err *err)
{
	if (payload.len == 0)
		return err_set(err, ERR_CORRUPT, "the payload is empty: it has no envelope byte");
	unsigned envelope = (unsigned char)payload.p[0];
	if (envelope != ENVELOPE_PLAIN)
		return err_set(err, ERR_CORRUPT,
					   "the payload has the envelope %u: it is encrypted or written by a newer version",
					   envelope);
	*ret_content = (struct str){ payload.p + 1, payload.len - 1 };
	return 0;
}
