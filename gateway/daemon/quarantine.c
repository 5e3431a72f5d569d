/* The number of quarantined events of a source: read from the store, and cached for intake. */
#include "gateway/daemon/daemon_internal.h"

/* The count may exceed the cap by less than one page; intake compares with >=. */
int daemon_quarantine_read(void *ctx, const char *source, int64_t *ret)
{
	struct daemon *d = ctx;
	struct store_reader reader;
	struct err err = { 0 };
	int rc = daemon_open_reader(d, &reader, &err);
	if (rc != 0)
		return rc;
	struct config *config = daemon_config_get(d);
	struct saga_filter filter = {
		.state = SAGA_ATTENTION, .outcome = -1, .reason = REASON_QUARANTINED, .source = source
	};
	int64_t before = INT64_MAX;
	int64_t total = 0;
	/* Pages of 64 sagas, each within 200 ms, keep the read transaction of the store short. */
	while (rc == 0 && before != 0 && total < config->limits.quarantine_cap) {
		struct saga *page[64];
		size_t count = 0;
		rc = reader.saga_list(reader.ctx, &filter, before, 200, page, 64, &count, &before, &err);
		for (size_t i = 0; rc == 0 && i < count; i++)
			saga_destroy(page[i]);
		total += (int64_t)count;
	}
	config_unref(config);
	reader.close(reader.ctx);
	if (rc == 0)
		*ret = total;
	return rc;
}

int64_t daemon_quarantine_count(void *ctx, const char *source)
{
	struct daemon *d = ctx;
	return quarantine_count_open(d->quarantine, source, d->clock.now_ms(d->clock.ctx));
}
