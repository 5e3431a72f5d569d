#include "saga/model/codec.h"

#include <string.h>

#include "saga/base/mem.h"

uint32_t codec_take_u32(struct reader *r, bool has)
{
	uint64_t value = has ? reader_uint(r) : 0;
	if (value > UINT32_MAX)
		r->bad = true;
	return r->bad ? 0 : (uint32_t)value;
}

int64_t codec_take_time(struct reader *r, bool has, int64_t base_ms)
{
	return has ? wrapping_add(base_ms, reader_int(r)) : 0;
}

char *codec_take_text(struct reader *r, bool has)
{
	struct str text = has ? reader_bytes(r) : (struct str){ NULL, 0 };
	if (!has || r->bad)
		return NULL;
	if (text.len > 0 && memchr(text.p, '\0', text.len) != NULL)
		r->bad = true;
	return mem_strndup(text.p, text.len);
}

char *codec_take_bytes(struct reader *r, bool has, uint32_t *ret_len)
{
	struct str bytes = has ? reader_bytes(r) : (struct str){ NULL, 0 };
	if (!has || r->bad)
		return NULL;
	*ret_len = (uint32_t)bytes.len;
	return mem_strndup(bytes.p, bytes.len);
}
