/* What every store must do, as tests that run against any of them: give a factory, call contract_run. */
#ifndef ALMONER_TESTS_UNIT_STORE_CONTRACT_H
#define ALMONER_TESTS_UNIT_STORE_CONTRACT_H

#include "saga/store/store.h"

/* Ways to harm a store behind its back, which verify must tell. */
enum damage {
	DAMAGE_FLIP_HEAD,       /* one byte in the middle of the head of log row `number` */
	DAMAGE_FLIP_PERSONAL,   /* … of its personal part */
	DAMAGE_REMOVE_ROW,      /* that log row is gone */
	DAMAGE_REMOVE_COMMIT,   /* the chain row of commit `number` is gone */
	DAMAGE_REMOVE_TAIL,     /* log and chain from commit `number` on are gone */
	DAMAGE_FLIP_CHAIN,      /* digest of commit `number` */
	DAMAGE_RENUMBER,        /* log row `number` becomes number + 1000 */
	DAMAGE_SAGA_VALUE,      /* the value of saga `number` is cut short */
	DAMAGE_SAGA_STATE,      /* its state column says something else */
	DAMAGE_EVENT,           /* another raw body for saga `number` */
	DAMAGE_REMOVE_EVENT,    /* the event of saga `number` is gone */
	DAMAGE_REMOVE_STEP,     /* the waiting steps of saga `number` are gone */
	DAMAGE_NEWER_SCHEMA,    /* written by a later version */
	DAMAGE_FORGET_PERSONAL, /* no damage: personal part of log row `number` forgotten in due form */
};

struct store_factory {
	const char *name;
	void *ctx;
	/* Forgets the store of the test before. */
	void (*fresh)(void *ctx);
	int (*open)(void *ctx, struct store_writer *ret, struct err *err);
	int (*open_reader)(void *ctx, struct store_reader *ret, struct err *err);
	/* While nobody has it open. */
	void (*harm)(void *ctx, enum damage damage, int64_t number);
};

/* Runs all; gives the number of failed tests. */
int contract_run(const struct store_factory *factory);

#endif
