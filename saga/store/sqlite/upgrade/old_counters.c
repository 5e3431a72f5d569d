#include "saga/store/sqlite/upgrade/old_counters.h"

#include "saga/base/reader.h"
#include "saga/model/figure_ids.h"
#include "saga/model/state.h"

#define FIRST_VERSION 1 /* no count of blocked rows */
#define LAST_VERSION  3 /* the first with lane_rules */

/* The numbers of commits and log rows follow; the chain has them too. */
static void read_totals(struct reader *r, struct tally *ret)
{
	for (unsigned i = 0; i < FIGURE_TOTAL_COUNT; i++)
		tally_add(ret, i, reader_int(r));
	(void)reader_int(r);
	(void)reader_int(r);
}

/* States that this version does not know are accepted when no saga is in them. */
static void read_sagas(struct reader *r, struct tally *ret)
{
	uint64_t states = reader_uint(r);
	for (uint64_t i = 0; i < states && !r->bad; i++) {
		int64_t n = reader_int(r);
		if (i < SAGA_STATE_COUNT)
			tally_add(ret, FIGURE_SAGAS + i, n);
		else if (n != 0)
			r->bad = true;
	}
}

static void read_target(struct reader *r, uint8_t version, uint32_t target, struct tally *ret)
{
	(void)reader_bytes(r); /* the name is in the table of targets */
	tally_add(ret, figure_of_target(target, FIGURE_OPEN), reader_int(r));
	tally_add(ret, figure_of_target(target, FIGURE_CLAIMABLE), reader_int(r));
	tally_add(ret, figure_of_target(target, FIGURE_BLOCKED), version == FIRST_VERSION ? -1 : reader_int(r));
	tally_add(ret, figure_of_target(target, FIGURE_WITH_LANE), reader_int(r));
	tally_add(ret, figure_of_target(target, FIGURE_ATTENTION), reader_int(r));
	tally_add(ret, figure_of_target(target, FIGURE_SUCCEEDED), reader_int(r));
	tally_add(ret, figure_of_target(target, FIGURE_LANE_RULES), version < LAST_VERSION ? 0 : reader_byte(r));
}

int old_counters_decode(struct str bytes, struct tally *ret, struct err *err)
{
	struct reader r = reader_of(bytes.p, bytes.len);
	uint8_t version = reader_byte(&r);
	if (version < FIRST_VERSION || version > LAST_VERSION)
		return err_set(err, ERR_CORRUPT, "counters: unknown version");
	read_totals(&r, ret);
	read_sagas(&r, ret);
	uint64_t count = reader_uint(&r);
	for (uint64_t i = 1; i <= count && !r.bad; i++)
		read_target(&r, version, (uint32_t)i, ret);
	return reader_done(&r) ? 0 : err_set(err, ERR_CORRUPT, "counters: damaged");
}
