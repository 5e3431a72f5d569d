#include "saga/base/reader.h"

#include <string.h>

struct reader reader_of(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	return (struct reader){ p, len > 0 ? p + len : p, false };
}

uint8_t reader_byte(struct reader *r)
{
	if (r->bad || r->p == r->end) {
		r->bad = true;
		return 0;
	}
	return *r->p++;
}

uint64_t reader_uint(struct reader *r)
{
	uint64_t value = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = reader_byte(r);
		if (shift == 63 && byte > 1)
			break;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0)
			return r->bad ? 0 : value;
	}
	r->bad = true;
	return 0;
}

int64_t reader_int(struct reader *r)
{
	uint64_t value = reader_uint(r);
	return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

struct str reader_bytes(struct reader *r)
{
	uint64_t len = reader_uint(r);
	if (r->bad || len > (uint64_t)(r->end - r->p)) {
		r->bad = true;
		return (struct str){ "", 0 };
	}
	struct str s = { (const char *)r->p, (size_t)len };
	r->p += len;
	return s;
}

void reader_fixed(struct reader *r, void *to, size_t len)
{
	if (r->bad || len > (size_t)(r->end - r->p)) {
		r->bad = true;
		memset(to, 0, len);
		return;
	}
	memcpy(to, r->p, len);
	r->p += len;
}

bool reader_done(const struct reader *r)
{
	return !r->bad && r->p == r->end;
}
