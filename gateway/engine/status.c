#include "gateway/engine/status.h"

static const int64_t bounds_ms[STATUS_BUCKETS - 1] = { 1,    2,     3,     5,     10,    20,   30,
													   50,   100,   200,   300,   500,   1000, 2000,
													   5000, 10000, 30000, 60000, 300000 };

int64_t status_bucket_ms(size_t bucket)
{
	return bucket < STATUS_BUCKETS - 1 ? bounds_ms[bucket] : INT64_MAX;
}

size_t status_bucket_of(int64_t duration_ms)
{
	size_t i = 0;
	while (i < STATUS_BUCKETS - 1 && duration_ms > bounds_ms[i])
		i++;
	return i;
}
