#include "gateway/engine/status.h"

/* The upper bounds of all buckets but the last: from a target in the local network to a long time-out. */
static const int64_t bounds_ms[STATUS_BUCKETS - 1] = { 1,    2,     3,     5,     10,    20,   30,
													   50,   100,   200,   300,   500,   1000, 2000,
													   5000, 10000, 30000, 60000, 300000 };

size_t status_bucket_of(int64_t duration_ms)
{
	size_t i = 0;
	while (i < STATUS_BUCKETS - 1 && duration_ms > bounds_ms[i])
		i++;
	return i;
}
