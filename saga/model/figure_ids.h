/* Which figure has which number in the counters of a commit (saga/model/tally.h), and in its marks. A number is
 * never used for another figure: stores are read by later versions. */
#ifndef ALMONER_MODEL_FIGURE_IDS_H
#define ALMONER_MODEL_FIGURE_IDS_H

#include <stdint.h>

/* The numbers are in groups of 2^FIGURE_GROUP_BITS. Group 0 is below; it is small at its beginning, where most
 * changes are, so that their distances take one byte. The next groups have no figure yet: 1 keys by day, 2 the
 * current hour, 3 and above ready steps by target and quarter hour of acceptance. */
#define FIGURE_GROUP_BITS 24

/* Totals: 0 to 15. */
enum figure_total { FIGURE_ACCEPTED, FIGURE_RELATED, FIGURE_WAITING, FIGURE_DUPLICATES, FIGURE_TOTAL_COUNT };

/* Sagas by state (enum saga_state): 16 to 31. */
#define FIGURE_SAGAS 16

/* 32 numbers for each target, from 1 on. */
#define FIGURE_TARGET_SPAN 32
enum figure_target {
	FIGURE_OPEN,
	FIGURE_CLAIMABLE,
	FIGURE_BLOCKED,
	FIGURE_WITH_LANE,
	FIGURE_ATTENTION,
	FIGURE_SUCCEEDED,
	FIGURE_LANE_RULES,
	FIGURE_TARGET_COUNT
};

static inline uint64_t figure_of_target(uint32_t target, enum figure_target figure)
{
	return (uint64_t)target * FIGURE_TARGET_SPAN + (uint64_t)figure;
}

/* Marks: two for each target; target 0 is all targets together (saga/DESIGN.md "The low-water mark"). */
enum figure_mark { MARK_LOW, MARK_REACH };

static inline uint64_t figure_of_mark(uint32_t target, enum figure_mark mark)
{
	return (uint64_t)target * 2 + (uint64_t)mark;
}

#endif
